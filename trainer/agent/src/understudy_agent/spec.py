"""What a POST /v1/train asks for, checked before anything is started."""

import hashlib
import json
import re

from . import architectures
from .hyper import Hyper, HyperError

JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SHA256 = re.compile(r"[0-9a-f]{64}")


class SpecError(Exception):
    """A sentence for the caller: what is wrong and what to do."""


def check(body) -> dict:
    """The body itself when it can be trained, else SpecError."""
    if not isinstance(body, dict):
        raise SpecError("the body must be a JSON object with jobId, base, dataset and hyperparameters")
    job_id(body.get("jobId"))
    base = body.get("base")
    if not isinstance(base, dict) or not base.get("name"):
        raise SpecError("base must name a base model, its architecture and where its weights are")
    architecture = base.get("architecture", "")
    if architecture not in architectures.SUPPORTED and not architectures.converter():
        raise SpecError(architectures.refusal(architecture, repr(base["name"])))
    train = base.get("train") or {}
    gguf = train.get("gguf") or {}
    if not gguf.get("file") and not gguf.get("url") and not train.get("hf"):
        raise SpecError(f"base {base['name']!r} says nowhere to get weights: give base.train.gguf.file, gguf.url or base.train.hf")
    if gguf.get("sha256") and not SHA256.fullmatch(gguf["sha256"]):
        raise SpecError("base.train.gguf.sha256 is not 64 hexadecimal digits")
    dataset = body.get("dataset")
    if not isinstance(dataset, dict) or not SHA256.fullmatch(str(dataset.get("sha256", ""))):
        raise SpecError("dataset.sha256 must be the sha256 of the uploaded data set")
    deadline = body.get("deadlineSeconds", 0)
    if isinstance(deadline, bool) or not isinstance(deadline, (int, float)) or deadline < 0:
        raise SpecError("deadlineSeconds must be a number of seconds, 0 for none")
    try:
        Hyper.read(body.get("hyperparameters") or {})
    except HyperError as err:
        raise SpecError(str(err)) from err
    return body


def job_id(text) -> str:
    if not isinstance(text, str) or not JOB_ID.fullmatch(text):
        raise SpecError("the job id must be 1 to 100 letters, digits, dots, dashes and underscores")
    return text


def digest(body: dict) -> str:
    """Equal for bodies that ask for the same."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
