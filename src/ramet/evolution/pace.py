"""How fast training is here, as measured; what a time limit makes of a generation; what a run will take.

Work is counted in FLOPs, and a pace is the seconds that one took lately: in the last generation, or before the first
in a trial of a few steps that are thrown away.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ramet.base.progress import Progress
from ramet.base.records import Task
from ramet.engine.contract import Engine, Generation
from ramet.method.document.schema import Method
from ramet.method.plan import ChildPlan, Rounds, training_flops
from ramet.method.search import State
from ramet.vit import spec

Clock = Callable[[], float]

TRIAL_STEPS = 3
"""The first is slower than the others, and the last is followed by a validation; the one between is measured."""

TRIAL_SHARE = 0.02
"""A trial that would be more than this share of the run tells less than it costs."""

_TICK = 1e-6
"""Seconds: no step is told to be shorter."""

MARGIN = 0.9
"""The part of the time left that is planned with: paces vary."""

LEAST = 0.1
"""Of its training, what a generation must get once something was learned; less would hardly find anything better."""


@dataclass(frozen=True)
class Estimate:
    """The time a run takes on this machine, by a few steps measured before it starts.

    seconds, children and examples are those of all its tasks.
    """

    seconds: float
    children: int
    examples: int

    def children_within(self, seconds: float) -> int:
        """Return about how many children a time limit would buy; at least one, whose training is shortened to fit."""
        return max(1, min(self.children, int(self.children * seconds / self.seconds)))


def validation_flops(plans: Sequence[ChildPlan], examples: int) -> int:
    """Return the FLOPs of measuring children on so many examples."""
    names = ((plan, (part.name for part in plan.parts)) for plan in plans)
    return examples * sum(spec.flops(plan.parent.architecture, parts, plan.dimensions) for plan, parts in names)


@dataclass(frozen=True)
class Pace:
    """Seconds a FLOP."""

    per_flop: float

    @staticmethod
    def of(seconds: float, plans: Sequence[ChildPlan], rounds: Rounds, validation: int) -> "Pace":
        """Return the pace of a generation that took so long; validation is the examples of each."""
        return Pace(seconds / _flops(plans, rounds, validation))

    def seconds(self, plans: Sequence[ChildPlan], rounds: Rounds, validation: int) -> float:
        """Return how long a generation takes."""
        return self.per_flop * _flops(plans, rounds, validation)

    def fitting(
        self, plans: Sequence[ChildPlan], rounds: Rounds, validation: int, seconds: float, least: float
    ) -> Rounds | None:
        """Return the rounds that fit into a time, at most those given; None where they are less than a part of them.

        As many as fit are kept as long as they are but the last few steps, which all of them go without, so that no
        time is left unused.

        Args:
            plans: the children.
            rounds: what the method says.
            validation: the examples of each validation.
            seconds: the time.
            least: the part of all steps that is worth a training, 0 to 1; one step at least is.
        """
        step = self.per_flop * sum(training_flops(plan, rounds.batch) for plan in plans)
        measuring = self.per_flop * validation_flops(plans, validation)
        most = min(rounds.count, 1 + int(max(seconds, 0) / (rounds.steps * step + measuring)))
        for count in range(most, 0, -1):
            steps = min(rounds.steps, int((seconds / count - measuring) / step))
            if steps >= 1:
                enough = count * steps >= least * rounds.count * rounds.steps
                return Rounds(count, steps, rounds.batch) if enough else None
        return None


def _flops(plans: Sequence[ChildPlan], rounds: Rounds, validation: int) -> int:
    training = sum(training_flops(plan, rounds.examples) for plan in plans)
    return training + rounds.count * validation_flops(plans, validation)


def validated(method: Method, task: Task) -> int:
    """Return how many examples a validation is on."""
    return min(method.budget.validation_examples, task.splits["validation"])


class _Stopwatch(Progress):
    """Notes when each step was over, and hands the rest on."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self._progress, self._clock = progress, clock
        self.times: list[float] = []

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Progress."""
        if what == "training":
            self.times.append(self._clock())
        else:
            self._progress.advanced(what, done, total)


def trial(
    engine: Engine,
    task: Task,
    state: State,
    plans: Sequence[ChildPlan],
    progress: Progress,
    clock: Clock = time.monotonic,
) -> Pace | None:
    """Measure the pace by a few steps of the largest of some children; None where it cannot be trained.

    Nothing of it is kept.
    """
    largest = max(plans, key=lambda plan: training_flops(plan, 1))
    rounds = Rounds(1, TRIAL_STEPS, Rounds.of(state.method, task.splits["train"]).batch)
    budget = state.method.budget.model_copy(update={"validation_examples": rounds.batch})
    method = state.method.model_copy(update={"budget": budget})
    watch = _Stopwatch(progress, clock)
    key = (*state.key, "trial")
    (trained,) = engine.train(Generation(task, method, key, (largest,), (0,), rounds, keep=False), watch)
    if trained.failure == "failed" or trained.failure == "out-of-memory":
        return None
    if len(watch.times) == TRIAL_STEPS:
        step = max(watch.times[1] - watch.times[0], _TICK)
        return Pace(step / training_flops(largest, rounds.batch))
    return Pace.of(
        max(trained.seconds, _TICK), (largest,), rounds, validated(method, task)
    )  # steps were not told of one by one
