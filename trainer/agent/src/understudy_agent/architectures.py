"""Architectures whose adapters we convert ourselves, with a test against llama.cpp each."""

import os
from dataclasses import dataclass
from pathlib import Path

from .errors import TrainingError


@dataclass(frozen=True)
class Architecture:
    """What a GGUF of this kind does differently from the files of transformers."""

    name: str  # general.architecture of a GGUF; also the base catalogue's word
    model_types: tuple[str, ...]  # transformers' names
    permuted: bool = False  # query and key rows lie so that the halves of a rotary pair are neighbours
    norms_above_one: bool = False  # a norm's weight w is stored as 1 + w
    template: str = ""  # chat template of files that carry none


GEMMA_TURNS = (
    "{{ bos_token }}{% set lead = messages[0]['content'] + '\\n\\n' if messages[0]['role'] == 'system' else '' %}"
    "{% for m in (messages[1:] if lead else messages) %}"
    "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ lead if loop.first else '' }}{{ m['content'] | trim }}<end_of_turn>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)

KNOWN = (
    Architecture("llama", ("llama",), permuted=True),
    Architecture("qwen3", ("qwen3",)),
    Architecture("gemma3", ("gemma3_text",), norms_above_one=True, template=GEMMA_TURNS),
)
SUPPORTED = tuple(a.name for a in KNOWN)

# GGUF files whose weights and text cutting we read: (architecture, tokenizer.ggml.model, tokenizer.ggml.pre) -> every digit stands alone.
TOKENIZERS = {("llama", "gpt2", "smollm"): True, ("gemma3", "llama", "default"): False}


def of_model(model_type: str) -> Architecture:
    """Of transformers' name for it, else a TrainingError."""
    for known in KNOWN:
        if model_type in known.model_types:
            return known
    raise TrainingError(refusal(model_type))


def named(name: str) -> Architecture:
    """Of a GGUF's name for it, else a TrainingError."""
    for known in KNOWN:
        if known.name == name:
            return known
    raise TrainingError(refusal(name))


def refusal(name: str, base: str = "") -> str:
    whose = f" of {base}" if base else ""
    return f"no tested adapter converter for architecture {name!r}{whose}: choose a base of architecture {', '.join(SUPPORTED)}, or set AGENT_LORA_CONVERTER to llama.cpp's convert_lora_to_gguf.py"


def converter(environ=os.environ) -> Path | None:
    """llama.cpp's own converter, where one is named and there."""
    path = environ.get("AGENT_LORA_CONVERTER", "")
    return Path(path) if path and Path(path).is_file() else None
