"""Where a training runs: on the GPU that is there, else on the CPU. AGENT_DEVICE=cpu or cuda says it instead."""

import os
import subprocess
import threading

import torch

from .crew import cores
from .errors import TrainingError

SAMPLE_SECONDS = 5.0


def choose(environ=os.environ) -> torch.device:
    wanted = environ.get("AGENT_DEVICE", "") or "auto"
    if wanted not in ("auto", "cpu", "cuda"):
        raise TrainingError(f"AGENT_DEVICE {wanted!r} is none of auto, cpu, cuda")
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise TrainingError("AGENT_DEVICE is cuda, but PyTorch finds no GPU: see the driver, or set AGENT_DEVICE=auto")
    return torch.device("cuda", torch.cuda.current_device()) if there and wanted != "cpu" else torch.device("cpu")


def name(device: torch.device) -> str:
    """For the training's record."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {cores()} cores"


class Watch:
    """Looks at a GPU every few seconds in a thread of its own: sample() never waits for the driver."""

    def __init__(self, device: torch.device):
        self._device, self._last = device, None
        self._stop = threading.Event()
        if device.type == "cuda":
            self._last = {"name": name(device), **_memory(device)}
            threading.Thread(target=self._look, name="gpu", daemon=True).start()

    def sample(self) -> dict:
        """{"gpu": {name, memoryUsedBytes, memoryTotalBytes, utilization (percent, where the driver says it)}}; empty without a GPU."""
        return {"gpu": self._last} if self._last else {}

    def close(self) -> None:
        self._stop.set()

    def _look(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS if "utilization" in self._last else 1):
            self._last = {"name": self._last["name"], **_memory(self._device), **_utilization(self._device)}


def _memory(device: torch.device) -> dict:
    free, total = torch.cuda.mem_get_info(device)
    return {"memoryUsedBytes": total - free, "memoryTotalBytes": total}


def _utilization(device: torch.device) -> dict:
    """Percent, by nvidia-smi; empty where it cannot be asked."""
    uuid = str(getattr(torch.cuda.get_device_properties(device), "uuid", ""))
    chosen = uuid if uuid.startswith("GPU-") or not uuid else f"GPU-{uuid}"
    command = ["nvidia-smi", f"--id={chosen or device.index}", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        return {"utilization": int(subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout)}
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
