"""Trains the children of a generation side by side on one stream of batches.

A batch is read, augmented and moved to the device once for all children; what several children hold frozen from the
input on is computed once for all of them, and what all share already while they train on the batch before. A child
that fails drops out and the others go on as if it had not been there. Each child comes out as it would have done alone,
bit for bit on a CPU.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ramet.base.progress import QUIET, Progress
from ramet.base.randomness import Key, uniforms
from ramet.base.records import Value, content_id
from ramet.method.document.schema import Method
from ramet.method.parts import Part, refuse, working
from ramet.method.plan import ChildPlan, Rounds
from ramet.method.protocols import Augmentation
from ramet.runtime.device import MicroBatch, Siblings, computes_in_bf16, is_out_of_memory, precision
from ramet.runtime.inference import EVALUATION_BATCH, qualities
from ramet.runtime.loader import Examples, Indices, examples, sample_subset, stream
from ramet.runtime.program import Load, Program, Resident, begin, run_shared
from ramet.tasks.augment import augment, batch_images
from ramet.tasks.data import Split
from ramet.training.closed_form import closed_form
from ramet.training.learner import Failure, Learner, failure_of, resume, write_state

SOLVED = 20_000
"""The most examples that a head in closed form is for."""


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
    low = computes_in_bf16(device, on_cpus=method.training.precision == "bfloat16")
    total, components = rounds.count * rounds.steps, Resident(load, device, low)

    def make(plan: ChildPlan, number: int) -> Learner | TrainedChild:
        try:
            return Learner(plan, components, (*key, "new", number), method.training, total)
        except Exception as error:
            failure, said = failure_of(error)
            return TrainedChild(plan, failure, (), {}, {}, 0, 0.0, said)

    results = [make(plan, number) for number, plan in zip(numbers, plans, strict=True)]
    learners = [made if isinstance(made, Learner) else None for made in results]

    def alive() -> list[Learner]:
        return [learner for learner in learners if learner and not learner.failure]

    call = call_id(plans, method, key, numbers, rounds) if checkpoint else ""
    done, rows = resume(checkpoint, call, learners) if checkpoint else (0, None)
    micro = MicroBatch(rows)
    if method.training.head == "closed-form" and not done:
        for child in alive():
            _solve_head(child, train, low, (task, "head"))

    def prepare(draws: Indices) -> tuple[Tensor, Tensor, int]:
        if not alive():
            return torch.empty(0), torch.empty(0), 0
        images, labels = train.take(draws % len(train))
        x = augmented(images, method.training.augmentations, plans[0].hyperparameters, key, draws)
        with precision(device, low):
            return labels, *begin([learner.program for learner in alive()], x, micro)

    draws = islice(stream(len(train), rounds.batch, (*key, "examples")), done * rounds.steps, total)
    with Siblings(device, at_once) as siblings:
        batches = siblings.ahead(draws, prepare)
        for step in range(done * rounds.steps + 1, total + 1):
            with _timed(alive()):
                labels, x, depth = next(batches)
                _train_step(alive(), labels, siblings, x, micro, depth, low)
            if step % rounds.steps == 0:
                _validate(alive(), validation, siblings, low)
                for number, learner in zip(numbers, learners, strict=True):
                    if learner and not learner.failure and learner.curve[-1] == max(learner.curve):
                        progress.measured(f"child {number}", learner.curve[-1])
                if checkpoint and step < total:
                    write_state(checkpoint, call, step // rounds.steps, learners, micro.rows)
            progress.advanced("training", step, total)
    return [_result(made, rounds.batch) if isinstance(made, Learner) else made for made in results]


def call_id(plans: Sequence[ChildPlan], method: Method, key: Key, numbers: Sequence[int], rounds: Rounds) -> str:
    """Return what names all that a training follows from, but for the data: its state is no other's."""
    made = [(plan.parent.id, plan.task, plan.classes, plan.parts, plan.hyperparameters) for plan in plans]
    return content_id([key, method.fingerprint, list(numbers), rounds, made])


def _train_step(
    learners: Sequence[Learner],
    labels: Tensor,
    siblings: Siblings,
    x: Tensor,
    micro: MicroBatch,
    depth: int,
    low: bool,
) -> None:
    """Let children learn from a batch, given as activations after so many stages that all of them share."""
    of = {learner.program: learner for learner in learners}

    def feed(entered: tuple[Program, slice, Tensor]) -> None:
        program, rows, y = entered
        learner = of[program]
        if learner.failure:  # of an earlier piece of this batch
            return
        try:
            with precision(x.device, low):
                learner.feed(y, labels[rows], len(labels))
        except Exception as error:
            learner.struck(error)

    try:
        with precision(x.device, low):
            siblings.each(run_shared([*of], x, micro, depth), feed)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        for learner in learners:  # not even one image goes through what they share
            if not learner.failure:
                learner.struck(error)


def _validate(learners: Sequence[Learner], validation: Examples, siblings: Siblings, low: bool) -> None:
    if not learners:
        return
    size = int(learners[0].plan.hyperparameters["data.image_size"])
    with _timed(learners):
        found = qualities([learner.program for learner in learners], validation, size, siblings, low=low)
        for learner, quality in zip(learners, found, strict=True):
            if quality is None:
                learner.give_up("out-of-memory")
            else:
                learner.validated(quality)


def _solve_head(learner: Learner, train: Examples, low: bool, key: Key) -> None:
    """Begin a new head with the closed form for the child's features as they are now, of at most SOLVED examples."""
    if not learner.has_new_head:
        return
    chosen = sample_subset(len(train), SOLVED, key)
    order = np.arange(len(train)) if chosen is None else chosen
    size, features, known = int(learner.plan.hyperparameters["data.image_size"]), [], []
    try:
        with _timed([learner]), torch.inference_mode(), precision(train.device, low):
            for start in range(0, len(order), EVALUATION_BATCH):
                images, labels = train.take(order[start : start + EVALUATION_BATCH])
                features.append(learner.program.features(batch_images(images, image_size=size)).cpu())
                known.append(labels.cpu())
        learner.begin_head(closed_form(torch.cat(features), torch.cat(known), learner.plan.classes))
    except Exception as error:
        learner.struck(error)


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
        learner.plan, learner.failure, tuple(learner.curve), learner.best, learner.best_momentum,
        learner.steps * batch, learner.seconds, learner.error,
    )  # fmt: skip


def augmented(
    images_BHWC: Tensor,
    parts: Sequence[Augmentation],
    hyperparameters: Mapping[str, Value],
    key: Key,
    examples: npt.NDArray[np.integer],
) -> Tensor:
    """Return training images x_BCHW in [-1, 1]: ramet's own augmentation, then a method's, in their order.

    Args:
        images_BHWC: uint8, on any device.
        parts: the method's augmentations.
        hyperparameters: of the generation.
        key: what the draws are for.
        examples: (B,) a number for each image, on which its draws depend.
    """
    brought = {declared.part for part in parts for declared in part.hyperparameters}
    own = {name: value for name, value in hyperparameters.items() if name not in brought}
    size = int(hyperparameters["data.image_size"])
    x_BCHW = augment(images_BHWC, own, key=(*key, "augment"), examples=examples, image_size=size)
    for part in parts:
        assert isinstance(part, Part)
        u_BN = uniforms((*key, "augment", part.part), examples, part.draws)
        x_BCHW = applied(part, x_BCHW.add(1).div(2).clamp(0, 1), u_BN, hyperparameters).mul(2).sub(1)
    return x_BCHW


def applied(
    part: Augmentation, x_BCHW: Tensor, u_BN: npt.NDArray[np.float64], hyperparameters: Mapping[str, Value]
) -> Tensor:
    """Return what a part makes of images from 0 to 1, which it was given a copy of.

    Raises:
        PartError: it fails, or answers with what are no images of the same shape from 0 to 1.
    """
    with working(part), torch.no_grad():
        found = part.apply(x_BCHW.clone(), u_BN, hyperparameters)
    fits = isinstance(found, Tensor) and (found.shape, found.dtype) == (x_BCHW.shape, x_BCHW.dtype)
    if not fits:
        refuse(part, f"{type(found).__name__} {tuple(getattr(found, 'shape', ()))}", f"images {tuple(x_BCHW.shape)}")
    if not bool(((found >= 0) & (found <= 1)).all()):
        refuse(part, "values outside 0 to 1", "finite values from 0 to 1")
    return found
