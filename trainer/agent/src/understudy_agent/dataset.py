"""The data set file -> examples, and which lines could not be used."""

import collections
import json
from dataclasses import dataclass, field
from pathlib import Path

from .errors import TrainingError
from .render import Example, Renderer, Unusable


@dataclass
class Dataset:
    examples: list[Example] = field(default_factory=list)
    skipped: collections.Counter = field(default_factory=collections.Counter)  # reason -> lines
    lines: int = 0


def read(path: Path, renderer: Renderer, max_tokens: int) -> Dataset:
    """Lines that cannot teach are counted, not fatal; a file that teaches nothing is."""
    data = Dataset()
    with open(path, "rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            data.lines += 1
            try:
                line = json.loads(raw)
                if not isinstance(line, dict):
                    raise ValueError("not an object")
            except ValueError as err:
                raise TrainingError(f"line {number} of the data set is not a JSON object: {err}") from err
            try:
                example = renderer.example(line)
                if len(example) > max_tokens:
                    raise Unusable(f"is longer than {max_tokens} tokens")
                data.examples.append(example)
            except Unusable as err:
                data.skipped[str(err)] += 1
    if not data.examples:
        reasons = ", ".join(f"{count} × {reason}" for reason, count in data.skipped.most_common(5)) or "it is empty"
        raise TrainingError(f"no line of the data set can be trained on: {reasons}")
    return data


def split(examples: list[Example], fraction: float, seed: int) -> tuple[list[Example], list[Example]]:
    """(train, validation): the same for the same seed; at least one stays for training."""
    import random

    count = min(int(len(examples) * fraction), len(examples) - 1)
    if count <= 0:
        return examples, []
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    chosen = set(order[:count])
    return [e for i, e in enumerate(examples) if i not in chosen], [examples[i] for i in sorted(chosen)]
