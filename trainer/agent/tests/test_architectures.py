"""Every architecture whose adapters we convert: a tiny base by chance, an adapter by chance, and llama.cpp says what transformers says."""

import types

import numpy as np
import pytest
import torch
from served import served
from test_convert import agrees

from conftest import TOKENS, add_vocabulary
from understudy_agent import architectures, convert, models
from understudy_agent.errors import TrainingError
from understudy_agent.general import General
from understudy_agent.gguf_base import Base
from understudy_agent.hyper import MODULES, Hyper
from understudy_agent.llama import Llama

WIDTH, MLP, HEADS, KV_HEADS, HEAD, LAYERS = 128, 96, 4, 2, 64, 6
SHAPE = {
    "vocab_size": TOKENS, "hidden_size": WIDTH, "intermediate_size": MLP, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD, "max_position_embeddings": 512, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "tie_word_embeddings": True,
}  # fmt: skip
WINDOW = 16  # tokens: shorter than the prompt, so that a wrong one shows


def config(name: str):
    import transformers

    if name == "gemma3":
        rope = {"full_attention": {"rope_type": "default", "rope_theta": 1e6}, "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}
        return transformers.Gemma3TextConfig(**SHAPE, query_pre_attn_scalar=HEAD, sliding_window=WINDOW, rope_parameters=rope)
    kind = {"llama": transformers.LlamaConfig, "qwen3": transformers.Qwen3Config}[name]
    return kind(**SHAPE, rope_parameters={"rope_type": "default", "rope_theta": 1e4}, rms_norm_eps=1e-6)


@pytest.fixture(scope="module", params=architectures.SUPPORTED)
def base(request, tmp_path_factory, real_base):
    """(architecture, folder of transformers' files, GGUF file) of the same weights."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(3)
    made = AutoModelForCausalLM.from_config(config(request.param), dtype=torch.float32)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            weight.normal_(0.1 if weight.ndim == 1 else 0, 0.1 if weight.ndim == 1 else weight.shape[1] ** -0.5)
            if weight.ndim == 1 and request.param != "gemma3":
                weight.add_(1)
            if name.endswith("embed_tokens.weight"):
                weight.mul_(4)
    made.save_pretrained(folder)
    write_gguf(folder / "base.gguf", architectures.named(request.param), made, real_base)
    return request.param, folder, folder / "base.gguf"


def write_gguf(path, architecture, made, real) -> None:
    import gguf

    c = made.config
    writer = gguf.GGUFWriter(path, architecture.name)
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(MLP)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    if architecture.name == "llama":
        writer.add_rope_dimension_count(HEAD)
    if architecture.name == "gemma3":
        writer.add_sliding_window(WINDOW)
    writer.add_rope_freq_base(1e6 if architecture.name == "gemma3" else 1e4)
    add_vocabulary(writer, real)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.name.upper()], LAYERS)
    for name, weight in made.named_parameters():
        stored, value = names.get_name(name, try_suffixes=(".weight",)), weight.detach().numpy()
        if architecture.permuted and name.split(".")[-2] in ("q_proj", "k_proj"):
            value = convert.permute(value, HEADS if "q_proj" in name else KV_HEADS)
        writer.add_tensor(stored, value + 1 if architecture.norms_above_one and value.ndim == 1 else np.ascontiguousarray(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_llamacpp_says_what_transformers_says(base, tmp_path):
    name, folder, file = base
    made = General(models.general(folder, torch.device("cpu")), 4, 8.0, MODULES, LAYERS, seed=1)
    prompt = np.random.default_rng(5).integers(20, TOKENS, 40).tolist()

    @torch.no_grad()
    def says() -> torch.Tensor:
        return torch.log_softmax(made.model(input_ids=torch.tensor([prompt])).logits[0, -1], -1)

    def theirs(post):
        answer = post("/completion", {"prompt": prompt, "n_predict": 1, "n_probs": 5, "temperature": 0, "cache_prompt": False})
        return {token["id"]: token["logprob"] for token in answer["completion_probabilities"][0]["top_logprobs"]}

    plain = says()
    with served(file) as post:
        agrees(plain, theirs(post))
    chance = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=chance) * 0.1)
    tensors = {key: (a.numpy(), b.numpy()) for key, (a, b) in made.tensors().items()}
    convert.write_gguf(tmp_path / "adapter.gguf", tensors, made.model.config, alpha=8.0)
    tuned = says()
    assert (tuned - plain).abs().max() > 0.5  # else this test would say nothing
    with served(file, tmp_path / "adapter.gguf") as post:
        agrees(tuned, theirs(post))


def test_the_quick_path_is_only_taken_for_llama(base):
    name, folder, _ = base
    hyper = Hyper(loraRank=4).effective(8, LAYERS, 512)
    from transformers import AutoConfig

    made = models.load(folder, AutoConfig.from_pretrained(folder), hyper, torch.device("cpu"))
    assert isinstance(made, Llama) == (name == "llama")
    assert len(made.tensors()) == LAYERS * len(MODULES)


def test_llamacpps_own_converter_is_run_where_one_is_named(tmp_path, monkeypatch):
    script = tmp_path / "convert_lora_to_gguf.py"
    script.write_text("import json, pathlib, sys\na = sys.argv\nfolder = pathlib.Path(a[-1])\nassert json.loads((folder / 'adapter_config.json').read_text())['r'] == 4\n"
                      "pathlib.Path(a[a.index('--outfile') + 1]).write_bytes((folder / 'adapter_model.safetensors').read_bytes() + a[a.index('--base') + 1].encode())\n")  # fmt: skip
    monkeypatch.setenv("AGENT_LORA_CONVERTER", str(script))
    (tmp_path / "a.safetensors").write_bytes(b"weights of ")
    convert.by_llamacpp(architectures.converter(), tmp_path / "out.gguf", tmp_path / "a.safetensors", {"r": 4}, tmp_path)
    assert (tmp_path / "out.gguf").read_bytes() == b"weights of " + str(tmp_path).encode()
    script.write_text("raise SystemExit('this model is not known')")
    (tmp_path / "out.gguf").unlink()
    with pytest.raises(TrainingError, match="this model is not known"):
        convert.by_llamacpp(script, tmp_path / "out.gguf", tmp_path / "a.safetensors", {"r": 4}, tmp_path)
    monkeypatch.setenv("AGENT_LORA_CONVERTER", str(tmp_path / "nowhere"))
    assert architectures.converter() is None


def test_an_untested_architecture_needs_llamacpps_converter(tmp_path):
    with pytest.raises(TrainingError, match="AGENT_LORA_CONVERTER"):
        convert.write_gguf(tmp_path / "x.gguf", {}, types.SimpleNamespace(model_type="phi3"), 1.0)


def test_a_gguf_is_read_as_transformers_has_it(base, monkeypatch):
    name, folder, file = base
    if name == "qwen3":
        pytest.skip("trained from its repository only")
    from safetensors.torch import load_file

    monkeypatch.setitem(architectures.TOKENIZERS, (name, "gpt2", "smollm"), True)
    read = Base(file)
    said, wanted = read.config(), config(name)
    for key in ("rope_parameters", "layer_types", "sliding_window", "query_pre_attn_scalar", *SHAPE):
        if key != "pad_token_id":
            assert getattr(said, key, None) == getattr(wanted, key, None), key
    assert said.architectures
    weights, real = read.weights(said), load_file(folder / "model.safetensors")
    assert weights.keys() == real.keys()
    assert all(np.allclose(weights[key], real[key].numpy(), atol=1e-6) for key in real)


def test_ours_helps_where_theirs_fails(base, tmp_path, monkeypatch):
    name, folder, _ = base
    script = tmp_path / "convert_lora_to_gguf.py"
    script.write_text("raise SystemExit('broken')")
    monkeypatch.setenv("AGENT_LORA_CONVERTER", str(script))
    (tmp_path / "a.safetensors").write_bytes(b"")
    tensors = {(0, "q_proj"): (np.ones((4, WIDTH), np.float32), np.ones((HEADS * HEAD, 4), np.float32))}
    convert.adapter(tmp_path / "a.gguf", tmp_path / "a.safetensors", tensors, config(name), {"lora_alpha": 8.0}, folder)
    assert (tmp_path / "a.gguf").stat().st_size > 0
    with pytest.raises(TrainingError, match="broken"):
        convert.adapter(tmp_path / "b.gguf", tmp_path / "a.safetensors", tensors, types.SimpleNamespace(model_type="phi3"), {"lora_alpha": 8.0}, folder)
