"""An adapter means the same to torch, to llama.cpp and to PEFT."""

import json
import types

import numpy as np
import pytest
import torch
from safetensors import safe_open
from served import served
from test_llama import model

from understudy_agent import batches, convert, prepare
from understudy_agent.errors import TrainingError
from understudy_agent.gguf_base import Base
from understudy_agent.hyper import Hyper
from understudy_agent.render import Example
from understudy_agent.worker import _peft


@pytest.fixture(scope="module")
def adapter(tiny):
    """A model whose adapter changes much."""
    made = model(tiny, layers=3)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(6)
    return made


def arrays(made):
    return {key: (a.numpy(), b.numpy()) for key, (a, b) in made.tensors().items()}


def test_llamacpp_says_what_torch_says(tiny, models, adapter, tmp_path):
    convert.write_gguf(tmp_path / "adapter.gguf", arrays(adapter), tiny[0], alpha=8.0)
    prompt = tiny[2].ids("<|im_start|>user\nWhere is the cat 12?<|im_end|>\n")

    def torch_says(made):
        with torch.no_grad():
            batch = batches.collate([Example(prompt, (0,))])
            return torch.log_softmax(made.hidden(batch) @ made.output.t(), -1)[0]

    def llamacpp_says(post):
        answer = post("/completion", {"prompt": list(prompt), "n_predict": 1, "n_probs": 5, "temperature": 0, "cache_prompt": False})
        return {token["id"]: token["logprob"] for token in answer["completion_probabilities"][0]["top_logprobs"]}

    plain = model(tiny, layers=3)
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.zero_()
    with served(models / "tiny.gguf") as post:
        agrees(torch_says(plain), llamacpp_says(post))
    with served(models / "tiny.gguf", tmp_path / "adapter.gguf") as post:
        agrees(torch_says(adapter), llamacpp_says(post))
    assert (torch_says(adapter) - torch_says(plain)).abs().max() > 0.5  # else this test would say nothing


def agrees(ours, theirs):
    assert set(theirs) == set(ours.topk(len(theirs)).indices.tolist())
    for token, logprob in theirs.items():
        assert abs(ours[token].item() - logprob) < 0.15  # its keys and values are float16


def test_peft_loads_the_safetensors(tiny, adapter, tmp_path):
    peft = pytest.importorskip("peft")
    from transformers import LlamaForCausalLM

    config, weights, _ = tiny
    order = {"base": {"name": "tiny", "train": {}}}
    hyper = Hyper(loraRank=4, loraAlpha=8.0, targetModules=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"), layers=3)
    convert.write_safetensors(tmp_path / "adapter_model.safetensors", arrays(adapter), _peft(order, hyper, 3))
    with safe_open(tmp_path / "adapter_model.safetensors", "numpy") as file:
        (tmp_path / "adapter_config.json").write_text(file.metadata()["adapter_config"])
    theirs = LlamaForCausalLM(config)
    theirs.load_state_dict(weights, strict=False)
    theirs = peft.PeftModel.from_pretrained(theirs, tmp_path)
    example = Example((5, 6, 7, 8), (9, 10))
    batch = batches.collate([example])
    with torch.no_grad():
        wanted = theirs(torch.tensor([[5, 6, 7, 8, 9]])).logits[0, 3:]
        assert torch.allclose(adapter.hidden(batch) @ adapter.output.t(), wanted, rtol=1e-3, atol=1e-3)


def test_an_architecture_without_a_tested_converter_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no tested adapter converter for architecture 'qwen2'"):
        convert.write_gguf(tmp_path / "x.gguf", {}, types.SimpleNamespace(model_type="qwen2"), 1.0)


@pytest.mark.parametrize("architecture, pre, words", [("mamba", "default", "no tested adapter converter"), ("gemma3", "default", "no tested tokenizer"), ("llama", "llama-bpe", "no tested tokenizer")])
def test_a_gguf_of_an_untested_kind_is_refused(tmp_path, architecture, pre, words):
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "x.gguf", architecture)
    writer.add_tokenizer_pre(pre)
    writer.add_tensor("x", np.zeros((2, 2), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(TrainingError, match=words):
        Base(tmp_path / "x.gguf")


def test_a_file_that_is_no_gguf_is_refused(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"hello" * 100)
    with pytest.raises(TrainingError, match="is not a GGUF file"):
        prepare.prepared(tmp_path / "x.gguf", tmp_path)


def test_rows_are_permuted_as_the_file_stores_them():
    rows = np.arange(8).reshape(8, 1)  # 2 heads of 4 rows: halves (0 1 | 2 3) and (4 5 | 6 7)
    assert convert.permute(rows, 2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    assert json.dumps(rows.ravel().tolist()) == "[0, 1, 2, 3, 4, 5, 6, 7]"
