"""The real program over HTTP, with the tiny base."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from conftest import lines, order
from understudy_agent import jobs

SOURCE = str(__import__("pathlib").Path(__file__).resolve().parent.parent / "src")
TOKEN = "secret"


class Agent:
    """The agent as a child process."""

    def __init__(self, folder, models, **environ):
        self.folder = folder
        port_file = folder / "url"
        port_file.unlink(missing_ok=True)
        folder.mkdir(exist_ok=True)
        env = {**os.environ, "AGENT_DIR": str(folder / "work"), "AGENT_TOKEN": TOKEN, "LISTEN_ADDR": "127.0.0.1:0",
               "AGENT_PORT_FILE": str(port_file), "MODELS_DIR": str(models), "PYTHONPATH": SOURCE, **environ}  # fmt: skip
        self.process = subprocess.Popen([sys.executable, "-m", "understudy_agent"], env=env, pass_fds=[int(v) for k, v in environ.items() if k == "UNDERSTUDY_PARENT_FD"])
        await_(port_file.exists)
        self.url = port_file.read_text()

    def call(self, method, path, body=None, token=TOKEN, **headers):
        """(status, headers, body); JSON is read."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.url + path, data, {"Authorization": f"Bearer {token}", **headers}, method=method)
        try:
            response = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as err:
            response = err
        with response:
            raw = response.read()
            kind = response.headers.get("Content-Type", "")
            return response.status, response.headers, json.loads(raw) if "json" in kind else raw

    def send(self, data, job="job-1"):
        return self.call("PUT", f"/v1/dataset?job={job}", data)[0]

    def status(self):
        return self.call("GET", "/v1/status")[2]

    def await_state(self, *states):
        await_(lambda: self.status()["state"] in states + ("failed",))
        found = self.status()
        assert found["state"] in states, found
        return found

    def worker(self):
        """The process id of the training, 0 where none runs."""
        listing = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        return next((int(line.split()[0]) for line in listing.splitlines() if "understudy_agent.worker" in line), 0)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait()


def await_(condition, seconds=600):
    """Looks until the condition holds; the limit is only there to end a broken test."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def start(tmp_path, models):
    started = []

    def begin(**environ):
        started.append(Agent(tmp_path / "agent", models, **environ))
        return started[-1]

    yield begin
    for agent in started:
        agent.kill()


@pytest.fixture(scope="module")
def agent(tmp_path_factory, models):
    """One agent for the tests that only ask it something; its job-1 is trained."""
    running = Agent(tmp_path_factory.mktemp("agent"), models)
    data = lines(12)
    running.order = order(data, models / "tiny.gguf", validationFraction=0.25)
    assert running.send(data) == 200
    assert running.call("POST", "/v1/train", running.order)[0] == 202
    running.await_state("done")
    yield running
    running.kill()


def shape(value):
    """The keys and kinds of a JSON value; numbers are one kind."""
    if isinstance(value, dict):
        return {key: shape(v) for key, v in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def test_the_contracts_example_is_understood(contract):
    from understudy_agent import spec

    assert spec.check(contract("agent.json")["train"]["request"])["jobId"]


def test_status_has_the_contracts_shape(agent, contract):
    said = agent.status()
    wanted = contract("agent.json")["status"]["response"]
    wanted["progress"].pop("gpu")  # only where there is one
    assert shape(said) == shape(wanted)
    assert said["boots"] == 1
    assert said["state"] in contract("agent.json")["states"]
    assert said["progress"]["step"] == said["progress"]["steps"] == 3
    assert said["progress"]["evalLoss"] > 0


def test_a_finished_job_has_its_artefacts(agent, contract):
    said = agent.status()
    assert [a["name"] for a in said["artifacts"]] == list(jobs.ARTIFACTS)
    for artifact in said["artifacts"]:
        status, _, data = agent.call("GET", f"/v1/artifacts/{artifact['name']}")
        data = data if isinstance(data, bytes) else None
        if data is not None:
            assert (status, len(data), hashlib.sha256(data).hexdigest()) == (200, artifact["size"], artifact["sha256"])


def test_the_manifest_has_the_contracts_shape(agent, contract):
    _, _, raw = agent.call("GET", "/v1/artifacts/manifest.json")
    said = json.loads(raw)
    wanted = contract("trainer.json")["manifest"]
    assert wanted.keys() <= said.keys()
    for key in ("version", "base", "chatTemplate", "stopTokens", "files", "stoppedEarly"):
        assert shape(said[key]) == shape(wanted[key])
    assert wanted["hyperparameters"].keys() <= said["hyperparameters"].keys()
    assert wanted["dataset"].keys() <= said["dataset"].keys()
    assert said["dataset"]["sha256"] == agent.order["dataset"]["sha256"]
    assert len(said["curves"]["loss"]) == said["steps"] == 3
    assert said["curves"].keys() == wanted["curves"].keys()
    assert (said["bestStep"], said["stopReason"], said["dataset"]["validation"]) == (3, "steps", 3)
    assert said["tokens"] > 0 and said["tokensPerSecond"] > 0 and said["device"].startswith("CPU")
    assert said["chatTemplateSha256"] == hashlib.sha256(said["chatTemplate"].encode()).hexdigest()


def test_the_same_order_again_changes_nothing(agent):
    assert agent.call("POST", "/v1/train", agent.order)[0] == 200
    assert agent.status()["state"] == "done"


def test_another_order_under_the_same_id_is_refused(agent):
    status, _, problem = agent.call("POST", "/v1/train", {**agent.order, "deadlineSeconds": 7})
    assert status == 409 and "another job id" in problem["detail"]


@pytest.mark.parametrize("header, status, size", [("bytes=0-9", 206, 10), ("bytes=-5", 206, 5), ("bytes=7-", 206, None), ("lines=1-2", 200, None)])
def test_a_range_of_an_artefact(agent, header, status, size):
    whole = agent.call("GET", "/v1/artifacts/adapter.gguf")[2]
    got, headers, part = agent.call("GET", "/v1/artifacts/adapter.gguf", Range=header)
    assert got == status
    if size:
        assert len(part) == size and part in (whole[:size], whole[-size:])
    elif status == 206:
        assert part == whole[7:] and headers["Content-Range"] == f"bytes 7-{len(whole) - 1}/{len(whole)}"
    else:
        assert part == whole


def test_a_range_outside_the_file(agent):
    assert agent.call("GET", "/v1/artifacts/adapter.gguf", Range="bytes=999999999-")[0] == 416


@pytest.mark.parametrize("name", ["nothing.gguf", "../job.json", "checkpoint.pt", "job.json", "..%2Fjob.json"])
def test_only_artefacts_are_handed_out(agent, name):
    assert agent.call("GET", f"/v1/artifacts/{name}")[0] == 404


@pytest.mark.parametrize("token", ["", "wrong", "secret2", "sécret"])
def test_a_wrong_token(agent, token):
    import http.client

    connection = http.client.HTTPConnection(agent.url.removeprefix("http://"))
    connection.putrequest("GET", "/v1/status")
    connection.putheader("Authorization", b"Bearer " + token.encode())
    connection.endheaders()
    assert connection.getresponse().status == 401


def test_health_needs_no_token(agent):
    assert agent.call("GET", "/healthz", token="")[0] == 200


def test_parts_in_order_make_a_data_set(agent):
    data = lines(6)
    part = lambda first, last: agent.call("PUT", "/v1/dataset?job=parts", data[first : last + 1], **{"Content-Range": f"bytes {first}-{last}/{len(data)}"})
    assert part(0, 99)[2] == {"received": 100, "total": len(data)}
    assert part(0, 99)[2]["received"] == 100  # a repeated part does no harm
    status, _, problem = part(300, 399)
    assert status == 409 and "100 of" in problem["detail"]
    assert part(100, len(data) - 1)[2]["received"] == len(data)
    assert part(100, len(data) - 1)[2]["received"] == len(data)
    assert agent.status()["dataset"] == {"received": len(data), "total": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize("header", ["bytes 0-9/5", "bytes 5-2/10", "items 0-2/3", "bytes 0-1/100", "bytes 0-2/*"])
def test_a_bad_content_range(agent, header):
    status, _, problem = agent.call("PUT", "/v1/dataset?job=bad", b"abc", **{"Content-Range": header})
    assert status == 400 and header in problem["detail"]


@pytest.mark.parametrize("job", ["", "..", "a/b", "x" * 101])
def test_a_bad_job_id(agent, job):
    assert agent.call("PUT", f"/v1/dataset?job={job}", b"abc")[0] == 422


def test_a_part_that_is_too_large(agent):
    import http.client

    connection = http.client.HTTPConnection(agent.url.removeprefix("http://"))
    connection.putrequest("PUT", "/v1/dataset?job=big")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", str((32 << 20) + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413


def change(body, path, value):
    body = json.loads(json.dumps(body))
    *way, last = path.split(".")
    inner = body
    for key in way:
        inner = inner[key]
    inner[last] = value
    return body


@pytest.mark.parametrize(
    "path, value, word",
    [
        ("base.architecture", "mamba", "no tested adapter converter"),
        ("base.train", {"gguf": {"file": ""}, "hf": ""}, "nowhere"),
        ("dataset.sha256", "12", "sha256"),
        ("hyperparameters.learningRate", -1, "learningRate"),
        ("hyperparameters.batchSize", 1.5, "whole"),
        ("hyperparameters.targetModules", ["lm_head"], "targetModules"),
        ("deadlineSeconds", "soon", "deadlineSeconds"),
        ("jobId", "../x", "job id"),
    ],
)
def test_an_order_that_cannot_be_carried_out(agent, path, value, word):
    status, _, problem = agent.call("POST", "/v1/train", change({**agent.order, "jobId": "other"}, path, value))
    assert status == 422 and word in problem["detail"]


def test_a_body_that_is_not_json(agent):
    assert agent.call("POST", "/v1/train", b"{")[0] == 400


def test_an_order_whose_data_set_is_missing_or_another(agent):
    body = {**agent.order, "jobId": "without-data"}
    status, _, problem = agent.call("POST", "/v1/train", body)
    assert status == 412 and "PUT /v1/dataset" in problem["detail"]
    agent.send(b"{}\n", "without-data")
    assert "send it again" in agent.call("POST", "/v1/train", body)[2]["detail"]


def test_unknown_routes(agent):
    assert agent.call("GET", "/v1/nothing")[0] == 404


def test_a_killed_agent_goes_on_where_it_was(start, models):
    data = lines(8)
    body = order(data, models / "tiny.gguf", maxSteps=100000)
    first = start()
    first.send(data)
    assert first.call("POST", "/v1/train", body)[0] == 202
    assert first.call("POST", "/v1/train", body)[0] == 200
    other = order(data, models / "tiny.gguf", job="job-2")
    assert first.call("POST", "/v1/train", other)[0] == 409  # one at a time
    await_(lambda: first.status()["progress"]["step"] > 20)
    worker = first.worker()
    first.kill()
    await_(lambda: not alive(worker))
    second = start()
    assert second.status()["state"] == "idle" and second.boot_id != first.boot_id if hasattr(first, "boot_id") else True
    assert second.call("POST", "/v1/train", body)[0] == 200
    await_(lambda: second.status()["progress"]["step"] > 0)
    progress = second.status()["progress"]
    # The checkpoint of step 10 was made before step 11; later ones wait where saving takes long.
    assert 10 <= progress["resumedStep"] < progress["step"]
    os.kill(second.worker(), signal.SIGKILL)  # the worker alone: the agent starts it again
    await_(lambda: second.worker() and second.status()["state"] == "training")
    worker = second.worker()
    assert second.call("DELETE", "/v1/train")[0] == 204
    assert not alive(worker)
    assert second.status()["state"] == "cancelled"
    assert second.call("POST", "/v1/train", body)[2]["state"] == "cancelled"


def test_a_finished_job_is_served_again_after_a_kill(agent, tmp_path, models):
    agent.kill()
    again = Agent(agent.folder, models)
    agent.process, agent.url = again.process, again.url  # for the tests that follow
    assert again.call("POST", "/v1/train", agent.order)[2]["state"] == "done"
    assert again.worker() == 0
    assert again.call("GET", "/v1/artifacts/adapter.gguf")[0] == 200


@pytest.mark.parametrize("way", ["SIGTERM", "parent"])
def test_no_process_is_left(start, models, way):
    ours, theirs = os.pipe()
    agent = start(UNDERSTUDY_PARENT_FD=str(ours))
    os.close(ours)
    data = lines(8)
    agent.send(data)
    agent.call("POST", "/v1/train", order(data, models / "tiny.gguf", maxSteps=100000))
    agent.await_state("loading", "training")
    worker = agent.worker()
    assert worker
    if way == "SIGTERM":
        assert agent.kill(signal.SIGTERM) == 0
        os.close(theirs)
    else:
        os.close(theirs)
        agent.process.wait(30)
    await_(lambda: not alive(worker))


def test_the_deadline_ends_a_training_with_what_it_has(start, models):
    agent, data = start(), lines(8)
    agent.send(data)
    agent.call("POST", "/v1/train", {**order(data, models / "tiny.gguf", maxSteps=1000000), "deadlineSeconds": 1})
    said = agent.await_state("done")
    assert said["stoppedEarly"] and 0 < said["progress"]["step"] < 1000000
    assert len(said["artifacts"]) == 3


@pytest.mark.parametrize(
    "change_base, word",
    [({"sha256": "0" * 64}, "delete the file"), ({"file": "none.gguf"}, "make setup"), ({"file": "../tiny.gguf"}, "plain file name")],
)
def test_a_base_that_cannot_be_used(start, models, change_base, word):
    agent, data = start(), lines(8)
    body = order(data, models / "tiny.gguf")
    body["base"]["train"]["gguf"].update(change_base)
    agent.send(data)
    agent.call("POST", "/v1/train", body)
    await_(lambda: agent.status()["state"] == "failed")
    assert word in agent.status()["error"]


def test_bad_settings_are_reported_together(tmp_path):
    env = {**os.environ, "PYTHONPATH": SOURCE, "LISTEN_ADDR": "nowhere", "AGENT_TOKEN": "", "AGENT_DIR": ""}
    said = subprocess.run([sys.executable, "-m", "understudy_agent"], env=env, capture_output=True, text=True)
    assert said.returncode == 2
    assert all(name in said.stderr for name in ("LISTEN_ADDR", "AGENT_TOKEN", "AGENT_DIR"))
