"""The training loop: steps, learning rate, checkpoints, deadline."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from . import batches, checkpoint
from .crew import Crew
from .errors import TrainingError
from .hyper import Hyper
from .llama import Llama
from .render import Example

CHECKPOINT_STEPS = 10
CHECKPOINT_SECONDS = 10.0
RESERVE = 10.0  # seconds before the deadline, for conversion


@dataclass
class Outcome:
    step: int
    losses: list[tuple[int, float]]
    eval_losses: list[tuple[int, float]]
    seconds: float
    stopped_early: bool


def train(model: Llama, train_set: list[Example], validation: list[Example], hyper: Hyper, folder: Path, deadline: float, report: Callable[[dict], None]) -> Outcome:
    """Trains until hyper.maxSteps or the deadline (Unix seconds, 0 for none); goes on from the folder's checkpoint."""
    parameters = model.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=hyper.learningRate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    where = folder / "checkpoint.pt"
    state = checkpoint.load(where, hyper.wire())
    step, steps, before, losses, eval_losses = 0, hyper.maxSteps, 0.0, [], []
    if state:
        step, steps, before, losses, eval_losses = state.step, state.steps, state.seconds, state.losses, state.eval_losses
        optimizer.load_state_dict(state.optimizer)
        with torch.no_grad():
            for parameter, saved in zip(parameters, state.parameters):
                parameter.copy_(saved)
    crew = Crew(hyper.batchSize)
    plan = batches.Plan(train_set, hyper.batchSize, hyper.seed)
    begun = saved_at = time.monotonic()
    first, tokens = step, 0
    seconds = lambda: before + time.monotonic() - begun

    def save() -> None:
        checkpoint.save(where, checkpoint.Checkpoint(step, steps, hyper.wire(), [p.detach() for p in parameters], optimizer.state_dict(), losses, eval_losses, seconds()))

    while step < steps:
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps, hyper)
        batch = plan[step]
        loss = _step(model, batch, optimizer, parameters, hyper.gradientClip, crew)
        tokens += sum(map(len, batch))
        step += 1
        if not math.isfinite(loss):
            raise TrainingError(f"the loss became {loss} at step {step}: choose a lower learningRate than {hyper.learningRate:g}")
        losses.append((step, loss))
        spent = time.monotonic() - begun
        each = spent / (step - first)
        if deadline:
            steps = min(steps, step + max(0, int((deadline - RESERVE - time.time()) / each)))
        report({"step": step, "steps": steps, "loss": round(loss, 5), "tokensPerSecond": round(tokens / spent, 1), "etaSeconds": round(each * (steps - step), 1)})
        if step < steps and (step % CHECKPOINT_STEPS == 0 or time.monotonic() - saved_at > CHECKPOINT_SECONDS):
            save()
            saved_at = time.monotonic()
    if validation and (not eval_losses or eval_losses[-1][0] != step):
        eval_losses.append((step, evaluate(model, validation, crew)[0]))
        report({"evalLoss": round(eval_losses[-1][1], 5)})
    save()
    return Outcome(step, losses, eval_losses, seconds(), steps < hyper.maxSteps)


def rate(step: int, steps: int, hyper: Hyper) -> float:
    """Learning rate of a step (from 0): a straight warm-up, then half a cosine down to the least."""
    if step < hyper.warmupSteps:
        return hyper.learningRate * (step + 1) / hyper.warmupSteps
    gone = (step - hyper.warmupSteps) / max(1, steps - hyper.warmupSteps)
    least = hyper.minLearningRateRatio
    return hyper.learningRate * (least + (1 - least) * (1 + math.cos(math.pi * gone)) / 2)


def evaluate(model: Llama, examples: list[Example], crew: Crew) -> tuple[float, float]:
    """(mean loss of an answer's token, share of the answers that the model would say word for word)."""
    parts = batches.parts(examples)
    loss, count, exact = 0.0, 0, 0
    for part, (total, right) in zip(parts, crew.map(lambda part: model.score(batches.collate(part)), parts)):
        loss, count = loss + total, count + len(right)
        exact += sum(bool(answer.all()) for answer in right.split([len(e.answer) for e in part]))
    return loss / count, exact / len(examples)


def _step(model: Llama, batch: list[Example], optimizer, parameters, clip: float, crew: Crew) -> float:
    targets = sum(len(e.answer) for e in batch)

    def gradients(share: list[Example]):
        total, sums = 0.0, None
        for part in batches.parts(share):
            loss = model.loss(batches.collate(part)) / targets
            found = torch.autograd.grad(loss, parameters)
            sums = found if sums is None else torch._foreach_add(sums, found)
            total += loss.item()
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
