"""A real platform for the clients' tests: `understudy up` with a replay teacher."""

import json
import os
import pathlib
import signal
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

SYSTEM = {"role": "system", "content": "You answer briefly."}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "track",
            "description": "Finds a parcel",
            "parameters": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
        },
    }
]
CALL = {"id": "call_1", "type": "function", "function": {"name": "track", "arguments": '{"order": "A1"}'}}
RECORDING = [
    {"messages": [SYSTEM, {"role": "user", "content": "What is two and two?"}, {"role": "assistant", "content": "Two and two are four."}]},
    {
        "messages": [SYSTEM, {"role": "user", "content": "Where is parcel A1?"}, {"role": "assistant", "content": None, "tool_calls": [CALL]}],
        "tools": TOOLS,
    },
]


class Platform:
    def __init__(self, data: pathlib.Path):
        self.data = data
        self.url = json.loads((data / "platform.json").read_text())["backend"]
        self.key = (data / "client-key").read_text().strip()

    def cli(self, *args: str):
        done = subprocess.run([ROOT / "bin/understudy", "--data-dir", self.data, "-o", "json", *args], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    data = tmp_path_factory.mktemp("platform")
    (data / "recording.jsonl").write_text("".join(json.dumps(line) + "\n" for line in RECORDING))
    ports = [f"--{name}-port=0" for name in ("backend", "evaluator", "trainer", "frontend")]
    up = subprocess.Popen([ROOT / "bin/understudy", "up", "--data-dir", data, *ports], stdout=subprocess.PIPE, text=True, env={**os.environ, "OPENAI_API_KEY": ""})
    try:
        for line in up.stdout:
            if "Ctrl-C" in line:
                break
        assert up.poll() is None, "understudy up ended"
        p = Platform(data)
        p.cli("endpoints", "create", "brief", "--upstream", "replay", "--model", "replay-teacher")
        yield p
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(timeout=60) == 0
