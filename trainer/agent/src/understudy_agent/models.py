"""The model that trains: the quick one where there is one for the base on the CPU, else transformers' own."""

from pathlib import Path

import torch

from .general import General
from .hyper import Hyper
from .llama import Llama


def load(source: Path, config, hyper: Hyper, device: torch.device, dtype: torch.dtype | None = None) -> Llama | General:
    """source is a folder of config and safetensors. On a GPU frozen weights are bfloat16, adapters float32 everywhere."""
    adapters = (hyper.loraRank, hyper.loraAlpha, hyper.targetModules, hyper.layers, hyper.seed)
    if device.type == "cpu" and config.model_type == "llama" and not _biased(config):
        from safetensors.torch import load_file

        weights = {}
        for file in sorted(source.glob("*.safetensors")):
            weights |= {name: tensor.float() for name, tensor in load_file(file).items()}
        return Llama(config, weights, *adapters)
    return General(general(source, device, dtype), *adapters)


def general(source: Path, device: torch.device, dtype: torch.dtype | None = None):
    """transformers' model of the base, for General."""
    from transformers import AutoModelForCausalLM

    dtype = dtype or (torch.bfloat16 if device.type == "cuda" else torch.float32)
    return AutoModelForCausalLM.from_pretrained(source, dtype=dtype, attn_implementation="sdpa").to(device).eval()


def _biased(config) -> bool:
    return bool(getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False))
