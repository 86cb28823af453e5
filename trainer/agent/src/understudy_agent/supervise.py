"""One training at a time, in a process of its own so that it can be ended cleanly at any moment."""

import logging
import threading
import time
import uuid
from pathlib import Path

from . import files, spec
from .jobs import Job
from .process import Worker

RESTARTS = 3  # of a worker that was killed; it goes on from its checkpoint
NOTHING = {"stage": "", "step": 0, "steps": 0, "loss": 0.0, "evalLoss": 0.0, "evalExact": 0.0, "bestStep": 0, "resumedStep": 0, "tokensPerSecond": 0.0, "etaSeconds": 0.0}

log = logging.getLogger("understudy_agent")


class Conflict(Exception):
    """Another job, or the same with another body."""


class DatasetMissing(Exception):
    """The data set is not here, or it is not the one that the job names."""


class Trainer:
    """Safe for use by many threads. Nothing blocks for longer than it takes to start or kill a process."""

    def __init__(self, root: Path, models_dir: Path):
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.models_dir = root, models_dir
        self.boot_id, self.boots = uuid.uuid4().hex[:16], _count(root / "boots")
        self._lock = threading.RLock()
        self._job: Job | None = None
        self._worker: Worker | None = None
        self._show("idle")

    def put(self, job_id: str, first: int, total: int, data: bytes) -> dict:
        """Takes a part of a job's data set: {received, total}."""
        with self._lock:
            job = Job(self.root, spec.job_id(job_id))
            self._refuse_while_busy(job)
            job.upload.put(first, total, data)
            if not self._job or self._job.id != job.id:
                self._job = job
                self._show("idle")
            return {"received": job.upload.received(), "total": job.upload.total()}

    def train(self, body) -> bool:
        """Starts a job, goes on with one that was interrupted, or serves one that ended. True when it is new."""
        body = spec.check(body)
        with self._lock:
            job = Job(self.root, body["jobId"])
            self._refuse_while_busy(job)
            asked = job.asked()
            if asked and asked["digest"] != spec.digest(body):
                raise Conflict(f"job {job.id} was asked for with another body: use another job id")
            if self._worker:
                return False
            if result := job.result():
                self._job = job
                self._end(result)
                return False
            _check_dataset(job, body["dataset"]["sha256"])
            if not asked:
                job.ask(body)
            self._job = job
            self._show("loading")
            self._start(job, RESTARTS)
            return not asked

    def cancel(self) -> None:
        """Ends the training that runs, if one does; its job stays cancelled."""
        with self._lock:
            if not self._worker:
                return
            worker, self._worker = self._worker, None
            worker.kill()
            self._end(self._job.end("cancelled", progress=self._progress))
            log.info("training cancelled: job=%s", self._job.id)

    def status(self) -> dict:
        with self._lock:
            return {
                "bootId": self.boot_id,
                "boots": self.boots,
                "jobId": self._job.id if self._job else "",
                "state": self._state,
                "dataset": self._job.upload.status() if self._job else {"received": 0, "total": 0, "sha256": ""},
                "progress": dict(self._progress),
                "artifacts": list(self._artifacts),
                "stoppedEarly": self._early,
                "error": self._error,
                "heartbeatMs": int(self._heartbeat * 1000),
            }

    def artifact(self, name: str) -> Path | None:
        with self._lock:
            return self._job.artifact(name) if self._job else None

    def close(self) -> None:
        """Ends the worker and leaves the job as it is: the same POST goes on from its checkpoint."""
        with self._lock:
            worker, self._worker = self._worker, None
            if worker:
                worker.kill()

    def _refuse_while_busy(self, job: Job) -> None:
        if self._worker and self._job.id != job.id:
            raise Conflict(f"job {self._job.id} is being trained: wait for its end or cancel it with DELETE /v1/train")

    def _start(self, job: Job, restarts: int) -> None:
        self._worker = worker = Worker(job.folder, self.models_dir)
        threading.Thread(target=self._follow, args=(job, worker, restarts), name="worker", daemon=True).start()
        log.info("training started: job=%s pid=%d", job.id, worker.pid)

    def _follow(self, job: Job, worker: Worker, restarts: int) -> None:
        ending = None
        for message in worker.messages():
            with self._lock:
                if self._worker is not worker:
                    return
                self._heartbeat = time.time()
                if "end" in message:
                    ending = message
                else:
                    self._state = message["state"]
                    self._progress.update(message["progress"])
        code = worker.wait()
        with self._lock:
            if self._worker is not worker:
                return
            self._worker = None
            if ending and ending["end"] == "done" and code == 0:
                self._end(job.end("done", stopped_early=ending["stoppedEarly"], progress=self._progress))
                log.info("training done: job=%s", job.id)
            elif code < 0 and restarts > 0:
                log.warning("worker was killed, going on from its checkpoint: job=%s signal=%d", job.id, -code)
                self._state = "loading"
                self._start(job, restarts - 1)
            else:
                error = ending["error"] if ending else f"the training process ended by itself (exit {code}): {worker.last_words()}"
                self._end(job.end("failed", error=error, progress=self._progress))
                log.error("training failed: job=%s error=%s", job.id, error)

    def _show(self, state: str) -> None:
        self._state, self._error, self._early, self._artifacts = state, "", False, []
        self._progress = dict(NOTHING)
        self._heartbeat = time.time()

    def _end(self, result: dict) -> None:
        self._show(result["state"])
        self._error, self._early, self._artifacts = result["error"], result["stoppedEarly"], result["artifacts"]
        self._progress.update(result["progress"] or {})


def _count(path: Path) -> int:
    """Adds one to the number in the file: a folder that was wiped begins at one again."""
    try:
        count = int(path.read_text()) + 1
    except (OSError, ValueError):
        count = 1
    files.write_atomic(path, str(count).encode())
    return count


def _check_dataset(job: Job, want: str) -> None:
    have = job.upload.sha256()
    if not have:
        raise DatasetMissing(f"the data set of job {job.id} is not complete: send it first with PUT /v1/dataset?job={job.id}")
    if have != want:
        raise DatasetMissing(f"the data set that was sent has sha256 {have}, the job names {want}: send it again")
