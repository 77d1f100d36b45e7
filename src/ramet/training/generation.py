"""Trains the children of a generation side by side on one stream of batches.

A batch is read, augmented and moved to the device once for all children; what several children hold frozen from the
input on is computed once for all of them; a child that fails drops out and the others go on as if it had not been
there. Each child comes out as it would have done alone, bit for bit on a CPU.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from ramet.base.progress import QUIET, Progress
from ramet.base.randomness import Key
from ramet.base.records import content_id
from ramet.method.document.schema import Method
from ramet.method.plan import ChildPlan, Rounds
from ramet.runtime.device import MicroBatch, is_out_of_memory, precision
from ramet.runtime.grouping import begin, run_shared
from ramet.runtime.inference import qualities
from ramet.runtime.loader import Examples, Indices, examples, sample_subset, stream
from ramet.runtime.objective import ONE_CLASS
from ramet.runtime.resident import Load, Resident
from ramet.runtime.siblings import Siblings
from ramet.tasks.data import Split
from ramet.training import checkpoint as checkpoints
from ramet.training.assemble import assemble
from ramet.training.augmentation import augmented
from ramet.training.learner import Failure, Learner, failure_of


@dataclass(frozen=True)
class TrainedChild:
    """The outcome of training a plan.

    tensors and momentum are those of the best checkpoint's trainable components, in main memory; both are empty where
    the child failed, and error is the traceback where it raised. curve is the validation quality after each round,
    seconds its share of the wall time.
    """

    plan: ChildPlan
    failure: Failure | None
    curve: tuple[float, ...]
    tensors: Mapping[str, Mapping[str, Tensor]]
    momentum: Mapping[str, Mapping[str, Tensor]]
    examples: int
    seconds: float
    error: str = ""

    @property
    def quality(self) -> float:
        """Return the best validation quality, NaN where there is none."""
        return max(self.curve) if self.curve and not self.failure else math.nan


def train_generation(
    plans: Sequence[ChildPlan],
    method: Method,
    splits: Mapping[str, Split],
    load: Load,
    key: Key,
    device: torch.device,
    *,
    numbers: Sequence[int],
    rounds: Rounds,
    progress: Progress = QUIET,
    checkpoint: Path | None = None,
    at_once: int | None = None,
) -> list[TrainedChild]:
    """Train planned children side by side; they must agree on their data.* hyperparameters.

    Args:
        plans: the children.
        method: the training settings, and how many examples validate.
        splits: the task's train and validation splits; validation is on a fixed choice of its examples.
        load: the store's reader.
        key: keys the order of examples, their augmentation and the initial values of new components.
        device: where to train.
        numbers: the children's numbers in the generation, which key their new components.
        rounds: how much to train.
        progress: told of every step of the "training", and of the validations of "child N" that are its best so far.
        checkpoint: a folder for the state at the last validation; the same call with the same folder goes on from it.
            Its removal, once the result is on record, is the caller's.
        at_once: how many children are trained at the same time; by default as many as there are cores for.

    Raises:
        RametError: an object is missing, a part of the method fails, or the checkpoint cannot be written.
    """
    task = plans[0].task
    train = examples(splits["train"], device)
    limit, count = method.budget.validation_examples, len(splits["validation"].labels)
    validation = examples(splits["validation"], device, sample_subset(count, limit, (task, "validation")))
    results = _make_learners(plans, method, rounds, Resident(load, device), (*key, "new"), numbers)
    learners = [made if isinstance(made, Learner) else None for made in results]
    call = call_id(plans, method, key, numbers, rounds) if checkpoint else ""
    done, rows = checkpoints.resume(checkpoint, call, learners) if checkpoint else (0, None)
    micro = MicroBatch(rows)
    draws = stream(len(train), rounds.batch, (*key, "examples"))
    total = rounds.count * rounds.steps
    hyper = plans[0].hyperparameters

    def prepare(draws: Indices) -> tuple[Tensor, Tensor, int]:
        images, labels = train.take(draws % len(train))
        x = augmented(images, method.training.augmentations, hyper, key, draws)
        with precision(device):
            return labels, *begin(_alive(learners), x, micro)

    with Siblings(device, at_once) as siblings:
        batches = siblings.ahead(islice(draws, done * rounds.steps, total), prepare)
        for step in range(done * rounds.steps + 1, total + 1):
            with _timed(_alive(learners)):
                labels, x, depth = next(batches)
                _train_step(_alive(learners), labels, siblings, x, micro, depth)
            if step % rounds.steps == 0:
                _validate(_alive(learners), validation, siblings)
                _tell(learners, numbers, progress)
                if checkpoint and step < total:
                    checkpoints.write(checkpoint, call, step // rounds.steps, learners, micro.rows)
            progress.advanced("training", step, total)
    return [_result(made, rounds.batch) if isinstance(made, Learner) else made for made in results]


def call_id(plans: Sequence[ChildPlan], method: Method, key: Key, numbers: Sequence[int], rounds: Rounds) -> str:
    """Return what names all that a training follows from, but for the data: its state is no other's."""
    made = [(plan.parent.id, plan.task, plan.classes, plan.parts, plan.hyperparameters) for plan in plans]
    return content_id([key, method.fingerprint, list(numbers), rounds, made])


def _make_learners(
    plans: Sequence[ChildPlan],
    method: Method,
    rounds: Rounds,
    components: Resident,
    key: Key,
    numbers: Sequence[int],
) -> list[Learner | TrainedChild]:
    """Return the children ready to be trained; of one that cannot be assembled, its failure."""

    def make(plan: ChildPlan, number: int) -> Learner | TrainedChild:
        try:
            assembled = assemble(plan, components, (*key, number))
            return Learner(plan, assembled, method.training, rounds.count * rounds.steps, ONE_CLASS)
        except Exception as error:
            failure, said = failure_of(error)
            return TrainedChild(plan, failure, (), {}, {}, 0, 0.0, said)

    return [make(plan, number) for number, plan in zip(numbers, plans, strict=True)]


def _alive(learners: Sequence[Learner | None]) -> list[Learner]:
    return [learner for learner in learners if learner and not learner.failure]


def _train_step(
    learners: Sequence[Learner], labels: Tensor, siblings: Siblings, x: Tensor, micro: MicroBatch, depth: int
) -> None:
    def feed(entered: tuple[Learner, slice, Tensor]) -> None:
        learner, rows, y = entered
        if learner.failure:  # of an earlier piece of this batch
            return
        try:
            with precision(x.device):
                learner.feed(y, labels[rows], len(labels))
        except Exception as error:
            learner.struck(error)

    try:
        with precision(x.device):
            siblings.each(run_shared(learners, x, micro, depth), feed)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        for learner in _alive(learners):  # not even one image goes through what they share
            learner.struck(error)


def _validate(learners: Sequence[Learner], validation: Examples, siblings: Siblings) -> None:
    if not learners:
        return
    size = int(learners[0].plan.hyperparameters["data.image_size"])
    with _timed(learners):
        for learner, quality in zip(learners, qualities(learners, validation, size, siblings), strict=True):
            if quality is None:
                learner.give_up("out-of-memory")
            else:
                learner.validated(quality)


def _tell(learners: Sequence[Learner | None], numbers: Sequence[int], progress: Progress) -> None:
    for number, learner in zip(numbers, learners, strict=True):
        if learner and not learner.failure and learner.curve[-1] == max(learner.curve):
            progress.measured(f"child {number}", learner.curve[-1])


@contextmanager
def _timed(learners: Sequence[Learner]) -> Iterator[None]:
    """Give each child an even share of the time that the block takes."""
    began = time.perf_counter()
    yield
    spent = time.perf_counter() - began
    for learner in learners:
        learner.seconds += spent / len(learners)


def _result(learner: Learner, batch: int) -> TrainedChild:
    learner.release()
    return TrainedChild(
        plan=learner.plan,
        failure=learner.failure,
        curve=tuple(learner.curve),
        tensors=learner.best,
        momentum=learner.best_momentum,
        examples=learner.steps * batch,
        seconds=learner.seconds,
        error=learner.error,
    )
