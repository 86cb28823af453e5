"""A tiny base that is real in kind: the vocabulary's beginning, the chat template and the layout of SmolLM2, weights by chance."""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded; as for a worker
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from understudy_agent import settings  # noqa: E402

CONTRACT = Path(__file__).resolve().parents[3] / "ci" / "contract"
REAL = settings.models_dir() / "SmolLM2-135M-Instruct.Q4_1.gguf"
TOKENS = 3000
LAYERS, HEADS, KV_HEADS, HEAD, WIDTH, MLP = 3, 4, 2, 32, 128, 96


@pytest.fixture(scope="session")
def contract():
    return lambda name: json.loads((CONTRACT / name).read_text())


@pytest.fixture(scope="session")
def real_base() -> Path:
    if not REAL.exists():
        pytest.fail(f"{REAL} is missing: run `make setup`")
    return REAL


@pytest.fixture(scope="session")
def models(tmp_path_factory, real_base) -> Path:
    """A models folder with tiny.gguf in it, prepared once."""
    folder = tmp_path_factory.mktemp("models")
    write_tiny(folder / "tiny.gguf", real_base)
    from understudy_agent import prepare

    prepare.prepared(folder / "tiny.gguf", folder)
    return folder


@pytest.fixture(scope="session")
def tiny(models):
    """(config, weights, renderer) of the tiny base."""
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoTokenizer

    from understudy_agent import prepare
    from understudy_agent.render import Renderer

    folder, _ = prepare.prepared(models / "tiny.gguf", models)
    return AutoConfig.from_pretrained(folder), load_file(folder / "model.safetensors"), Renderer(AutoTokenizer.from_pretrained(folder))


def write_tiny(path: Path, real: Path) -> None:
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(MLP)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    add_vocabulary(writer, real)
    chance = np.random.default_rng(7)
    matrix = lambda rows, columns: (chance.standard_normal((rows, columns)) * columns**-0.5).astype(np.float32)
    norm = lambda: (1 + 0.1 * chance.standard_normal(WIDTH)).astype(np.float32)
    writer.add_tensor("token_embd.weight", matrix(TOKENS, WIDTH) * 8)
    writer.add_tensor("output_norm.weight", norm())
    for i in range(LAYERS):
        b = f"blk.{i}."
        for name, rows, columns in (
            ("attn_q", HEADS * HEAD, WIDTH), ("attn_k", KV_HEADS * HEAD, WIDTH), ("attn_v", KV_HEADS * HEAD, WIDTH),
            ("attn_output", WIDTH, HEADS * HEAD), ("ffn_gate", MLP, WIDTH), ("ffn_up", MLP, WIDTH), ("ffn_down", WIDTH, MLP),
        ):
            writer.add_tensor(f"{b}{name}.weight", matrix(rows, columns))
        writer.add_tensor(f"{b}attn_norm.weight", norm())
        writer.add_tensor(f"{b}ffn_norm.weight", norm())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_vocabulary(writer, real: Path) -> None:
    """The beginning of the real base's, and its chat template."""
    import gguf

    fields = gguf.GGUFReader(real).fields
    value = lambda key: fields[key].contents()
    tokens = value("tokenizer.ggml.tokens")[:TOKENS]
    known = set(tokens)
    merges = [m for m in value("tokenizer.ggml.merges") if m.replace(" ", "") in known and set(m.split(" ")) <= known]
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(value("tokenizer.ggml.token_type")[:TOKENS])
    writer.add_token_merges(merges)
    for key in ("bos", "eos", "unknown", "padding"):
        getattr(writer, {"bos": "add_bos_token_id", "eos": "add_eos_token_id", "unknown": "add_unk_token_id", "padding": "add_pad_token_id"}[key])(value(f"tokenizer.ggml.{key}_token_id"))
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(value("tokenizer.chat_template"))


def lines(count: int) -> bytes:
    """A data set of so many conversations."""
    made = []
    for i in range(count):
        animal = ("cat", "dog", "horse", "hen")[i % 4]
        messages = [
            {"role": "system", "content": "Name the animal."},
            {"role": "user", "content": f"Number {i} says it has seen a {animal}" + " today" * (i % 5)},
            {"role": "assistant", "content": json.dumps({"animal": animal})},
        ]
        made.append(json.dumps({"id": str(i), "messages": messages}))
    return ("\n".join(made) + "\n").encode()


def order(data: bytes, base: Path, job: str = "job-1", **hyper) -> dict:
    """The body of a POST /v1/train."""
    sha = hashlib.sha256(base.read_bytes()).hexdigest()
    return {
        "jobId": job,
        "base": {"name": "tiny", "architecture": "llama", "contextLength": 512, "train": {"gguf": {"file": base.name, "url": "", "sha256": sha}, "hf": ""}},
        "dataset": {"sha256": hashlib.sha256(data).hexdigest(), "pairs": data.count(b"\n")},
        "hyperparameters": {"batchSize": 4, "maxSteps": 3, "loraRank": 4, "seed": 1, **hyper},
        "deadlineSeconds": 600,
    }
