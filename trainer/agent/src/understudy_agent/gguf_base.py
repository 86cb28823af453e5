"""Reads a base out of a GGUF file: configuration and weights under transformers' names."""

from pathlib import Path

import numpy as np

from . import architectures
from .errors import TrainingError

LAYER = (
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
    "input_layernorm", "post_attention_layernorm",
)  # fmt: skip
GEMMA_LAYER = ("self_attn.q_norm", "self_attn.k_norm", "pre_feedforward_layernorm", "post_feedforward_layernorm")
GEMMA_FULL_EVERY = 6  # layers: the others look at a window only
GEMMA_WINDOW_THETA = 10000.0


class Base:
    def __init__(self, path: Path):
        """Refuses a file that is no GGUF, and one of a kind that no test covers."""
        from gguf import GGUFReader

        try:
            self._reader = GGUFReader(path)
        except (ValueError, OSError, IndexError) as err:
            raise TrainingError(f"{path} is not a GGUF file that can be read: {err}") from err
        name = self._value("general.architecture", "")
        kind = (name, self._value("tokenizer.ggml.model", "gpt2"), self._value("tokenizer.ggml.pre", ""))
        if name not in {known for known, _, _ in architectures.TOKENIZERS}:
            raise TrainingError(architectures.refusal(name, path.name))
        if kind not in architectures.TOKENIZERS:
            raise TrainingError(f"no tested tokenizer for {path.name} (tokenizer.ggml.pre is {kind[2]!r}): name the base's repository in base.train.hf instead")
        self.architecture, self.digits_alone = architectures.named(name), architectures.TOKENIZERS[kind]
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        if "rope_freqs.weight" in self._tensors or self._value(f"{name}.rope.scaling.type", "none") != "none":
            raise TrainingError(f"{path.name} stretches its positions, which is not read from a GGUF: name the base's repository in base.train.hf instead")

    def config(self):
        return self._gemma3() if self.architecture.name == "gemma3" else self._llama()

    def _common(self) -> dict:
        of = lambda key, *default: self._value(f"{self.architecture.name}.{key}", *default)
        heads = of("attention.head_count")
        return {
            "vocab_size": self._tensors["token_embd.weight"].shape[1].item(),
            "hidden_size": of("embedding_length"),
            "intermediate_size": of("feed_forward_length"),
            "num_hidden_layers": of("block_count"),
            "num_attention_heads": heads,
            "num_key_value_heads": of("attention.head_count_kv", heads),
            "max_position_embeddings": of("context_length"),
            "rms_norm_eps": of("attention.layer_norm_rms_epsilon"),
            "bos_token_id": self._value("tokenizer.ggml.bos_token_id", None),
            "eos_token_id": self._value("tokenizer.ggml.eos_token_id", None),
            "tie_word_embeddings": "output.weight" not in self._tensors,
        }

    def _llama(self):
        from transformers import LlamaConfig

        common = self._common()
        width = common["hidden_size"] // common["num_attention_heads"]
        theta = self._value("llama.rope.freq_base", 10000.0)
        return LlamaConfig(**common, architectures=["LlamaForCausalLM"], head_dim=self._value("llama.rope.dimension_count", width), rope_parameters={"rope_type": "default", "rope_theta": theta})

    def _gemma3(self):
        from transformers import Gemma3TextConfig

        common, head = self._common(), self._value("gemma3.attention.key_length")
        return Gemma3TextConfig(
            **common,
            architectures=["Gemma3ForCausalLM"],
            head_dim=head,
            query_pre_attn_scalar=head,
            sliding_window=self._value("gemma3.attention.sliding_window"),
            layer_types=["full_attention" if (i + 1) % GEMMA_FULL_EVERY == 0 else "sliding_attention" for i in range(common["num_hidden_layers"])],
            rope_parameters={
                "full_attention": {"rope_type": "default", "rope_theta": self._value("gemma3.rope.freq_base", 1000000.0)},
                "sliding_attention": {"rope_type": "default", "rope_theta": self._value("gemma3.rope.freq_base_swa", GEMMA_WINDOW_THETA)},
            },
        )

    def weights(self, config) -> dict[str, np.ndarray]:
        """Float32, as transformers has them."""
        import gguf

        stored = gguf.get_tensor_name_map(gguf.MODEL_ARCH[self.architecture.name.upper()], config.num_hidden_layers)
        names = ["model.embed_tokens", "model.norm", *([] if config.tie_word_embeddings else ["lm_head"])]
        layer = LAYER + (GEMMA_LAYER if self.architecture.name == "gemma3" else ())
        names += [f"model.layers.{i}.{part}" for i in range(config.num_hidden_layers) for part in layer]
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads} if self.architecture.permuted else {}
        found = {}
        for name in names:
            weight = self._weight(f"{stored.get_name(name)}.weight", heads.get(name.split(".")[-1]))
            found[f"{name}.weight"] = weight - 1 if self.architecture.norms_above_one and weight.ndim == 1 else weight
        return found

    def _weight(self, name: str, heads: int | None) -> np.ndarray:
        from gguf import dequantize

        if name not in self._tensors:
            raise TrainingError(f"the GGUF file lacks the tensor {name}: fetch it again")
        tensor = self._tensors[name]
        found = np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        if heads:  # the halves of a rotary pair are neighbours in a GGUF
            rows, columns = found.shape
            found = found.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
        return np.ascontiguousarray(found)

    def _value(self, key: str, default=...):
        if key in self._reader.fields:
            return self._reader.fields[key].contents()
        if default is ...:
            raise TrainingError(f"the GGUF file lacks {key}: fetch it again")
        return default
