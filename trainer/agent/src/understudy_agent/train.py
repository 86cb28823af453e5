"""The training loop: steps, learning rate, evaluations, checkpoints, deadline."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from . import batches, checkpoint
from .crew import Crew
from .curve import Curve, Evaluation
from .errors import TrainingError
from .hyper import Hyper
from .memory import Budget
from .render import Example

CHECKPOINT_STEPS = 10
CHECKPOINT_SECONDS = 10.0
CHECKPOINT_SHARE = 0.05  # of the time, at most, for those by steps: a GPU makes ten steps in no time
RESERVE = 10.0  # seconds before the deadline, for conversion

# Why a training ended.
ALL_STEPS, DEADLINE, NO_BETTER = "steps", "deadline", "validation"


@dataclass
class Outcome:
    step: int  # steps done
    best_step: int  # whose weights the model holds now
    curve: Curve
    tokens: int
    seconds: float
    stop: str

    @property
    def stopped_early(self) -> bool:
        return self.stop == DEADLINE


def train(model, train_set: list[Example], validation: list[Example], hyper: Hyper, folder: Path, deadline: float, report: Callable[[dict], None]) -> Outcome:
    """Trains until hyper.maxSteps, the deadline (Unix seconds, 0 for none), or until the validation part says that nothing gets better.

    model is a Llama or a General. Goes on from the folder's checkpoint. Leaves the best evaluation's weights in the model.
    """
    parameters = model.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=hyper.learningRate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    where = folder / "checkpoint.pt"
    state = checkpoint.load(where, hyper.wire())
    step, steps, before, tokens, curve, best = 0, hyper.maxSteps, 0.0, 0, Curve(), []
    if state:
        step, steps, before, tokens, curve, best = state.step, state.steps, state.seconds, state.tokens, Curve.read(state.curve), state.best
        optimizer.load_state_dict(state.optimizer)
        _put(parameters, state.parameters)
        report({"resumedStep": step})
    crew = Crew(hyper.batchSize, parallel=model.parallel)
    budget = Budget(model, train_set + validation, hyper.batchSize)
    plan = batches.Plan(train_set, hyper.batchSize, hyper.seed, hyper.sampling == "balanced")
    begun = saved_at = time.monotonic()
    saving = 0.0  # how long the last one took
    first, fresh, evaluating = step, 0, 0.0
    seconds = lambda: before + time.monotonic() - begun
    current = lambda: bool(curve.evaluations) and curve.best().step == step

    def save() -> None:
        kept = [] if current() else best
        checkpoint.save(where, checkpoint.Checkpoint(step, steps, hyper.wire(), [p.detach() for p in parameters], kept, optimizer.state_dict(), curve.wire(), tokens, seconds()))

    def judge() -> None:
        nonlocal best, evaluating
        since = time.monotonic()
        loss, exact = evaluate(model, validation, crew, budget)
        curve.evaluations.append(Evaluation(step, loss, exact))
        if current():
            best = [p.detach().to("cpu", copy=True) for p in parameters]
        evaluating += time.monotonic() - since
        report({"evalLoss": round(loss, 5), "evalExact": round(exact, 4), "bestStep": curve.best().step})

    if state and current():
        best = state.parameters
    while step < steps and curve.stale() < hyper.earlyStoppingPatience:
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps, hyper)
        batch = plan[step]
        loss = _step(model, batch, optimizer, parameters, hyper.gradientClip, crew, budget)
        fresh += sum(map(len, batch))
        tokens += sum(map(len, batch))
        step += 1
        if not math.isfinite(loss):
            raise TrainingError(f"the loss became {loss} at step {step}: choose a lower learningRate than {hyper.learningRate:g}")
        curve.losses.append((step, loss))
        spent = time.monotonic() - begun
        each = spent / (step - first)
        if deadline:
            steps = min(steps, step + max(0, int((deadline - RESERVE - time.time()) / each)))
        report({"step": step, "steps": steps, "loss": round(loss, 5), "tokensPerSecond": round(fresh / (spent - evaluating), 1), "etaSeconds": round(each * (steps - step), 1)})
        if validation and (step % hyper.evalEverySteps == 0 or step == steps):
            judge()
        since = time.monotonic() - saved_at
        if step < steps and (step % CHECKPOINT_STEPS == 0 and since * CHECKPOINT_SHARE > saving or since > CHECKPOINT_SECONDS):
            saved_at = time.monotonic()
            save()
            saving = time.monotonic() - saved_at
    stop = DEADLINE if steps < hyper.maxSteps else ALL_STEPS if step >= steps else NO_BETTER
    save()
    if best and not current():
        _put(parameters, best)
    return Outcome(step, curve.best().step if curve.evaluations else step, curve, tokens, seconds(), stop)


def rate(step: int, steps: int, hyper: Hyper) -> float:
    """Learning rate of a step (from 0): a straight warm-up, then half a cosine down to the least."""
    if step < hyper.warmupSteps:
        return hyper.learningRate * (step + 1) / hyper.warmupSteps
    gone = (step - hyper.warmupSteps) / max(1, steps - hyper.warmupSteps)
    least = hyper.minLearningRateRatio
    return hyper.learningRate * (least + (1 - least) * (1 + math.cos(math.pi * gone)) / 2)


def evaluate(model, examples: list[Example], crew: Crew, budget: Budget) -> tuple[float, float]:
    """(mean loss of an answer's token, share of the answers that the model would say word for word)."""
    loss, count, exact = 0.0, 0, 0
    waiting = batches.parts(examples, budget.tokens, model.size)
    while waiting:
        failed = []
        for part, found in zip(waiting, crew.map(lambda part: _score(model, part), waiting)):
            if found is None:
                failed.append(part)
                continue
            total, right = found
            loss, count = loss + total, count + len(right)
            exact += sum(bool(answer.all()) for answer in right.split([len(e.answer) for e in part]))
        if failed:
            budget.shrink(failed[0])
        waiting = batches.parts([e for part in failed for e in part], budget.tokens, model.size)
    return loss / count, exact / len(examples)


def _score(model, part: list[Example]):
    """model.score of a part; None where the GPU's memory was not enough for it."""
    try:
        return model.score(model.collate(part))
    except torch.OutOfMemoryError:
        return None


def _step(model, batch: list[Example], optimizer, parameters, clip: float, crew: Crew, budget: Budget) -> float:
    """One optimizer step on a batch, in as many parts as memory asks for; the mean loss of its answers' tokens."""
    targets = sum(len(e.answer) for e in batch)

    def gradients(share: list[Example]):
        total, sums, waiting = 0.0, None, batches.parts(share, budget.tokens, model.size)
        while waiting:
            loss, found = _gradients(model, waiting[0], targets, parameters)
            if found is None:
                budget.shrink(waiting[0])
                waiting = batches.parts([e for part in waiting for e in part], budget.tokens, model.size)
                continue
            sums = found if sums is None else torch._foreach_add(sums, found)
            total += loss
            waiting = waiting[1:]
        return total, sums

    total, sums = 0.0, None
    for loss, found in crew.map(gradients, batches.shares(batch, crew.workers)):
        sums = found if sums is None else torch._foreach_add(sums, found)
        total += loss
    for parameter, gradient in zip(parameters, sums):
        parameter.grad = gradient
    torch.nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()
    return total


def _gradients(model, part: list[Example], targets: int, parameters):
    """(loss, gradients) of a part; (0, None) where the GPU's memory was not enough for it."""
    try:
        loss = model.loss(model.collate(part)) / targets
        return loss.item(), torch.autograd.grad(loss, parameters)
    except torch.OutOfMemoryError:
        return 0.0, None


@torch.no_grad()
def _put(parameters, values) -> None:
    for parameter, value in zip(parameters, values):
        parameter.copy_(value)
