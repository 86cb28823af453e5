"""Our decoder against transformers and PEFT: the same loss, the same gradients."""

import torch
from safetensors.torch import load_file  # noqa: F401
from transformers import LlamaForCausalLM

from understudy_agent import batches
from understudy_agent.hyper import MODULES
from understudy_agent.llama import Llama
from understudy_agent.lora import PARENT
from understudy_agent.render import Example


def examples(count=5, prefix=6):
    chance = torch.Generator().manual_seed(3)
    draw = lambda n: tuple(torch.randint(3, 900, (n,), generator=chance).tolist())
    start = draw(prefix)
    return [Example(start + draw(3 + i), draw(2 + i % 3)) for i in range(count)]


def model(tiny, modules=MODULES, layers=2, rank=4):
    config, weights, _ = tiny
    made = Llama(config, dict(weights), rank, 2.0 * rank, modules, layers, seed=1)
    chance = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=chance) * 0.05)
    return made


def reference(tiny, ours: Llama, data):
    """(loss, {(layer, module): (gradient of a, gradient of b)}) by transformers, each example by itself."""
    config, weights, _ = tiny
    theirs = LlamaForCausalLM(config)
    theirs.load_state_dict(weights, strict=False)
    added = {}
    for (layer, name), (a, b) in ours.tensors().items():
        parent = getattr(theirs.model.layers[layer], PARENT[name])
        a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
        added[layer, name] = (a, b)
        getattr(parent, name).register_forward_hook(lambda m, i, o, a=a, b=b: o + 2.0 * (i[0] @ a.T) @ b.T)
    loss = 0
    for e in data:
        logits = theirs(torch.tensor([e.prompt + e.answer])).logits[0, len(e.prompt) - 1 : -1]
        loss = loss + torch.nn.functional.cross_entropy(logits, torch.tensor(e.answer), reduction="sum")
    loss.backward()
    return loss.item(), {key: (a.grad, b.grad) for key, (a, b) in added.items()}


def gradients(ours: Llama):
    found = {}
    for layer, adapters in ours.adapters.items():
        for adapter in adapters:
            for name, a, b in zip(adapter.names, adapter.a.grad.chunk(len(adapter.names)), adapter.b):
                found[layer, name] = (a, b.grad)
    return found


def compare(tiny, ours, data):
    loss = ours.loss(batches.collate(data))
    loss.backward()
    want, expected = reference(tiny, ours, data)
    assert abs(loss.item() - want) < 1e-3 * abs(want)
    assert gradients(ours).keys() == expected.keys()
    for key, pair in gradients(ours).items():
        for got, wanted in zip(pair, expected[key]):
            assert torch.allclose(got, wanted, rtol=1e-3, atol=1e-4 * wanted.abs().max()), key


def test_loss_and_gradients_are_those_of_transformers(tiny):
    compare(tiny, model(tiny, layers=3), examples())


def test_also_where_only_the_top_layers_learn(tiny):
    compare(tiny, model(tiny, layers=2), examples())


def test_also_where_only_some_modules_learn(tiny):
    compare(tiny, model(tiny, modules=("q_proj", "v_proj", "up_proj")), examples())


def test_also_without_a_common_beginning(tiny):
    compare(tiny, model(tiny), examples(prefix=0))


def test_also_for_one_example(tiny):
    compare(tiny, model(tiny), examples(1))


def test_parts_of_a_batch_sum_to_the_whole(tiny):
    ours, data = model(tiny), examples(6)
    whole = ours.loss(batches.collate(data)).item()
    parts = batches.parts(data, tokens=30)
    assert len(parts) > 1
    assert abs(sum(ours.loss(batches.collate(p)).item() for p in parts) - whole) < 1e-3 * whole


def test_the_score_says_which_answers_would_be_given(tiny):
    config, weights, _ = tiny
    ours, e = model(tiny), examples(1)[0]
    with torch.no_grad():
        batch = batches.collate([e])
        said = (ours.hidden(batch) @ ours.output.t()).argmax(-1)
    loss, right = ours.score(batches.collate([Example(e.prompt, tuple(said.tolist()))]))
    assert right[0].item()
    assert ours.score(batches.collate([Example(e.prompt, ((said[0].item() + 1) % 900, *e.answer[1:]))]))[1][0].item() is False
