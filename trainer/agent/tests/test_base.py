"""A base that is fetched is whole or not there, whatever the connection does."""

import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from understudy_agent import base
from understudy_agent.errors import TrainingError

WEIGHTS = bytes(range(256)) * 1000
SHA = hashlib.sha256(WEIGHTS).hexdigest()
CUT = 100_000  # bytes after which a connection ends


@pytest.fixture
def hub(monkeypatch):
    """Answers as hub.script says, one word a request, then whole; hub.ranges are what was asked for."""
    monkeypatch.setattr(base, "PAUSES", (0, 0))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            word, asked = server.script.pop(0) if server.script else "whole", self.headers.get("Range")
            server.ranges.append(asked)
            if word.isdigit():
                return self.send_error(int(word))
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(WEIGHTS) - first))
            self.end_headers()
            self.wfile.write(WEIGHTS[first : first + CUT] if word == "cut" else WEIGHTS[first:])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.script, server.ranges = [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def located(hub, folder, sha256=SHA):
    return base.locate({"train": {"gguf": {"url": f"http://127.0.0.1:{hub.server_port}/b.gguf", "sha256": sha256}}}, folder)


@pytest.mark.parametrize(
    "script, ranges",
    [
        ([], [None]),
        (["cut", "cut"], [None, f"bytes={CUT}-", f"bytes={2 * CUT}-"]),
        (["503", "cut"], [None, None, f"bytes={CUT}-"]),
    ],
)
def test_a_fetch_goes_on_until_all_is_here(hub, tmp_path, script, ranges):
    hub.script += script
    assert located(hub, tmp_path).read_bytes() == WEIGHTS
    assert hub.ranges == ranges
    assert os.listdir(tmp_path) == ["b.gguf"]


@pytest.mark.parametrize("script, requests", [(["404"], 1), (["503"] * 9, 3), (["cut", "502", "500"], 3)])
def test_a_fetch_that_fails_leaves_nothing(hub, tmp_path, script, requests):
    hub.script += script
    with pytest.raises(TrainingError, match="cannot be fetched"):
        located(hub, tmp_path)
    assert len(hub.ranges) == requests
    assert os.listdir(tmp_path) == []


def test_another_sum_leaves_nothing(hub, tmp_path):
    with pytest.raises(TrainingError, match="correct the catalogue"):
        located(hub, tmp_path, "0" * 64)
    assert os.listdir(tmp_path) == []


def test_only_parts_that_nobody_writes_are_removed(hub, tmp_path):
    for name, age in (("b.gguf.1.part", 0), ("b.gguf.2.part", base.ABANDONED + 60), ("other.gguf.3.part", base.ABANDONED + 60)):
        (tmp_path / name).write_bytes(b"half")
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    assert located(hub, tmp_path).read_bytes() == WEIGHTS
    assert sorted(os.listdir(tmp_path)) == ["b.gguf", "b.gguf.1.part", "other.gguf.3.part"]
