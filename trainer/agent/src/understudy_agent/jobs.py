"""One training job as files in a folder: job.json (what was asked), result.json (how it ended), artefacts."""

import time
from pathlib import Path

from . import files, spec
from .dataset_store import Upload

ARTIFACTS = ("adapter.gguf", "adapter.safetensors", "manifest.json")
ENDED = ("done", "failed", "cancelled")


class Job:
    def __init__(self, root: Path, job_id: str):
        self.id = job_id
        self.folder = root / job_id
        self.upload = Upload(self.folder)

    def asked(self) -> dict | None:
        """{digest, spec, startedAt (Unix seconds)} of the first POST, None before it."""
        return files.read_json(self.folder / "job.json")

    def ask(self, body: dict) -> None:
        files.write_json(self.folder / "job.json", {"digest": spec.digest(body), "spec": body, "startedAt": time.time()})

    def result(self) -> dict | None:
        """{state, error, stoppedEarly, artifacts, progress} of a job that ended."""
        return files.read_json(self.folder / "result.json")

    def end(self, state: str, error: str = "", stopped_early: bool = False, progress: dict | None = None) -> dict:
        """Records the end; the artefacts of a job that is done are complete before this is called."""
        result = {
            "state": state,
            "error": error,
            "stoppedEarly": stopped_early,
            "progress": progress,
            "artifacts": [files.describe(self.folder / name) for name in ARTIFACTS] if state == "done" else [],
        }
        files.write_json(self.folder / "result.json", result)
        return result

    def artifact(self, name: str) -> Path | None:
        """The file of an artefact of a finished job."""
        result = self.result()
        if name not in ARTIFACTS or not result or result["state"] != "done":
            return None
        path = self.folder / name
        return path if path.exists() else None
