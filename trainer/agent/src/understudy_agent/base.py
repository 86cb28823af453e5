"""Finds the base's weights: a GGUF file in the models folder, its URL, or a repository of the hub."""

import os
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from . import files
from .errors import TrainingError


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
    if not path.exists():
        if not url:
            raise TrainingError(f"the base file {name} is not in {models_dir}: run `make setup`, or give base.train.gguf.url")
        if not want:
            raise TrainingError(f"the base file {name} has no sha256, so what {url} sends could not be checked: give base.train.gguf.sha256, or put the file into {models_dir}")
        _download(url, path)
    if want and (have := files.sha256(path)) != want:
        raise TrainingError(
            f"the base file {path} has sha256 {have}, but the base catalogue says {want}: "
            "delete the file to have it fetched again, or correct the catalogue"
        )
    return path


def _download(url: str, path: Path) -> None:
    """Resumes path.part; the caller checks the sum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response, open(part, "ab" if response.status == 206 else "wb") as file:
            while block := response.read(1 << 20):
                file.write(block)
    except urllib.error.HTTPError as err:
        if err.code != 416:  # 416: all of it was here already
            raise TrainingError(f"the base cannot be fetched from {url}: HTTP {err.code}") from err
    except OSError as err:
        raise TrainingError(f"the base cannot be fetched from {url}: {err}") from err
    os.replace(part, path)


def _snapshot(name: str) -> Path:
    from huggingface_hub import snapshot_download

    repo, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repo, revision=revision or None, allow_patterns=["*.json", "*.jinja", "*.safetensors"]))
    except Exception as err:  # many kinds, each with a text made for people
        raise TrainingError(f"the base {name} cannot be fetched from the Hugging Face hub: {err}") from err
