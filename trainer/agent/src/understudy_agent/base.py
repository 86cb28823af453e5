"""Finds the base's weights: a GGUF file in the models folder, its URL, or a repository of the hub."""

import contextlib
import glob
import http.client
import os
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from . import files
from .errors import TrainingError

PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds, each before another try
ABANDONED = 3600.0  # seconds that nobody wrote to a part


def locate(base: dict, models_dir: Path) -> Path:
    """The verified GGUF file, fetched if it is not there; a folder of safetensors for a base from the hub."""
    gguf = base["train"].get("gguf") or {}
    if not gguf.get("file") and not gguf.get("url"):
        return _snapshot(base["train"]["hf"])
    url, want = gguf.get("url", ""), gguf.get("sha256", "")
    name = gguf.get("file") or os.path.basename(urlsplit(url).path)
    if name != os.path.basename(name) or name in ("", ".", ".."):
        raise TrainingError(f"base.train.gguf.file {name!r} must be a plain file name: it is looked up in {models_dir}")
    path = models_dir / name
    if path.exists():
        if want and (have := files.sha256(path)) != want:
            raise TrainingError(
                f"the base file {path} has sha256 {have}, but the base catalogue says {want}: "
                "delete the file to have it fetched again, or correct the catalogue"
            )
        return path
    if not url:
        raise TrainingError(f"the base file {name} is not in {models_dir}: run `make setup`, or give base.train.gguf.url")
    if not want:
        raise TrainingError(f"the base file {name} has no sha256, so what {url} sends could not be checked: give base.train.gguf.sha256, or put the file into {models_dir}")
    _download(url, path, want)
    return path


def _download(url: str, path: Path, want: str) -> None:
    """Whatever lies at path has the sum wanted: a part is renamed only then. Each call writes a part of its own, as several agents may share a volume."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        for pause in (*PAUSES, None):
            try:
                _fetch(url, part)
                break
            except (OSError, http.client.HTTPException) as err:
                refused = isinstance(err, urllib.error.HTTPError) and err.code < 500 and err.code != 429
                if refused or pause is None:
                    raise TrainingError(f"the base cannot be fetched from {url}: {err}") from err
            time.sleep(pause)
        if (have := files.sha256(part)) != want:
            raise TrainingError(f"what {url} sent has sha256 {have}, but the base catalogue says {want}: correct the catalogue")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _fetch(url: str, part: Path) -> None:
    """Goes on where the part ends."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response, open(part, "ab" if response.status == 206 else "wb") as file:
            got = 0
            while block := response.read(1 << 20):
                got += file.write(block)
            said = response.headers.get("Content-Length")
    except urllib.error.HTTPError as err:
        if not have or err.code != 416:  # 416: all of it was here already
            raise
        return
    if said and got < int(said):  # a read does not tell when a connection ended early
        raise ConnectionError(f"the connection ended after {got} of {said} bytes")


def _sweep(path: Path) -> None:
    """Removes the parts of agents that were killed; a living one writes to its part all the time."""
    for part in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(FileNotFoundError):  # another agent sweeps too
            if time.time() - part.stat().st_mtime > ABANDONED:
                part.unlink()


def _snapshot(name: str) -> Path:
    from huggingface_hub import snapshot_download

    repo, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repo, revision=revision or None, allow_patterns=["*.json", "*.jinja", "*.safetensors"]))
    except Exception as err:  # many kinds, each with a text made for people
        raise TrainingError(f"the base {name} cannot be fetched from the Hugging Face hub: {err}") from err
