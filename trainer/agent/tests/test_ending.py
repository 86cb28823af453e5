"""An agent that nobody talks to, or whose time is over, ends its pod and itself."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_api import Agent, await_, start  # noqa: F401  (a fixture)

from conftest import lines, order
from understudy_agent import settings
from understudy_agent.ending import Ending, Pod


@pytest.fixture
def runpod():
    """RunPod's side of ending a pod: answers with the statuses given, the last one again and again."""
    seen, statuses = [], [204]

    class Answer(BaseHTTPRequestHandler):
        def do_DELETE(self):
            seen.append((self.path, self.headers["Authorization"], self.headers["User-Agent"]))
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url, server.seen, server.statuses = f"http://127.0.0.1:{server.server_address[1]}/v2", seen, statuses
    yield server
    server.shutdown()
    server.server_close()


ASKED = ("/v2/pods/pod1", "Bearer podkey", "understudy-agent")


@pytest.mark.parametrize(
    "statuses, asked, ended",
    [
        pytest.param([204], 1, True, id="ended"),
        pytest.param([503, 429, 204], 3, True, id="after two tries"),
        pytest.param([404], 1, True, id="gone already"),
        pytest.param([403], 1, False, id="the pod's key has no such right"),
        pytest.param([500], 5, False, id="RunPod is out of order"),
    ],
)
def test_a_pod_is_ended(runpod, statuses, asked, ended):
    runpod.statuses[:] = statuses
    waited = []
    assert Pod(runpod.url, "pod1", "podkey").terminate(waited.append) is ended
    assert runpod.seen == [ASKED] * asked
    assert len(waited) == asked - 1 and waited == sorted(waited)


def test_a_runpod_that_does_not_answer(runpod):
    runpod.server_close()
    assert Pod("http://127.0.0.1:9", "pod1", "podkey").terminate(lambda seconds: None) is False


def environ(runpod, **more):
    return {"AGENT_TERMINATE_URL": runpod.url + "/", "RUNPOD_POD_ID": "pod1", "RUNPOD_API_KEY": "podkey", **more}


def test_nobody_asks(start, models, runpod):  # noqa: F811
    agent = start(**environ(runpod, AGENT_CONTACT_TIMEOUT="4"))
    data = lines(8)
    agent.send(data)
    assert agent.call("POST", "/v1/train", order(data, models / "tiny.gguf", maxSteps=100000))[0] == 202
    begun = time.monotonic()
    await_(lambda: agent.status()["progress"]["step"] > 0 and time.monotonic() - begun > 5)  # asking keeps it
    worker = agent.worker()
    until = time.monotonic() + 30
    while agent.process.poll() is None and time.monotonic() < until:  # asking without the token does not
        try:
            agent.call("GET", "/v1/status", token="wrong")
        except OSError:
            break
        time.sleep(0.1)
    assert agent.process.wait(30) == 0
    assert runpod.seen == [ASKED]
    from test_api import alive

    assert not alive(worker)


def test_the_deadline_passes_though_somebody_asks(start, runpod):  # noqa: F811
    runpod.statuses[:] = [403]
    agent = start(**environ(runpod, AGENT_DEADLINE=str(time.time() + 10), AGENT_CONTACT_TIMEOUT="600"))
    assert agent.status()["state"] == "idle"
    assert agent.process.wait(30) == 0  # though RunPod refused
    assert runpod.seen == [ASKED]


def test_without_the_variables_nothing_watches():
    before = threading.active_count()
    Ending(0, 0, pytest.fail)
    assert threading.active_count() == before


BASIC = {"AGENT_TOKEN": "t", "AGENT_DIR": "/tmp/x"}


def test_settings_of_a_pod():
    read = settings.read({**BASIC, "AGENT_CONTACT_TIMEOUT": "300", "AGENT_DEADLINE": "1794000000", "AGENT_TERMINATE_URL": "https://api/v2/", "RUNPOD_POD_ID": "p", "RUNPOD_API_KEY": "k"})
    assert (read.contact_timeout, read.deadline, read.pod) == (300, 1794000000, Pod("https://api/v2", "p", "k"))
    assert "k" not in repr(read.pod).replace("pod", "").replace("key", "")
    plain = settings.read(BASIC)
    assert (plain.contact_timeout, plain.deadline, plain.pod) == (0, 0, None)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"AGENT_CONTACT_TIMEOUT": "soon"}, "AGENT_CONTACT_TIMEOUT 'soon' is not a number"),
        ({"AGENT_DEADLINE": "-1"}, "AGENT_DEADLINE"),
        ({"AGENT_TERMINATE_URL": "ftp://x", "RUNPOD_POD_ID": "p", "RUNPOD_API_KEY": "k"}, "no http address"),
        ({"AGENT_TERMINATE_URL": "https://x"}, "RUNPOD_POD_ID or RUNPOD_API_KEY"),
    ],
)
def test_settings_that_are_wrong(wrong, words):
    with pytest.raises(settings.SettingsError, match=words):
        settings.read({**BASIC, **wrong})


def test_a_boot_is_counted(start, models):  # noqa: F811
    first = start()
    said = first.status()
    first.kill()
    again = start().status()
    assert (said["boots"], again["boots"]) == (1, 2)
    assert said["bootId"] != again["bootId"]
    assert isinstance(first, Agent)
