"""An adapter's matrices -> files: PEFT's safetensors and llama.cpp's GGUF."""

import json
from pathlib import Path

import numpy as np

from .architectures import SUPPORTED
from .errors import TrainingError
from .lora import PARENT

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

    if config.model_type not in SUPPORTED:
        raise TrainingError(f"no tested adapter converter for architecture {config.model_type!r}: choose a base of {', '.join(SUPPORTED)}")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    writer = gguf.GGUFWriter(path, "llama")
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


def permute(rows: np.ndarray, heads: int) -> np.ndarray:
    """GGUF stores a Llama's query and key rows so that the two halves of a rotary pair are neighbours."""
    out, rank = rows.shape
    return rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank)
