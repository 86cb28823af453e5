"""Reads a Llama base out of a GGUF file: configuration and weights under transformers' names."""

from pathlib import Path

import numpy as np

from .architectures import PRETOKENIZERS, SUPPORTED
from .errors import TrainingError

MODULES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
WHOLE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}


class Base:
    def __init__(self, path: Path):
        """Refuses a file that is no GGUF, and one of a kind that no test covers."""
        from gguf import GGUFReader

        try:
            self._reader = GGUFReader(path)
        except (ValueError, OSError, IndexError) as err:
            raise TrainingError(f"{path} is not a GGUF file that can be read: {err}") from err
        self.architecture, self.pre = self._value("general.architecture", ""), self._value("tokenizer.ggml.pre", "")
        if self.architecture not in SUPPORTED:
            raise TrainingError(f"no tested adapter converter for architecture {self.architecture!r} of {path.name}: choose a base of {', '.join(SUPPORTED)}")
        if self.pre not in PRETOKENIZERS:
            raise TrainingError(f"no tested tokenizer for {path.name} (tokenizer.ggml.pre is {self.pre!r}): name the base's repository in base.train.hf instead")
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        if "rope_freqs.weight" in self._tensors or self._value("llama.rope.scaling.type", "none") != "none":
            raise TrainingError(f"{path.name} stretches its positions, which is not read from a GGUF: name the base's repository in base.train.hf instead")

    def config(self):
        from transformers import LlamaConfig

        heads = self._value("llama.attention.head_count")
        width = self._value("llama.embedding_length")
        return LlamaConfig(
            vocab_size=self._tensors["token_embd.weight"].shape[1].item(),
            hidden_size=width,
            intermediate_size=self._value("llama.feed_forward_length"),
            num_hidden_layers=self._value("llama.block_count"),
            num_attention_heads=heads,
            num_key_value_heads=self._value("llama.attention.head_count_kv", heads),
            head_dim=self._value("llama.rope.dimension_count", width // heads),
            max_position_embeddings=self._value("llama.context_length"),
            rms_norm_eps=self._value("llama.attention.layer_norm_rms_epsilon"),
            rope_parameters={"rope_type": "default", "rope_theta": self._value("llama.rope.freq_base", 10000.0)},
            bos_token_id=self._value("tokenizer.ggml.bos_token_id", None),
            eos_token_id=self._value("tokenizer.ggml.eos_token_id", None),
            tie_word_embeddings="output.weight" not in self._tensors,
        )

    def weights(self, config) -> dict[str, np.ndarray]:
        """Float32, query and key rows in transformers' order."""
        names = dict(WHOLE)
        if not config.tie_word_embeddings:
            names["lm_head.weight"] = "output.weight"
        for i in range(config.num_hidden_layers):
            names |= {f"model.layers.{i}.{ours}.weight": f"blk.{i}.{theirs}.weight" for ours, theirs in MODULES.items()}
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        return {name: self._weight(stored, heads.get(name.split(".")[-2])) for name, stored in names.items()}

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
