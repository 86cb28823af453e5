"""Hyperparameters: what was asked for, and what is in force once the data is known."""

from dataclasses import asdict, dataclass, fields, replace

MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
BATCH = 8
SAMPLINGS = ("none", "dedup", "balanced")

# Validation by default: only where data is seen more than once, so that there is something to overfit, and enough is left.
VALIDATED_FROM = 400  # examples
VALIDATION_FRACTION = 0.05
VALIDATION_MOST = 200  # examples
EVALUATIONS = 20  # about so many in a training
PATIENCE = 8  # evaluations in a row that bring nothing better; the last part of a falling learning rate brings much


class HyperError(Exception):
    pass


@dataclass(frozen=True)
class Hyper:
    """Names as on the wire. 0 or empty means: choose by the size of the data."""

    epochs: float = 0
    maxSteps: int = 0
    batchSize: int = 0
    learningRate: float = 0
    minLearningRateRatio: float = 0
    warmupSteps: int = 0
    gradientClip: float = 0
    loraRank: int = 0
    loraAlpha: float = 0
    loraDropout: float = 0
    targetModules: tuple[str, ...] = ()
    maxSequenceTokens: int = 0
    validationFraction: float = 0
    seed: int = 0
    layers: int = 0  # adapted layers, counted from the top
    sampling: str = ""  # none; dedup: equal prompts once, the newest; balanced: each answer equally often
    evalEverySteps: int = 0  # only where there is a validation part
    earlyStoppingPatience: int = 0  # evaluations in a row without a better one that end the training

    @staticmethod
    def read(body: dict) -> "Hyper":
        if not isinstance(body, dict):
            raise HyperError("hyperparameters must be an object")
        given = {}
        for field in fields(Hyper):
            if (value := body.get(field.name)) is None:
                continue
            if field.name == "targetModules":
                given[field.name] = _modules(value)
                continue
            if field.name == "sampling":
                if value not in ("", *SAMPLINGS):
                    raise HyperError(f"hyperparameters.sampling must be one of {', '.join(SAMPLINGS)}")
                given[field.name] = value
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                raise HyperError(f"hyperparameters.{field.name} must be a number, 0 for the default")
            if field.type is int and value != int(value):
                raise HyperError(f"hyperparameters.{field.name} must be a whole number")
            given[field.name] = field.type(value)
        hyper = Hyper(**given)
        for name, most in (("validationFraction", 0.5), ("minLearningRateRatio", 1), ("loraDropout", 0), ("loraRank", 256), ("learningRate", 0.1)):
            if getattr(hyper, name) > most:
                raise HyperError(f"hyperparameters.{name} is {getattr(hyper, name):g}, more than the {most:g} that this agent can use")
        return hyper

    def validation(self, examples: int) -> float:
        """The share of so many examples that judges instead of teaching."""
        if self.validationFraction:
            return self.validationFraction
        batch = self.batchSize or BATCH
        epochs = self.epochs or self.maxSteps * batch / max(1, examples) or default_epochs(examples)
        if examples < VALIDATED_FROM or epochs <= 1:
            return 0.0
        return min(VALIDATION_FRACTION, VALIDATION_MOST / examples)

    def effective(self, examples: int, layers: int, context: int) -> "Hyper":
        """The values in force for so many examples (without the validation part) on a base of so many layers."""
        rank = self.loraRank or 16
        batch = min(self.batchSize or BATCH, max(1, examples))
        filled = replace(
            self,
            epochs=self.epochs or self.maxSteps * batch / examples or default_epochs(examples),
            batchSize=batch,
            learningRate=self.learningRate or 2e-3,
            minLearningRateRatio=self.minLearningRateRatio or 0.02,
            gradientClip=self.gradientClip or 1.0,
            loraRank=rank,
            loraAlpha=self.loraAlpha or 2 * rank,
            targetModules=self.targetModules or MODULES,
            maxSequenceTokens=min(self.maxSequenceTokens or context, context),
            seed=self.seed or 1,
            layers=min(self.layers or layers, layers),
            sampling=self.sampling or "none",
            earlyStoppingPatience=self.earlyStoppingPatience or PATIENCE,
        )
        steps = filled.steps(examples)
        return replace(
            filled,
            maxSteps=steps,
            warmupSteps=min(self.warmupSteps or max(1, steps // 10), steps),
            evalEverySteps=self.evalEverySteps or max(10, steps // EVALUATIONS),
        )

    def steps(self, examples: int) -> int:
        """Optimizer steps for so many examples; only of effective hyperparameters."""
        steps = max(1, round(self.epochs * examples / self.batchSize))
        return min(steps, self.maxSteps) if self.maxSteps else steps

    def wire(self) -> dict:
        return {**asdict(self), "targetModules": list(self.targetModules)}


def default_epochs(examples: int) -> float:
    """Few examples are seen more often: about 1,200 in all, at most 10 times, at least once."""
    return max(1.0, min(10.0, 1200 / max(1, examples)))


def _modules(value) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(name in MODULES for name in value):
        raise HyperError(f"hyperparameters.targetModules must be a list out of {', '.join(MODULES)}; empty for all")
    return tuple(name for name in MODULES if name in value)
