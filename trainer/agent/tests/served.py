"""Asks a real llama.cpp server."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path


@contextlib.contextmanager
def served(model: Path, adapter: Path | None = None):
    """A function that posts JSON to a path of the server."""
    command = [sys.executable, str(Path(__file__).with_name("llamacpp.py")), str(model), *([str(adapter)] if adapter else [])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        assert url, process.stderr.read()[-2000:]
        process.stderr.close()

        def post(path, body):
            request = urllib.request.Request(url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)

        yield post
    finally:
        process.kill()
        process.wait()
