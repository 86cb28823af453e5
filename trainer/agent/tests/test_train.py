"""The loop: what a killed training does again, how the learning rate runs, what is chosen for a data set."""

import pytest
import torch
from test_llama import examples, model

from understudy_agent import batches, train
from understudy_agent.crew import Crew
from understudy_agent.errors import TrainingError
from understudy_agent.hyper import Hyper, HyperError
from understudy_agent.memory import Budget


class Killed(Exception):
    pass


def hyper(**given):
    return Hyper.read({"batchSize": 4, "maxSteps": 24, "loraRank": 4, **given}).effective(12, 3, 512)


def run(tiny, folder, until=10**9, deadline=0, **given):
    folder.mkdir(exist_ok=True)
    ours = model(tiny)

    def report(progress):
        if progress.get("step", 0) >= until:
            raise Killed

    return ours, train.train(ours, examples(12), examples(3), hyper(**given), folder, deadline, report)


def test_a_killed_training_ends_with_the_same_weights(tiny, tmp_path):
    whole, outcome = run(tiny, tmp_path / "whole")
    with pytest.raises(Killed):
        run(tiny, tmp_path / "killed", until=17)
    again, resumed = run(tiny, tmp_path / "killed")
    assert [step for step, _ in resumed.curve.losses] == [step for step, _ in outcome.curve.losses] == list(range(1, 25))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters()))
    assert outcome.curve.losses[-1][1] < outcome.curve.losses[0][1]
    assert resumed.curve.evaluations == outcome.curve.evaluations and [e.step for e in outcome.curve.evaluations] == [10, 20, 24]


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"half"), lambda path: path.unlink()])
def test_a_damaged_checkpoint_means_beginning_anew(tiny, tmp_path, damage):
    run(tiny, tmp_path / "a", maxSteps=12)
    damage(tmp_path / "a" / "checkpoint.pt")
    assert run(tiny, tmp_path / "a", maxSteps=12)[1].curve.losses[0][0] == 1


def test_a_checkpoint_of_other_hyperparameters_is_not_used(tiny, tmp_path):
    run(tiny, tmp_path / "a", maxSteps=12)
    with pytest.raises(Killed):
        run(tiny, tmp_path / "a", until=1, maxSteps=12, learningRate=0.01)


def test_a_loss_that_is_no_number_says_what_to_change(tiny, tmp_path):
    with pytest.raises(TrainingError, match="lower learningRate"):
        ours = model(tiny)
        with torch.no_grad():
            ours.parameters()[0].fill_(float("nan"))
        train.train(ours, examples(12), [], hyper(), tmp_path, 0, lambda progress: None)


def test_the_learning_rate_warms_up_and_falls():
    h = hyper(learningRate=0.1, warmupSteps=4, minLearningRateRatio=0.1)
    rates = [train.rate(step, 24, h) for step in range(24)]
    assert rates[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0.01 < rates[-1] < 0.012


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_shares_hold_every_example_once(count):
    data = examples(9)
    found = batches.shares(data, count)
    assert len(found) <= count
    assert sorted(map(id, data)) == sorted(id(e) for share in found for e in share)


def test_more_workers_say_the_same(tiny):
    ours = model(tiny)
    one, two = (train.evaluate(ours, examples(12), Crew(12, count), Budget(ours, examples(12), 12)) for count in (1, 3))
    assert one == pytest.approx(two)


def test_defaults_fit_the_data():
    chosen = {n: Hyper().effective(n, 30, 2048) for n in (20, 800, 20000)}
    assert chosen[20].maxSteps < chosen[800].maxSteps < chosen[20000].maxSteps
    assert chosen[800].warmupSteps < chosen[800].maxSteps
    assert Hyper(maxSteps=7).effective(800, 30, 2048).maxSteps == 7
    assert Hyper(epochs=1, batchSize=8).effective(800, 30, 2048).maxSteps == 100


@pytest.mark.parametrize("given", [{"epochs": -1}, {"loraRank": 1000}, {"loraDropout": 0.1}, {"seed": "x"}, {"targetModules": "q_proj"}, {"validationFraction": 0.9}, []])
def test_hyperparameters_that_make_no_sense(given):
    with pytest.raises(HyperError):
        Hyper.read(given)
