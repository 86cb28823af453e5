"""Turns a base into the form that training reads: config, float32 safetensors, tokenizer. Done once for each file."""

import json
import os
import shutil
import sys
import time
import uuid
from pathlib import Path

from . import files, settings
from .architectures import PRETOKENIZERS, SUPPORTED
from .errors import TrainingError

VERSION = 1  # of the prepared form


def prepared(source: Path, models_dir: Path) -> tuple[Path, str]:
    """(folder, sha256 of the base). Reading a GGUF takes 15 s, so the result is kept under prepared/<sha256>."""
    if source.is_dir():
        return source, files.sha256(next(iter(sorted(source.glob("*.safetensors")))))
    digest = files.sha256(source)
    folder = models_dir / "prepared" / f"{digest}-{VERSION}"
    if not (folder / "config.json").exists():
        _prepare(source, folder)
    return folder, digest


def _prepare(source: Path, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    pre = _inspect(source)
    part = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    part.mkdir(parents=True)
    try:
        where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
        tokenizer = AutoTokenizer.from_pretrained(**where)
        tokenizer.save_pretrained(part)
        _cut_digits(part / "tokenizer.json", PRETOKENIZERS[pre])
        model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
        save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items() if name not in tied}, part / "model.safetensors")
        config = model.config.to_dict()
        config.pop("quantization_config", None)
        (part / "config.json").write_text(json.dumps(config))
        try:
            os.rename(part, folder)
        except OSError:  # another process was quicker
            if not (folder / "config.json").exists():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _inspect(source: Path) -> str:
    """The name of the GGUF's way to cut text; refuses what no test covers."""
    from gguf import GGUFReader

    try:
        fields = GGUFReader(source).fields
        value = {key: fields[key].contents() for key in ("general.architecture", "tokenizer.ggml.pre") if key in fields}
    except (ValueError, OSError, IndexError) as err:
        raise TrainingError(f"{source} is not a GGUF file that can be read: {err}") from err
    architecture, pre = value.get("general.architecture", ""), value.get("tokenizer.ggml.pre", "")
    if architecture not in SUPPORTED:
        raise TrainingError(f"no tested adapter converter for architecture {architecture!r} of {source.name}: choose a base of {', '.join(SUPPORTED)}")
    if pre not in PRETOKENIZERS:
        raise TrainingError(f"no tested tokenizer for {source.name} (tokenizer.ggml.pre is {pre!r}): name the base's repository in base.train.hf instead")
    return pre


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
    print(f"{folder} ({time.monotonic() - start:.1f} s)")
    return 0
