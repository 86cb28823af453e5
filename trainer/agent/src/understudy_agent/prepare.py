"""Turns a base into the form that training reads: config, float32 safetensors, tokenizer. Done once for each file."""

import json
import os
import shutil
import sys
import time
import uuid
from pathlib import Path

from . import files, settings
from .errors import TrainingError
from .gguf_base import Base

VERSION = 1  # of the prepared form


def prepared(source: Path, models_dir: Path) -> tuple[Path, str]:
    """(folder, sha256 of the base). Reading a GGUF takes 10 s, so the result is kept under prepared/<sha256>."""
    if source.is_dir():
        return source, files.sha256(next(iter(sorted(source.glob("*.safetensors")))))
    digest = files.sha256(source)
    folder = models_dir / "prepared" / f"{digest}-{VERSION}"
    if not (folder / "config.json").exists():
        _prepare(source, folder)
    return folder, digest


def _prepare(source: Path, folder: Path) -> None:
    from safetensors.numpy import save_file
    from transformers import AutoTokenizer

    base = Base(source)
    part = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    part.mkdir(parents=True)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        tokenizer.chat_template = tokenizer.chat_template or base.architecture.template or None
        tokenizer.save_pretrained(part)
        _cut_digits(part / "tokenizer.json", base.digits_alone)
        config = base.config()
        save_file(base.weights(config), part / "model.safetensors")
        config.save_pretrained(part)
        try:
            os.rename(part, folder)
        except OSError:  # another process was quicker
            if not (folder / "config.json").exists():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _cut_digits(path: Path, alone: bool) -> None:
    """A GGUF says only by name how text is cut; the reader takes GPT-2's way, so digits must be set apart here."""
    if not alone:
        return
    tokenizer = json.loads(path.read_text())
    tokenizer["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, tokenizer["pre_tokenizer"]],
    }
    path.write_text(json.dumps(tokenizer, ensure_ascii=False))


def command(source: str) -> int:
    """`python -m understudy_agent prepare FILE.gguf`"""
    start = time.monotonic()
    try:
        folder, _ = prepared(Path(source).absolute(), settings.models_dir())
    except (TrainingError, OSError) as err:
        print(err, file=sys.stderr)
        return 1
    if time.monotonic() - start > 3:
        print(f"the base is prepared: {folder} ({time.monotonic() - start:.1f} s)")
    return 0
