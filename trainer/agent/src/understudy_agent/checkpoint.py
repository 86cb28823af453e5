"""Where a training stands, so that a killed one goes on instead of beginning anew."""

import io
from dataclasses import dataclass
from pathlib import Path

import torch

from . import files


@dataclass
class Checkpoint:
    step: int  # steps done
    steps: int  # of the plan in force
    hyper: dict
    parameters: list[torch.Tensor]
    best: list[torch.Tensor]  # the parameters of the best evaluation; empty where there was none, or where it is this step's
    optimizer: dict
    curve: dict
    tokens: int
    seconds: float  # of training so far


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Atomic. Blocks until it is on disk."""
    buffer = io.BytesIO()
    torch.save(vars(checkpoint), buffer)
    files.write_atomic(path, buffer.getbuffer())


def load(path: Path, hyper: dict) -> Checkpoint | None:
    """The checkpoint of a training with the same hyperparameters; None where there is none that fits. Its tensors are on the CPU."""
    try:
        found = Checkpoint(**torch.load(path, weights_only=True, map_location="cpu"))
    except Exception:  # a damaged file raises whatever its bytes lead to
        return None
    return found if found.hyper == hyper else None
