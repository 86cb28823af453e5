"""An adapter's matrices -> files: PEFT's safetensors and llama.cpp's GGUF."""

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import architectures
from .errors import TrainingError
from .lora import PARENT

log = logging.getLogger("understudy_agent")

Tensors = dict[tuple[int, str], tuple[np.ndarray, np.ndarray]]  # (layer, module) -> a [rank, in], b [out, rank]


def write_safetensors(path: Path, tensors: Tensors, peft_config: dict) -> None:
    """PEFT's names; its adapter_config.json is in the file's metadata."""
    from safetensors.numpy import save_file

    named = {}
    for (layer, module), (a, b) in tensors.items():
        name = f"base_model.model.model.layers.{layer}.{PARENT[module]}.{module}"
        named[f"{name}.lora_A.weight"] = np.ascontiguousarray(a, dtype=np.float32)
        named[f"{name}.lora_B.weight"] = np.ascontiguousarray(b, dtype=np.float32)
    save_file(named, path, metadata={"format": "pt", "adapter_config": json.dumps(peft_config)})


def write_gguf(path: Path, tensors: Tensors, config, alpha: float) -> None:
    """config is the base's (transformers). Each tensor keeps float32: an adapter is small."""
    import gguf

    architecture = architectures.of_model(config.model_type)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.name.upper()], config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads} if architecture.permuted else {}
    writer = gguf.GGUFWriter(path, architecture.name)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(alpha))
    for (layer, module), (a, b) in sorted(tensors.items()):
        base = names.get_name(f"model.layers.{layer}.{PARENT[module]}.{module}")
        if module in heads:
            b = permute(b, heads[module])
        writer.add_tensor(f"{base}.weight.lora_a", np.ascontiguousarray(a, dtype=np.float32))
        writer.add_tensor(f"{base}.weight.lora_b", np.ascontiguousarray(b, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def adapter(path: Path, safetensors: Path, tensors: Tensors, config, peft_config: dict, source: Path) -> None:
    """The GGUF adapter: by llama.cpp's converter where there is one, else (and where it fails) by ours for what it covers."""
    theirs = architectures.converter()
    try:
        ours = architectures.of_model(config.model_type)
    except TrainingError:
        ours = None
    if theirs:
        try:
            return by_llamacpp(theirs, path, safetensors, peft_config, source)
        except TrainingError as err:
            if not ours:
                raise
            log.warning("using our own converter for %s: %s", ours.name, err)
    write_gguf(path, tensors, config, peft_config["lora_alpha"])


def by_llamacpp(converter: Path, path: Path, safetensors: Path, peft_config: dict, source: Path) -> None:
    """Runs llama.cpp's convert_lora_to_gguf.py. source is the base's folder, read for its configuration only."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        shutil.copyfile(safetensors, Path(folder) / "adapter_model.safetensors")
        (Path(folder) / "adapter_config.json").write_text(json.dumps(peft_config))
        command = [sys.executable, str(converter), "--base", str(source), "--outtype", "f32", "--outfile", str(path), folder]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not path.exists():
        last = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise TrainingError(f"llama.cpp's converter {converter} could not convert the adapter (exit {done.returncode}): {last[-500:]}")


def permute(rows: np.ndarray, heads: int) -> np.ndarray:
    """GGUF stores a Llama's query and key rows so that the two halves of a rotary pair are neighbours."""
    out, rank = rows.shape
    return rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank)
