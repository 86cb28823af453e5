"""What makes a training good: which examples, when it ends, whose weights are kept; and that no path of computing changes it."""

import pytest
import torch
from test_llama import examples, model
from test_train import Killed, hyper
from transformers import LlamaForCausalLM

from understudy_agent import batches, dataset, memory, train
from understudy_agent.crew import Crew
from understudy_agent.curve import Curve, Evaluation
from understudy_agent.dataset import Dataset
from understudy_agent.general import General
from understudy_agent.hyper import MODULES, Hyper, HyperError
from understudy_agent.memory import Budget
from understudy_agent.render import Example


def general(tiny, layers=2):
    """transformers' Llama with the adapters that model() of test_llama has."""
    config, weights, _ = tiny
    theirs = LlamaForCausalLM(config)
    theirs.load_state_dict(weights, strict=False)
    made, ours = General(theirs.eval(), 4, 8.0, MODULES, layers, seed=1), model(tiny, layers=layers)
    with torch.no_grad():
        for key, (a, b) in ours.tensors().items():
            made.added[key].a.copy_(a)
            made.added[key].b.copy_(b)
    return made


def run(made, folder, report=lambda progress: None, **given):
    folder.mkdir(exist_ok=True)
    return train.train(made, examples(12), examples(3), hyper(**given), folder, 0, report)


def losses(outcome):
    return [loss for _, loss in outcome.curve.losses]


def test_both_paths_learn_the_same(tiny, tmp_path):
    ours, theirs = run(model(tiny), tmp_path / "ours"), run(general(tiny), tmp_path / "theirs")
    assert losses(theirs) == pytest.approx(losses(ours), rel=1e-3)
    assert [e.loss for e in theirs.curve.evaluations] == pytest.approx([e.loss for e in ours.curve.evaluations], rel=1e-3)


def test_both_paths_begin_with_the_same_adapters(tiny):
    config, weights, _ = tiny
    from understudy_agent.llama import Llama

    ours = Llama(config, dict(weights), 4, 8.0, ("q_proj", "v_proj", "down_proj"), 2, seed=7).tensors()
    theirs = General(LlamaForCausalLM(config), 4, 8.0, ("q_proj", "v_proj", "down_proj"), 2, seed=7).tensors()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(x, y) for key in ours for x, y in zip(ours[key], theirs[key]))


def test_saving_memory_changes_nothing(tiny, tmp_path):
    made = general(tiny)
    assert made.save_memory() and not made.save_memory()
    assert losses(run(made, tmp_path / "saving")) == pytest.approx(losses(run(general(tiny), tmp_path / "plain")), rel=1e-5)


def test_an_out_of_memory_makes_smaller_parts_of_the_same_batch(tiny, tmp_path, monkeypatch):
    plain = losses(run(general(tiny), tmp_path / "plain"))
    made, limit, refused = general(tiny), 25, []
    loss = made.loss

    def small(part):
        if batches.padded(part) > limit:
            refused.append(batches.padded(part))
            raise torch.OutOfMemoryError("the card is full")
        return loss(part)

    monkeypatch.setattr(made, "loss", small)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    assert losses(run(made, tmp_path / "small")) == pytest.approx(plain, rel=1e-4)
    assert 0 < len(refused) < 8  # learnt once, not in every step


def test_an_out_of_memory_in_validation_makes_smaller_parts(tiny, monkeypatch):
    made, data = general(tiny), examples(12)
    budget, crew = Budget(made, data, 4), Crew(4, parallel=False)
    budget.tokens = 3 * max(map(len, data))
    plain, before, score, left = train.evaluate(made, data, crew, budget), budget.tokens, made.score, [2]
    made.save_memory()

    def once(part):
        left[0] -= 1
        if left[0] == 0:
            raise torch.OutOfMemoryError("the card is full")
        return score(part)

    monkeypatch.setattr(made, "score", once)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    assert train.evaluate(made, data, crew, budget) == pytest.approx(plain, rel=1e-5)
    assert budget.tokens < before


def test_an_example_that_does_not_fit_is_said(tiny, tmp_path, monkeypatch):
    made = general(tiny)

    def full(part):
        raise torch.OutOfMemoryError("the card is full")

    monkeypatch.setattr(made, "loss", full)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    with pytest.raises(train.TrainingError, match="smaller maxSequenceTokens"):
        run(made, tmp_path / "full")


def scripted(monkeypatch, values):
    """Evaluations say these (loss, exact), in this order."""
    left = list(values)
    monkeypatch.setattr(train, "evaluate", lambda *_: left.pop(0))


def test_it_ends_when_nothing_gets_better_and_keeps_the_best(tiny, tmp_path, monkeypatch):
    seen = {}
    made = model(tiny)
    scripted(monkeypatch, [(2.0, 0), (1.0, 0), (1.5, 0), (1.4, 0), (0.1, 0)])

    def report(progress):
        if "bestStep" in progress:
            seen[len(seen)] = [p.detach().clone() for p in made.parameters()]

    outcome = run(made, tmp_path / "a", report, evalEverySteps=3, earlyStoppingPatience=2)
    assert (outcome.step, outcome.best_step, outcome.stop, outcome.stopped_early) == (12, 6, train.NO_BETTER, False)
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), seen[1]))
    assert not torch.equal(seen[1][0], seen[3][0])


def test_a_killed_training_remembers_the_best(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHECKPOINT_SECONDS", -1.0)
    said = [(1.0, 0), (2.0, 0), (3.0, 0), (4.0, 0), (5.0, 0), (6.0, 0), (7.0, 0), (8.0, 0)]
    whole, killed, again = model(tiny), model(tiny), model(tiny)
    scripted(monkeypatch, said)
    wanted = run(whole, tmp_path / "whole", evalEverySteps=3, earlyStoppingPatience=20)
    scripted(monkeypatch, said)

    def report(progress):
        if progress.get("step") == 11:
            raise Killed

    with pytest.raises(Killed):
        run(killed, tmp_path / "b", report, evalEverySteps=3, earlyStoppingPatience=20)
    resumed = []
    scripted(monkeypatch, said[3:])
    got = run(again, tmp_path / "b", resumed.append, evalEverySteps=3, earlyStoppingPatience=20)
    assert resumed[0] == {"resumedStep": 10}
    assert got.best_step == wanted.best_step == 3
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters()))
    assert got.tokens == wanted.tokens


@pytest.mark.parametrize(
    "new, old, better",
    [
        ((1.0, 0.0), (2.0, 0.0), True),
        ((1.0, 0.0), (0.9, 0.4), False),
        pytest.param((1.5, 0.8), (1.0, 0.7), True, id="right answers count more than their loss"),
        pytest.param((0.9, 0.8), (1.0, 0.8), True, id="as many right answers, said more surely"),
    ],
)
def test_what_is_better(new, old, better):
    assert Evaluation(2, *new).better(Evaluation(1, *old)) is better


def test_a_curve_survives_its_checkpoint():
    curve = Curve([(1, 2.0)], [Evaluation(1, 1.0, 0.5), Evaluation(2, 2.0, 0.4)])
    assert Curve.read(curve.wire()) == curve and curve.stale() == 1 and curve.best().step == 1


def rare(count=40):
    """One in ten has another answer."""
    return [Example((1, 2, i), (9,) if i % 10 == 0 else (8,)) for i in range(count)]


def test_balanced_shows_each_answer_equally_often():
    plan = batches.Plan(rare(), 8, seed=1, balanced=True)
    epoch = [e for step in range(5) for e in plan[step]]
    assert len(epoch) == 40 and sum(e.answer == (9,) for e in epoch) == 20
    assert len({e.prompt for e in epoch if e.answer == (8,)}) == 20  # none of the many twice
    later = [e for step in range(5, 10) for e in plan[step]]
    assert {e.prompt for e in epoch if e.answer == (8,)} != {e.prompt for e in later if e.answer == (8,)}


def test_dedup_keeps_the_newest_answer():
    old, new, other = Example((1,), (5,)), Example((1,), (6,)), Example((2,), (5,))
    assert dataset.dedup([old, other, new]) == [other, new]
    data = Dataset([old, other, new])
    assert sum(map(len, data.parts(Hyper(sampling="dedup")))) == 2
    assert (data.used, sum(data.skipped.values())) == (2, 1)


def test_equal_prompts_lie_on_one_side():
    made = [Example((i % 20,), (i,)) for i in range(100)]
    left, right = dataset.split(made, 0.3, seed=2)
    assert len(right) == 30 and not {e.prompt for e in left} & {e.prompt for e in right}


@pytest.mark.parametrize(
    "given, examples, share",
    [
        pytest.param({}, 100, 0, id="few: all of them teach"),
        pytest.param({}, 1000, 0.05, id="seen more than once: a part judges"),
        pytest.param({}, 20000, 0, id="seen once: nothing to overfit"),
        pytest.param({"epochs": 3}, 20000, 0.01, id="never more than 200"),
        pytest.param({"epochs": 1}, 1000, 0, id="asked to see it once"),
        pytest.param({"maxSteps": 50}, 1000, 0, id="fewer steps than data"),
        pytest.param({"validationFraction": 0.2}, 100, 0.2, id="asked for"),
    ],
)
def test_the_validation_part_by_the_size_of_the_data(given, examples, share):
    assert Hyper.read(given).validation(examples) == pytest.approx(share)


@pytest.mark.parametrize("given", [{"sampling": "often"}, {"sampling": 1}, {"evalEverySteps": -1}, {"earlyStoppingPatience": 1.5}])
def test_options_that_make_no_sense(given):
    with pytest.raises(HyperError):
        Hyper.read(given)


def test_the_cpu_takes_a_fixed_number_of_tokens(tiny):
    assert Budget(model(tiny), examples(3), 2).tokens == memory.TOKENS
