"""Answers by llama.cpp, as an SLM pod gives them: the launcher of inference, an adapter on the quantized base, slots side by side."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LAUNCHER = Path(__file__).resolve().parents[2] / "inference" / "launcher" / "launch.py"
SLOTS = 8


@contextlib.contextmanager
def served(model: Path, adapter: Path | None = None, context: int = 1024):
    """ask(list of messages) -> answers, in order. context in tokens for each slot."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(LAUNCHER), "-m", str(model), "--port", str(port), "-np", str(SLOTS), "-c", str(SLOTS * context), "-t", str(os.cpu_count())]
    process = subprocess.Popen([*command, *(["--lora", str(adapter)] if adapter else [])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _await(url, process)
        yield lambda conversations, most=32: _ask(url, conversations, most)
    finally:
        process.kill()
        process.wait()


def _await(url: str, process) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(url + "/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("llama.cpp's server did not start: run `make setup`") from None
            time.sleep(0.2)


def _ask(url: str, conversations: list[list[dict]], most: int) -> list[str]:
    def one(messages: list[dict]) -> str:
        body = {"messages": messages, "max_tokens": most, "temperature": 0}
        request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as response:
            return json.load(response)["choices"][0]["message"]["content"]

    with ThreadPoolExecutor(SLOTS) as pool:
        return list(pool.map(one, conversations))
