"""The data set file -> examples, and which lines could not be used."""

import collections
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

from .errors import TrainingError
from .hyper import Hyper
from .render import Example, Renderer, Unusable


@dataclass
class Dataset:
    examples: list[Example] = field(default_factory=list)
    skipped: collections.Counter = field(default_factory=collections.Counter)  # reason -> lines
    lines: int = 0
    used: int = 0
    validation: int = 0  # of those used

    def parts(self, hyper: Hyper) -> tuple[list[Example], list[Example]]:
        """(train, validation), as the hyperparameters ask for it."""
        examples = self.examples
        if hyper.sampling == "dedup":
            examples = dedup(examples)
            self.skipped["has a prompt that comes again later"] += len(self.examples) - len(examples)
        train, validation = split(examples, hyper.validation(len(examples)), hyper.seed or 1)
        self.used, self.validation = len(train) + len(validation), len(validation)
        return train, validation


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


def dedup(examples: list[Example]) -> list[Example]:
    """Each prompt once, with its newest answer (a data set lies in the order of its pairs)."""
    newest = {e.prompt: e for e in examples}
    return [e for e in examples if newest[e.prompt] is e]


def split(examples: list[Example], fraction: float, seed: int) -> tuple[list[Example], list[Example]]:
    """(train, validation): the same for the same seed; equal prompts lie on one side; at least one prompt is for training."""
    prompts = sorted({e.prompt for e in examples})
    count = min(int(len(prompts) * fraction), len(prompts) - 1)
    if count <= 0:
        return examples, []
    chosen = set(random.Random(seed).sample(prompts, count))
    return [e for e in examples if e.prompt not in chosen], [e for e in examples if e.prompt in chosen]
