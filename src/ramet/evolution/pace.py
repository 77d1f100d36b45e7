"""How fast training is here, as measured; what a time limit makes of a generation; what a run will take.

Work is counted in FLOPs. A pace is the seconds that one took lately: in the last generation, or before the first in a
trial of a few steps that are thrown away.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ramet.base.progress import Progress
from ramet.base.records import Task
from ramet.engine.contract import Engine, Generation
from ramet.evolution.observer import Clock
from ramet.method.document.schema import Method
from ramet.method.plan import ChildPlan, Rounds, training_flops
from ramet.method.search import State
from ramet.vit import spec

TRIAL_STEPS = 3
"""The first is slower than the others, and the last is followed by a validation; the one between is measured."""

TRIAL_SHARE = 0.02
"""A trial that would be more than this share of the run tells less than it costs."""

_TICK = 1e-6
"""Seconds: no step is told to be shorter."""


@dataclass(frozen=True)
class Estimate:
    """The time a run takes on this machine, and the children and examples of all its tasks."""

    seconds: float
    children: int
    examples: int

    def children_within(self, seconds: float) -> int:
        """Return about how many children a time limit would buy; at least one, whose training is shortened to fit."""
        return max(1, min(self.children, int(self.children * seconds / self.seconds)))


def validated(method: Method, task: Task) -> int:
    """Return how many examples a validation is on."""
    return min(method.budget.validation_examples, task.splits["validation"])


def validation_flops(plans: Sequence[ChildPlan], examples: int) -> int:
    """Return the FLOPs of measuring children on so many examples."""
    names = ((plan, (part.name for part in plan.parts)) for plan in plans)
    return examples * sum(spec.flops(plan.parent.architecture, parts, plan.dimensions) for plan, parts in names)


def generation_flops(plans: Sequence[ChildPlan], rounds: Rounds, validation: int) -> int:
    """Return the FLOPs of training children and measuring them, on so many examples after each round."""
    training = sum(training_flops(plan, rounds.examples) for plan in plans)
    return training + rounds.count * validation_flops(plans, validation)


def filling(plans: Sequence[ChildPlan], rounds: Rounds, validation: int, pace: float, seconds: float) -> Rounds:
    """Return as many rounds as those given, each as long as a time allows: of one step at least."""
    step = pace * sum(training_flops(plan, rounds.batch) for plan in plans)
    measuring = pace * validation_flops(plans, validation)
    return replace(rounds, steps=max(1, int((seconds / rounds.count - measuring) / step)))


def fitting(
    plans: Sequence[ChildPlan], rounds: Rounds, validation: int, pace: float, seconds: float, least: float
) -> Rounds | None:
    """Return the rounds that fit into a time, at most those given; None where they are less than a part of them.

    As many as fit are kept as long as they are but the last few steps, which all of them go without, so that no time is
    left unused.

    Args:
        plans: the children.
        rounds: what the method says.
        validation: the examples of each validation.
        pace: seconds a FLOP.
        seconds: the time.
        least: the part of all steps that is worth a training, 0 to 1; one step at least is.
    """
    step = pace * sum(training_flops(plan, rounds.batch) for plan in plans)
    measuring = pace * validation_flops(plans, validation)
    most = min(rounds.count, 1 + int(max(seconds, 0) / (rounds.steps * step + measuring)))
    for count in range(most, 0, -1):
        steps = min(rounds.steps, int((seconds / count - measuring) / step))
        if steps >= 1:
            enough = count * steps >= least * rounds.count * rounds.steps
            return Rounds(count, steps, rounds.batch) if enough else None
    return None


class _Stopwatch(Progress):
    """Notes when each step was over, and hands the rest on."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self._progress, self._clock = progress, clock
        self.times: list[float] = []

    def advanced(self, what: str, done: int, total: int) -> None:
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
) -> float | None:
    """Return the pace of a few steps of the largest of some children; None where it cannot be trained.

    Nothing of it is kept.
    """
    largest = max(plans, key=lambda plan: training_flops(plan, 1))
    rounds = Rounds(1, TRIAL_STEPS, Rounds.of(state.method, task.splits["train"]).batch)
    budget = state.method.budget.model_copy(update={"validation_examples": rounds.batch})
    method = state.method.model_copy(update={"budget": budget})
    watch = _Stopwatch(progress, clock)
    key = (*state.key, "trial")
    (trained,) = engine.train(Generation(task, method, key, (largest,), (0,), rounds, keep=False), watch)
    if trained.failure in ("failed", "out-of-memory"):
        return None
    if len(watch.times) == TRIAL_STEPS:
        return max(watch.times[1] - watch.times[0], _TICK) / training_flops(largest, rounds.batch)
    # steps were not told of one by one
    return max(trained.seconds, _TICK) / generation_flops((largest,), rounds, validated(method, task))
