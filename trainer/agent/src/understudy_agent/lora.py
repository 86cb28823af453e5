"""The only weights that learn: low-rank additions to frozen linear layers."""

import math
from dataclasses import dataclass

import torch
from torch.autograd import Function

# Linear layers that read the same input are one matrix product: name of the group -> its modules, in the order of its rows.
GROUPS = {
    "qkv": ("q_proj", "k_proj", "v_proj"),
    "o": ("o_proj",),
    "gate_up": ("gate_proj", "up_proj"),
    "down": ("down_proj",),
}
PARENT = {"q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn", "o_proj": "self_attn", "gate_proj": "mlp", "up_proj": "mlp", "down_proj": "mlp"}


@dataclass
class Adapter:
    """Additions to one group: a is [rank * modules, in]; b holds [out, rank] for each module and which rows of the output it adds to."""

    names: list[str]
    a: torch.nn.Parameter
    b: list[torch.nn.Parameter]
    rows: list[tuple[int, int]]

    @staticmethod
    def new(names: list[str], width: int, rows: list[tuple[int, int]], rank: int, generator: torch.Generator) -> "Adapter":
        """a is drawn as PEFT does (uniform, within 1/sqrt(in)), b is zero: at first nothing is added."""
        bound = 1 / math.sqrt(width)
        a = (torch.rand(rank * len(names), width, generator=generator) * 2 - 1) * bound
        b = [torch.nn.Parameter(torch.zeros(last - first, rank)) for first, last in rows]
        return Adapter(names, torch.nn.Parameter(a), b, rows)

    def tensors(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """module name -> (a, b)."""
        parts = self.a.detach().chunk(len(self.names))
        return {name: (a, b.detach()) for name, a, b in zip(self.names, parts, self.b)}


class Linear:
    """A frozen weight [out, in] and, where it learns, its adapter."""

    def __init__(self, weight: torch.Tensor, adapter: Adapter | None, scale: float):
        self.weight, self.adapter, self.scale = weight, adapter, scale

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x is [tokens, in]."""
        if self.adapter is None:
            return torch.nn.functional.linear(x, self.weight)
        return _Product.apply(x, self.weight, self.scale, self.adapter.rows, self.adapter.a, *self.adapter.b)


class _Product(Function):
    """y = x Wᵀ + scale · (x Aᵀ) Bᵀ. Written out so that the additions are made in place and W gets no gradient."""

    @staticmethod
    def forward(ctx, x, weight, scale, rows, a, *b):
        low = x @ a.t()
        y = x @ weight.t()
        rank = a.shape[0] // len(b)
        for i, (first, last) in enumerate(rows):
            y[:, first:last].addmm_(low[:, i * rank : (i + 1) * rank], b[i].t(), alpha=scale)
        ctx.save_for_backward(x, low, weight, a, *b)
        ctx.scale, ctx.rows = scale, rows
        return y

    @staticmethod
    def backward(ctx, dy):
        x, low, weight, a, *b = ctx.saved_tensors
        rank = a.shape[0] // len(b)
        dlow = torch.empty_like(low)
        db = []
        for i, (first, last) in enumerate(ctx.rows):
            part = dy[:, first:last]
            column = slice(i * rank, (i + 1) * rank)
            torch.mm(part, b[i], out=dlow[:, column])
            db.append((part.t() @ low[:, column]).mul_(ctx.scale))
        dlow.mul_(ctx.scale)
        dx = None
        if ctx.needs_input_grad[0]:
            dx = (dy @ weight).addmm_(dlow, a)
        return dx, None, None, None, dlow.t() @ x, *db
