"""How a training went: losses, evaluations, and which evaluation was the best."""

from dataclasses import asdict, dataclass, field

# From this share of answers said word for word on, that share says more than the loss: a tuned model's loss rises again
# while more of its answers become right.
TELLING = 0.5


@dataclass(frozen=True)
class Evaluation:
    step: int
    loss: float  # mean of an answer's token
    exact: float  # share of the answers that the model would say word for word

    def better(self, other: "Evaluation | None") -> bool:
        if other is None:
            return True
        if max(self.exact, other.exact) >= TELLING:
            return (self.exact, -self.loss) > (other.exact, -other.loss)
        return self.loss < other.loss


@dataclass
class Curve:
    losses: list[tuple[int, float]] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)

    def best(self) -> Evaluation | None:
        found = None
        for evaluation in self.evaluations:
            if evaluation.better(found):
                found = evaluation
        return found

    def stale(self) -> int:
        """Evaluations since the best one."""
        best = self.best()
        return len(self.evaluations) - 1 - self.evaluations.index(best) if best else 0

    def wire(self) -> dict:
        return asdict(self)

    @staticmethod
    def read(found: dict) -> "Curve":
        return Curve([tuple(point) for point in found["losses"]], [Evaluation(**e) for e in found["evaluations"]])
