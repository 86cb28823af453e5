"""Writing and checking files so that a kill at any moment leaves the old one or the new one."""

import hashlib
import json
import os
from pathlib import Path


def write_atomic(path: Path, data: bytes) -> None:
    """Replaces path by data; readers see the old content or all of the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def write_json(path: Path, value) -> None:
    write_atomic(path, json.dumps(value, indent=1).encode())


def read_json(path: Path):
    """The value in path, None where there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(path: Path) -> dict:
    """An artefact as the wire shows it."""
    return {"name": path.name, "size": path.stat().st_size, "sha256": sha256(path)}
