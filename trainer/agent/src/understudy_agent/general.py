"""Any decoder that transformers knows, with adapters of our own in its linear layers: on a GPU, and on the CPU where no quicker one is written.

Adapters are drawn as the hand-written Llama draws them, so both train the same from the same seed.
"""

import math

import torch
from torch.nn import functional as F

from .batches import padded
from .errors import TrainingError
from .lora import GROUPS, PARENT
from .render import Example


class Addition(torch.nn.Module):
    """A frozen linear layer and its low-rank addition: y = Wx + scale * B(Ax). a and b stay float32 whatever W is."""

    def __init__(self, frozen: torch.nn.Linear, a: torch.Tensor, rank: int, scale: float):
        super().__init__()
        self.frozen, self.scale = frozen, scale
        device = frozen.weight.device
        self.a = torch.nn.Parameter(a.to(device))
        self.b = torch.nn.Parameter(torch.zeros(frozen.out_features, rank, device=device))

    def forward(self, x):
        low = F.linear(x, self.a.to(x.dtype))
        return self.frozen(x) + F.linear(low, self.b.to(x.dtype)) * self.scale


class General:
    collate = staticmethod(list)
    size = staticmethod(padded)
    parallel = False  # one share at a time: PyTorch's own threads, or the GPU, do the rest

    def __init__(self, model, rank: int, alpha: float, modules: tuple[str, ...], layers: int, seed: int):
        """model is a causal language model of transformers, on its device; the topmost `layers` layers get adapters."""
        self.model, self.decoder, self.output = model, model.get_decoder(), model.get_output_embeddings()
        self.device = self.output.weight.device
        self.cap = getattr(model.config, "final_logit_softcapping", None)
        self._saving = False
        model.requires_grad_(False)
        model.config.use_cache = False
        self.added: dict[tuple[int, str], Addition] = {}
        generator = torch.Generator().manual_seed(seed)
        stack = self.decoder.layers
        for i in range(len(stack) - layers, len(stack)):
            for names in GROUPS.values():
                self._add(stack[i], i, [name for name in names if name in modules], rank, alpha / rank, generator)

    def _add(self, layer, i: int, chosen: list[str], rank: int, scale: float, generator: torch.Generator) -> None:
        if not chosen:
            return
        owners = [getattr(layer, PARENT[name], None) for name in chosen]
        if not all(isinstance(getattr(owner, name, None), torch.nn.Linear) for owner, name in zip(owners, chosen)):
            raise TrainingError(f"the base's layer {i} has not all of {', '.join(chosen)}: choose other targetModules")
        width = getattr(owners[0], chosen[0]).in_features
        drawn = (torch.rand(rank * len(chosen), width, generator=generator) * 2 - 1) * (1 / math.sqrt(width))
        for owner, name, a in zip(owners, chosen, drawn.chunk(len(chosen))):
            addition = Addition(getattr(owner, name), a.clone(), rank, scale)
            setattr(owner, name, addition)
            self.added[i, name] = addition

    def parameters(self) -> list[torch.nn.Parameter]:
        return [p for addition in self.added.values() for p in (addition.a, addition.b)]

    def tensors(self) -> dict[tuple[int, str], tuple[torch.Tensor, torch.Tensor]]:
        """(layer, module) -> (a, b)."""
        return {key: (addition.a.detach().cpu(), addition.b.detach().cpu()) for key, addition in self.added.items()}

    @torch.no_grad()
    def put(self, named: dict[str, torch.Tensor]) -> None:
        """Takes the weights of an adapter file (PEFT's names)."""
        for (layer, name), addition in self.added.items():
            key = f"base_model.model.model.layers.{layer}.{PARENT[name]}.{name}"
            addition.a.copy_(named[f"{key}.lora_A.weight"])
            addition.b.copy_(named[f"{key}.lora_B.weight"])

    def save_memory(self) -> bool:
        """Keeps a layer's input only and computes the layer again when its gradient is wanted. False where that is on already."""
        if self._saving:
            return False
        self._saving = True
        self.model.gradient_checkpointing_enable({"use_reentrant": False})
        self.model.train()
        return True

    def loss(self, examples: list[Example]) -> torch.Tensor:
        """Sum of the cross entropies of the answers' tokens."""
        logits, targets = self._logits(examples)
        return F.cross_entropy(logits, targets, reduction="sum")

    @torch.no_grad()
    def score(self, examples: list[Example]) -> tuple[float, torch.Tensor]:
        """(sum of the cross entropies, which targets the model would have said itself)."""
        logits, targets = self._logits(examples)
        return F.cross_entropy(logits, targets, reduction="sum").item(), (logits.argmax(-1) == targets).cpu()

    def _logits(self, examples: list[Example]) -> tuple[torch.Tensor, torch.Tensor]:
        """(float32 logits where an answer's token is next, those tokens). Padding lies behind, where causal attention never looks."""
        width = max(map(len, examples)) - 1
        ids, queries, targets = [], [], []
        for row, e in enumerate(examples):
            tokens = (e.prompt + e.answer)[:-1]
            ids.append(tokens + (0,) * (width - len(tokens)))
            first = row * width + len(e.prompt) - 1
            queries += range(first, first + len(e.answer))
            targets += e.answer
        put = lambda values: torch.tensor(values, dtype=torch.long).to(self.device, non_blocking=True)
        hidden = self.decoder(input_ids=put(ids), use_cache=False).last_hidden_state
        logits = self.output(hidden.flatten(0, 1)[put(queries)]).float()
        if self.cap:
            logits = torch.tanh(logits / self.cap) * self.cap
        return logits, put(targets)
