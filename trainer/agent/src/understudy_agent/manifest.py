"""manifest.json: everything that one needs to serve an adapter, and to make it again."""

import hashlib
from pathlib import Path

from . import files
from .dataset import Dataset
from .hyper import Hyper
from .render import Renderer
from .train import Outcome


def build(spec: dict, base_sha256: str, renderer: Renderer, hyper: Hyper, data: Dataset, outcome: Outcome, device: str, made: list[Path]) -> dict:
    base = spec["base"]
    curve = lambda points: [{"step": step, "value": round(value, 5)} for step, value in points]
    return {
        "version": 1,
        "base": {"name": base["name"], "architecture": base["architecture"], "sha256": base_sha256},
        "chatTemplate": renderer.template,
        "chatTemplateSha256": hashlib.sha256(renderer.template.encode()).hexdigest(),
        "stopTokens": renderer.stop_tokens,
        "hyperparameters": hyper.wire(),
        "dataset": {
            "sha256": spec["dataset"]["sha256"],
            "pairs": data.lines,
            "used": data.used,
            "validation": data.validation,
            "skipped": sum(data.skipped.values()),
            "skippedBecause": dict(data.skipped),
        },
        "curves": {
            "loss": curve(outcome.curve.losses),
            "evalLoss": curve((e.step, e.loss) for e in outcome.curve.evaluations),
            "evalExact": curve((e.step, e.exact) for e in outcome.curve.evaluations),
        },
        "steps": outcome.step,
        "bestStep": outcome.best_step,
        "stopReason": outcome.stop,
        "tokens": outcome.tokens,
        "tokensPerSecond": round(outcome.tokens / max(outcome.seconds, 1e-9), 1),
        "device": device,
        "seconds": round(outcome.seconds, 1),
        "stoppedEarly": outcome.stopped_early,
        "files": [files.describe(path) for path in made],
    }
