"""The Llama decoder, written for one purpose: gradients of a few answer tokens on few cores.

What makes it quicker than the general one: the common beginning of a batch is computed once (its gradient is still exact),
the output layer and the last layer's second half see answer positions only, layers below the lowest adapter keep no
gradient, and frozen weights never get one. A test compares it with transformers.
"""

from dataclasses import dataclass

import torch
from torch.autograd import Function
from torch.nn import functional as F
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from .batches import Batch, collate, size
from .errors import TrainingError
from .lora import GROUPS, PARENT, Adapter, Linear


@dataclass
class Layer:
    attention_norm: torch.Tensor
    mlp_norm: torch.Tensor
    qkv: Linear
    o: Linear
    gate_up: Linear
    down: Linear


class Llama:
    parallel = True  # shares of a batch side by side
    device = torch.device("cpu")
    collate = staticmethod(collate)
    size = staticmethod(size)

    def __init__(self, config, weights: dict[str, torch.Tensor], rank: int, alpha: float, modules: tuple[str, ...], layers: int, seed: int):
        """weights as in the base's safetensors; the topmost `layers` layers get adapters."""
        _check(config)
        self.config = config
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.head = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.embedding = weights["model.embed_tokens.weight"]
        self.output = self.embedding if config.tie_word_embeddings else weights["lm_head.weight"]
        self.norm = weights["model.norm.weight"]
        self.first = config.num_hidden_layers - layers
        self._cos, self._sin = _rotary(config)
        generator = torch.Generator().manual_seed(seed)
        self.adapters: dict[int, list[Adapter]] = {}
        self.layers = [self._layer(i, weights, rank, alpha / rank, modules, generator) for i in range(config.num_hidden_layers)]

    def _layer(self, i, weights, rank, scale, modules, generator) -> Layer:
        prefix = f"model.layers.{i}."
        linear = {}
        for group, names in GROUPS.items():
            parts = [weights.pop(f"{prefix}{PARENT[name]}.{name}.weight") for name in names]
            spans, row = {}, 0
            for name, part in zip(names, parts):
                spans[name] = (row, row + part.shape[0])
                row += part.shape[0]
            chosen = [name for name in names if name in modules] if i >= self.first else []
            adapter = Adapter.new(chosen, parts[0].shape[1], [spans[name] for name in chosen], rank, generator) if chosen else None
            if adapter:
                self.adapters.setdefault(i, []).append(adapter)
            linear[group] = Linear(torch.cat(parts) if len(parts) > 1 else parts[0], adapter, scale)
        return Layer(weights[prefix + "input_layernorm.weight"], weights[prefix + "post_attention_layernorm.weight"], **linear)

    def parameters(self) -> list[torch.nn.Parameter]:
        return [p for adapters in self.adapters.values() for adapter in adapters for p in (adapter.a, *adapter.b)]

    def tensors(self) -> dict[tuple[int, str], tuple[torch.Tensor, torch.Tensor]]:
        """(layer, module) -> (a, b)."""
        return {(i, name): pair for i, adapters in self.adapters.items() for adapter in adapters for name, pair in adapter.tensors().items()}

    def hidden(self, batch: Batch) -> torch.Tensor:
        """The normalized last hidden states at the batch's queries."""
        cos, sin = self._cos[batch.positions].unsqueeze(1), self._sin[batch.positions].unsqueeze(1)
        mask = _mask(batch, self.heads // self.kv_heads)
        x = F.embedding(batch.ids, self.embedding)
        last = len(self.layers) - 1
        with torch.no_grad():
            for layer in self.layers[: self.first]:
                x = self._through(layer, x, cos, sin, batch, mask, None)
        for i in range(self.first, len(self.layers)):
            x = self._through(self.layers[i], x, cos, sin, batch, mask, batch.queries if i == last else None)
        if self.first > last:
            x = x[batch.queries]
        return self._rms(x, self.norm)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Sum of the cross entropies of the batch's targets."""
        return _CrossEntropy.apply(self.hidden(batch), self.output, batch.targets)

    @torch.no_grad()
    def score(self, batch: Batch) -> tuple[float, torch.Tensor]:
        """(sum of the cross entropies, which targets the model would have said itself)."""
        logits = self.hidden(batch) @ self.output.t()
        return F.cross_entropy(logits, batch.targets, reduction="sum").item(), logits.argmax(-1) == batch.targets

    def _through(self, layer: Layer, x, cos, sin, batch: Batch, mask, keep):
        y = self._attend(layer.qkv(self._rms(x, layer.attention_norm)), cos, sin, batch, mask)
        if keep is not None:
            x, y = x[keep], y[keep]
        x = x + layer.o(y)
        return x + layer.down(_Gate.apply(layer.gate_up(self._rms(x, layer.mlp_norm))))

    def _rms(self, x, weight):
        return F.rms_norm(x, (x.shape[-1],), weight, self.config.rms_norm_eps)

    def _attend(self, qkv, cos, sin, batch: Batch, mask):
        """Rows look at the common beginning and at themselves. Heads that share keys are laid behind each other as queries."""
        h, kv, d = self.heads, self.kv_heads, self.head
        share = h // kv
        qk = _Rotate.apply(qkv[:, : (h + kv) * d].view(-1, h + kv, d), cos, sin)
        q, k, v = qk[:, :h], qk[:, h:], qkv[:, (h + kv) * d :].view(-1, kv, d)
        p, rows, width = batch.prefix, batch.rows, batch.width

        def queries(x, n, length):  # [n * length, h, d] -> [n, kv, share * length, d]
            return x.reshape(n, length, kv, share, d).permute(0, 2, 3, 1, 4).reshape(n, kv, share * length, d)

        def back(x, n, length):
            return x.view(n, kv, share, length, d).permute(0, 3, 1, 2, 4).reshape(n * length, h * d)

        def keys(x, n, length):
            return x.reshape(n, length, kv, d).transpose(1, 2)

        own_k, own_v = keys(k[p:], rows, width), keys(v[p:], rows, width)
        if not p:
            return back(F.scaled_dot_product_attention(queries(q, rows, width), own_k, own_v, attn_mask=mask[1]), rows, width)
        front_k, front_v = keys(k[:p], 1, p), keys(v[:p], 1, p)
        front = back(F.scaled_dot_product_attention(queries(q[:p], 1, p), front_k, front_v, attn_mask=mask[0]), 1, p)
        all_k = torch.cat([front_k.expand(rows, -1, -1, -1), own_k], dim=2)
        all_v = torch.cat([front_v.expand(rows, -1, -1, -1), own_v], dim=2)
        own = back(F.scaled_dot_product_attention(queries(q[p:], rows, width), all_k, all_v, attn_mask=mask[1]), rows, width)
        return torch.cat([front, own])


def _check(config) -> None:
    if config.model_type != "llama":
        raise TrainingError(f"no tested adapter converter for architecture {config.model_type!r}: choose a base of architecture llama")
    if getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False):
        raise TrainingError("bases with biases in their linear layers are not supported: choose another base")


def _rotary(config) -> tuple[torch.Tensor, torch.Tensor]:
    """(cos, sin) of half a head's width for every position, by the base's own rule."""
    rule = config.rope_parameters
    if rule["rope_type"] == "default":
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        frequencies, scale = rule["rope_theta"] ** (-torch.arange(0, width, 2).float() / width), 1.0
    elif rule["rope_type"] in ("linear", "llama3"):
        frequencies, scale = ROPE_INIT_FUNCTIONS[rule["rope_type"]](config, "cpu")
    else:
        raise TrainingError(f"rotary positions of kind {rule['rope_type']!r} are not supported: choose another base")
    angles = torch.outer(torch.arange(config.max_position_embeddings).float(), frequencies)
    return angles.cos() * scale, angles.sin() * scale


def _mask(batch: Batch, share: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(common beginning, rows): true where a query may look; queries come once for each head that shares keys."""
    front = torch.ones(batch.prefix, batch.prefix, dtype=torch.bool).tril()
    own = torch.ones(batch.width, batch.width, dtype=torch.bool).tril()
    own = torch.cat([torch.ones(batch.width, batch.prefix, dtype=torch.bool), own], dim=1)
    return front.repeat(share, 1), own.repeat(share, 1)


class _Rotate(Function):
    """Rotary positions: pairs (i, i + half) turned by an angle; backwards they are turned back."""

    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin, 1)

    @staticmethod
    def backward(ctx, dy):
        return _turn(dy, *ctx.saved_tensors, -1), None, None


def _turn(x, cos, sin, sign):
    left, right = x.chunk(2, dim=-1)
    y = torch.empty_like(x)
    torch.addcmul(left * cos, right, sin, value=-sign, out=y[..., : cos.shape[-1]])
    torch.addcmul(right * cos, left, sin, value=sign, out=y[..., cos.shape[-1] :])
    return y


class _Gate(Function):
    """silu(gate) * up over [tokens, 2 * width]; keeps only its input."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        gate, up = x.chunk(2, dim=1)
        return F.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        gate, up = x.chunk(2, dim=1)
        dx = torch.empty_like(x)
        dgate, dup = dx.chunk(2, dim=1)
        sigmoid = torch.sigmoid(gate)
        silu = gate * sigmoid
        torch.mul(dy, silu, out=dup)
        # d silu = sigmoid + silu * (1 - sigmoid)
        slope = torch.addcmul(silu, silu, sigmoid, value=-1).add_(sigmoid)
        torch.mul(slope.mul_(up), dy, out=dgate)
        return dx


class _CrossEntropy(Function):
    """Sum of cross entropies of an output layer that does not learn; the gradient is made while the logits are at hand."""

    @staticmethod
    def forward(ctx, hidden, weight, targets):
        logits = hidden @ weight.t()
        logits.sub_(torch.logsumexp(logits, dim=1, keepdim=True))
        picked = logits.gather(1, targets.unsqueeze(1))
        if ctx.needs_input_grad[0]:
            probability = logits.exp_()
            probability.scatter_add_(1, targets.unsqueeze(1), torch.full_like(picked, -1))
            ctx.gradient = probability @ weight
        return -picked.sum()

    @staticmethod
    def backward(ctx, scale):
        return ctx.gradient.mul_(scale), None, None
