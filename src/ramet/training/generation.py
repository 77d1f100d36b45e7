"""Trains the children of a generation side by side on one stream of batches.

A batch is read, augmented and moved to the device once for all children; what several children hold frozen from the
input on is computed once for all of them; a child that fails drops out and the others go on as if it had not been
there. Each child comes out as it would have done alone, bit for bit on a CPU.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ramet.base.randomness import Key
from ramet.method.document.schema import Method, Training
from ramet.method.plan import ChildPlan, Rounds
from ramet.runtime.device import is_out_of_memory, precision
from ramet.runtime.grouping import run_shared
from ramet.runtime.inference import accuracies
from ramet.runtime.loader import Examples, Indices, examples, sample_subset, stream
from ramet.runtime.resident import Load
from ramet.runtime.workers import Workers
from ramet.tasks.data import Split
from ramet.training.assemble import assemble
from ramet.training.augmentation import augmented
from ramet.training.learner import Failure, Learner

Report = Callable[[int, int, Sequence[float]], None]
"""Told now and then: steps done, steps in all, the best quality so far of each child (NaN before the first)."""


@dataclass(frozen=True)
class TrainedChild:
    """What training made of a plan.

    tensors and momentum are those of the best checkpoint's trainable components, in main memory; both are empty where
    the child failed. curve is the validation accuracy after each round, seconds its share of the wall time.
    """

    plan: ChildPlan
    failure: Failure | None
    curve: tuple[float, ...]
    tensors: Mapping[str, Mapping[str, Tensor]]
    momentum: Mapping[str, Mapping[str, Tensor]]
    examples: int
    seconds: float

    @property
    def quality(self) -> float:
        """The best validation accuracy, NaN where there is none."""
        return max(self.curve) if self.curve and not self.failure else math.nan


def train_generation(
    plans: Sequence[ChildPlan],
    method: Method,
    splits: Mapping[str, Split],
    load: Load,
    key: Key,
    device: torch.device,
    report: Report | None = None,
    numbers: Sequence[int] | None = None,
) -> list[TrainedChild]:
    """Train planned children side by side; they must agree on their data.* hyperparameters.

    Args:
        plans: the children.
        method: the budget, batch size and training settings.
        splits: the task's train and validation splits; validation is on a fixed choice of its examples.
        load: the store's reader.
        key: keys the order of examples, their augmentation and the initial values of new components.
        device: where to train.
        report: told of progress after every step and validation.
        numbers: the children's numbers in the generation (default 0, 1, ...), which key their new components.
    """
    train = examples(splits["train"], device)
    limit, count = method.budget.validation_examples, len(splits["validation"].labels)
    validation = examples(splits["validation"], device, sample_subset(count, limit, (plans[0].task, "validation")))
    rounds = Rounds.of(method, len(train))
    learners = _make_learners(plans, method, rounds, load, key, device, numbers or range(len(plans)))
    draws = stream(len(train), rounds.batch, (*key, "examples"))
    total = rounds.count * rounds.steps
    with Workers(method.budget.generation, device) as workers:
        for step in range(1, total + 1):
            _train_step(_alive(learners), train, next(draws), method.training, key, workers)
            if step % rounds.steps == 0:
                _validate(_alive(learners), validation, workers)
            if report:
                report(step, total, _best(learners))
    return [_result(plan, learner, rounds.batch) for plan, learner in zip(plans, learners, strict=True)]


def _make_learners(
    plans: Sequence[ChildPlan],
    method: Method,
    rounds: Rounds,
    load: Load,
    key: Key,
    device: torch.device,
    numbers: Sequence[int],
) -> list[Learner | None]:
    frozen: dict[str, Mapping[str, Tensor]] = {}
    total = rounds.count * rounds.steps

    def make(plan: ChildPlan, number: int) -> Learner | None:
        try:
            return Learner(plan, assemble(plan, load, (*key, "new", number), device, frozen), method.training, total)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None

    return [make(plan, number) for number, plan in zip(numbers, plans, strict=True)]


def _alive(learners: Sequence[Learner | None]) -> list[Learner]:
    return [learner for learner in learners if learner and not learner.failure]


def _train_step(
    learners: Sequence[Learner], train: Examples, draws: Indices, settings: Training, key: Key, workers: Workers
) -> None:
    if not learners:
        return
    hyper = learners[0].plan.hyperparameters
    with _timed(learners):
        images, labels = train.take(draws % len(train))
        x = augmented(images, settings.augmentations, hyper, key, draws)

        def step(entered: tuple[Learner, Tensor]) -> None:
            learner, y = entered
            try:
                with precision(train.device):
                    learner.step(y, labels)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                learner.give_up("out-of-memory")

        with precision(train.device):
            workers.each(run_shared(learners, x), step)


def _validate(learners: Sequence[Learner], validation: Examples, workers: Workers) -> None:
    if not learners:
        return
    with _timed(learners):
        for learner, quality in zip(learners, _measured(learners, validation, workers), strict=True):
            if quality is None:
                learner.give_up("out-of-memory")
            else:
                learner.validated(quality)


def _measured(learners: Sequence[Learner], validation: Examples, workers: Workers) -> list[float | None]:
    """The children's accuracies; where memory does not do for all at once, each by itself: None if that fails too."""
    size = int(learners[0].plan.hyperparameters["data.image_size"])
    try:
        return [*accuracies(learners, validation, size, workers)]
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    if len(learners) == 1:
        return [None]
    return [quality for learner in learners for quality in _measured([learner], validation, workers)]


@contextmanager
def _timed(learners: Sequence[Learner]) -> Iterator[None]:
    """Each child has an even share of the time that the block takes."""
    began = time.perf_counter()
    yield
    spent = time.perf_counter() - began
    for learner in learners:
        learner.seconds += spent / len(learners)


def _best(learners: Sequence[Learner | None]) -> list[float]:
    return [max(learner.curve, default=math.nan) if learner else math.nan for learner in learners]


def _result(plan: ChildPlan, learner: Learner | None, batch: int) -> TrainedChild:
    if learner is None:
        return TrainedChild(plan, "out-of-memory", (), {}, {}, 0, 0.0)
    learner.release()
    return TrainedChild(
        plan=plan,
        failure=learner.failure,
        curve=tuple(learner.curve),
        tensors=learner.best,
        momentum=learner.best_momentum,
        examples=learner.steps * batch,
        seconds=learner.seconds,
    )
