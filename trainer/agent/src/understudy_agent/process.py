"""The worker as a child process: what it says, line by line, and how it ended."""

import collections
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

PACKAGES = str(Path(__file__).resolve().parent.parent)


class Worker:
    """A training worker for a job's folder. It ends itself when we are gone: its stdin is a pipe that we hold."""

    def __init__(self, folder: Path, models_dir: Path):
        path = os.pathsep.join(filter(None, [PACKAGES, os.environ.get("PYTHONPATH", "")]))
        self._tail = collections.deque(maxlen=20)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "understudy_agent.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # OpenMP's threads else wait by spinning, which takes the cores from those that work.
            env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "MODELS_DIR": str(models_dir), "PYTHONPATH": path},
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._drain, name="worker stderr", daemon=True)
        self._reader.start()

    def messages(self):
        """Every message until the worker ends. Blocks."""
        for line in self._process.stdout:
            try:
                yield json.loads(line)
            except ValueError:
                continue  # a library that prints

    def wait(self) -> int:
        """The exit status, negative for a signal. Blocks."""
        code = self._process.wait()
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """Ends it at once and waits until it is gone; checkpoints are atomic, so nothing is lost but steps."""
        self._process.kill()
        self._process.wait()

    def last_words(self) -> str:
        return " | ".join(self._tail)[-800:]

    def _drain(self) -> None:
        for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()
            self._tail.append(text)
            print(text, file=sys.stderr, flush=True)
