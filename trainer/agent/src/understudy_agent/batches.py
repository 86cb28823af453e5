"""Which examples make which step, and how a batch lies in memory. Pure functions of the seed: a resumed run sees the same."""

import random
from dataclasses import dataclass

import torch

from .render import Example

GROUP = 16  # batches' worth of examples that are sorted together: little padding, still a fair draw
TOKENS = 4096  # at once; a batch of more is run in parts and its gradients are summed


class Plan:
    """plan[step] is the batch of a step (from 0); the data set is seen again and again, in another order each time."""

    def __init__(self, examples: list[Example], batch_size: int, seed: int, balanced: bool = False):
        self._examples, self._size, self._seed = examples, batch_size, seed
        self._classes = _classes(examples) if balanced else []
        self._epoch, self._batches = -1, []

    def __getitem__(self, step: int) -> list[Example]:
        epoch, place = divmod(step, -(-len(self._examples) // self._size))
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._cut(random.Random(f"{self._seed}/{epoch}"))
        return self._batches[place]

    def _cut(self, draw: random.Random) -> list[list[Example]]:
        order, batches = self._draw(draw), []
        for start in range(0, len(order), GROUP * self._size):
            group = sorted(order[start : start + GROUP * self._size], key=len)
            batches += [group[i : i + self._size] for i in range(0, len(group), self._size)]
        draw.shuffle(batches)
        return batches

    def _draw(self, draw: random.Random) -> list[Example]:
        """As many as there are examples: each of them, or each answer equally often."""
        order = list(self._examples)
        if self._classes:
            order = []
            for place, members in enumerate(self._classes):
                count = len(self._examples) // len(self._classes) + (place < len(self._examples) % len(self._classes))
                whole, rest = divmod(count, len(members))
                order += members * whole + draw.sample(members, rest)
        draw.shuffle(order)
        return order


def _classes(examples: list[Example]) -> list[list[Example]]:
    """The examples of each answer."""
    found: dict[tuple[int, ...], list[Example]] = {}
    for example in examples:
        found.setdefault(example.answer, []).append(example)
    return list(found.values())


def size(examples: list[Example]) -> int:
    """Tokens that a part costs: the common beginning once, the rest as wide as the widest."""
    shared = common(examples)
    return shared + len(examples) * (max(map(len, examples)) - shared)


def padded(examples: list[Example]) -> int:
    """Tokens that a part costs where every example is a whole row."""
    return len(examples) * max(map(len, examples))


def parts(examples: list[Example], tokens: int = TOKENS, cost=size) -> list[list[Example]]:
    """Cuts a batch so that no part costs more tokens than that (but always holds one example)."""
    found: list[list[Example]] = []
    for example in sorted(examples, key=len):
        if found and cost([*found[-1], example]) <= tokens:
            found[-1].append(example)
        else:
            found.append([example])
    return found


def shares(batch: list[Example], workers: int) -> list[list[Example]]:
    """Cuts a batch into at most so many shares of about equal work, neighbours in length together."""
    if workers < 2 or len(batch) < 2:
        return [batch]
    limit = max(size([e]) for e in batch)
    while len(found := parts(batch, limit)) > workers:
        limit = limit + max(1, limit // 50)
    return found


@dataclass(frozen=True)
class Batch:
    """Rows of tokens, the common beginning of all examples only once.

    ids and positions are [prefix + rows * width]; queries are the places of it whose next token is part of an answer,
    targets those next tokens. Padding lies after an example's end, where causal attention never looks.
    """

    prefix: int
    rows: int
    width: int
    ids: torch.Tensor
    positions: torch.Tensor
    queries: torch.Tensor
    targets: torch.Tensor


def collate(examples: list[Example]) -> Batch:
    prefix = common(examples)
    # The last token of an answer (its stop) is only ever a target, so no row holds it.
    tokens = [(e.prompt + e.answer)[prefix:-1] for e in examples]
    width = max(map(len, tokens))
    ids = list(examples[0].prompt[:prefix])
    positions = list(range(prefix))
    queries, targets = [], []
    for row, (example, own) in enumerate(zip(examples, tokens)):
        ids += own + (0,) * (width - len(own))
        positions += range(prefix, prefix + width)
        first = prefix + row * width + len(example.prompt) - 1 - prefix
        queries += range(first, first + len(example.answer))
        targets += example.answer
    as_tensor = lambda values: torch.tensor(values, dtype=torch.long)
    return Batch(prefix, len(examples), width, as_tensor(ids), as_tensor(positions), as_tensor(queries), as_tensor(targets))


def common(examples: list[Example]) -> int:
    """How many tokens all prompts begin with; every prompt keeps at least its last token to itself."""
    prompts = [e.prompt for e in examples]
    low, high = min(prompts), max(prompts)  # what these two share, all share
    most = min(map(len, prompts)) - 1
    return next((i for i in range(most) if low[i] != high[i]), most)
