"""Training sees the tokens that serving sees, and learns the answer's tokens only."""

import copy
import json

import pytest
from served import served

from conftest import CONTRACT
from understudy_agent import batches, dataset, prepare
from understudy_agent.errors import TrainingError
from understudy_agent.render import Example, Renderer, Unusable

CASES = json.loads((CONTRACT / "render.json").read_text())["cases"]
ANSWER = {"role": "assistant", "content": '{"animal":"cat"}'}


@pytest.fixture(scope="module")
def renderer(real_base):
    """Of the real base; made in the cache once, as training does."""
    from transformers import AutoTokenizer

    return Renderer(AutoTokenizer.from_pretrained(prepare.prepared(real_base, real_base.parent)[0]))


@pytest.fixture(scope="module")
def server(real_base):
    with served(real_base) as post:
        yield post


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_prompt_is_the_servers(renderer, server, case):
    ours = renderer.example({"messages": [*case["messages"], ANSWER]}).prompt
    theirs = server("/apply-template", {"messages": case["messages"]})["prompt"]
    assert theirs == case["text"]
    assert list(ours) == server("/tokenize", {"content": theirs, "add_special": True, "parse_special": True})["tokens"]
    assert len(ours) == server("/v1/chat/completions", {"messages": case["messages"], "max_tokens": 1})["usage"]["prompt_tokens"]


def test_an_answer_ends_with_the_stop_token(renderer):
    example = renderer.example({"messages": [CASES[0]["messages"][1], ANSWER]})
    tokenizer = renderer._tokenizer
    assert tokenizer.decode(example.answer) == ANSWER["content"] + "<|im_end|>"
    assert tokenizer.decode(example.prompt).endswith("<|im_start|>assistant\n")
    assert renderer.stop_tokens == ["<|im_end|>"]


USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    "line, why",
    [
        ({"messages": [USER, ANSWER], "tools": [{"type": "function"}]}, "has tools"),
        ({"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{}]}]}, "has tool calls"),
        ({"messages": [USER, {"role": "tool", "content": "x"}, ANSWER]}, "has tool calls"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ANSWER]}, "has content other than text"),
        ({"messages": [USER]}, "has no conversation"),
        ({"messages": [ANSWER, USER]}, "does not end"),
        ({"messages": [USER, ANSWER, ANSWER]}, "does not end"),
        ({"messages": [USER, {"role": "assistant", "content": ""}]}, "empty answer"),
        ({"messages": [{"role": "user"}, ANSWER]}, "without text"),
        ({"messages": "hi"}, "has no conversation"),
        ({}, "has no conversation"),
    ],
)
def test_a_line_that_cannot_teach(tiny, line, why):
    with pytest.raises(Unusable, match=why):
        tiny[2].example(line)


def test_empty_tools_are_none(tiny):
    assert tiny[2].example({"messages": [USER, ANSWER], "tools": []}).answer


def test_unusable_lines_are_counted(tiny, tmp_path):
    rows = [{"messages": [USER, ANSWER]}, {"messages": [USER, ANSWER], "tools": [1]}, {"messages": [{"role": "user", "content": "long " * 500}, ANSWER]}]
    (tmp_path / "data").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    data = dataset.read(tmp_path / "data", tiny[2], 200)
    assert (data.lines, len(data.examples), dict(data.skipped)) == (3, 1, {"has tools": 1, "is longer than 200 tokens": 1})


ALTERNATING = "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{{ m.content }}<|im_end|>{% endfor %}"


def test_a_conversation_that_the_template_refuses_is_counted(tiny, tmp_path):
    tokenizer = copy.deepcopy(tiny[2]._tokenizer)
    tokenizer.chat_template = ALTERNATING
    rows = [{"messages": [USER, ANSWER]}, {"messages": [USER, USER, ANSWER]}]
    (tmp_path / "data").write_text("\n".join(map(json.dumps, rows)))
    data = dataset.read(tmp_path / "data", Renderer(tokenizer), 200)
    assert (len(data.examples), dict(data.skipped)) == (1, {"is refused by the base's chat template": 1})


@pytest.mark.parametrize("text, words", [("", "it is empty"), ("{}\n[1]\n", "line 2"), ("{\n", "line 1"), (json.dumps({"messages": [USER, ANSWER], "tools": [1]}), "1 × has tools")])
def test_a_data_set_that_teaches_nothing(tiny, tmp_path, text, words):
    (tmp_path / "data").write_text(text)
    with pytest.raises(TrainingError, match=words):
        dataset.read(tmp_path / "data", tiny[2], 200)


def test_only_the_answer_is_learnt():
    examples = [Example((1, 2, 3, 4), (7, 8, 9)), Example((1, 2, 5), (6, 9))]
    batch = batches.collate(examples)
    assert batch.prefix == 2 and batch.ids[:2].tolist() == [1, 2]
    assert batch.targets.tolist() == [7, 8, 9, 6, 9]
    # Each query is the token before its target: the last of the prompt, then the answer's own.
    assert batch.ids[batch.queries].tolist() == [4, 7, 8, 5, 6]
    assert batch.positions.tolist() == [0, 1] + 2 * [2, 3, 4, 5]


def test_a_plan_is_the_same_for_the_same_seed_and_sees_every_example():
    examples = [Example(tuple(range(1, 3 + i % 7)), (i,)) for i in range(50)]
    first, again, other = ([batches.Plan(examples, 8, seed)[step] for step in range(14)] for seed in (4, 4, 5))
    assert first == again != other
    assert {e for batch in first[:7] for e in batch} == {e for batch in first[7:] for e in batch} == set(examples)
    assert batches.Plan(examples, 8, 4)[9] == first[9]
