"""What a child will be, planned from records alone: the components it keeps, clones or makes new; its hyperparameters.

`training/` carries a plan out; nothing here holds or needs a tensor.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ramet.base.records import Component, Path, Value
from ramet.method.document.hyperparameters import Number
from ramet.method.document.schema import Method
from ramet.vit import spec
from ramet.vit.kinds import Dimensions


@dataclass(frozen=True, slots=True)
class Planned:
    """One component of a child, as it is planned.

    origin None is a new component, always trainable (and zero-initialised where METHOD section 4 says so). An origin
    that is trainable is cloned, one that is not is shared as it is. A pos_embed whose origin has another size is
    resampled, and trainable.
    """

    name: str
    origin: Component | None
    trainable: bool


@dataclass(frozen=True, slots=True)
class DataPlan:
    """The data hyperparameters that all children of a generation share, their entries of the µ table, mutations."""

    hyperparameters: Mapping[str, Number]
    mu: Mapping[str, float] = field(default_factory=dict)
    mutations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A child to train: its parts in the order the input meets them.

    mutations names the actions that were drawn and changed something: `hp:opt.lr`, `clone:block.2`, `add:adapter.0`.
    """

    parent: Path
    task: str
    classes: int
    parts: tuple[Planned, ...]
    hyperparameters: Mapping[str, Value]
    mu: Mapping[str, float]
    mutations: tuple[str, ...]

    @property
    def dimensions(self) -> Dimensions:
        """Return what sizes its components beside the architecture."""
        return spec.dimensions(self.hyperparameters, self.classes)


ROUNDS = 12
"""The most validations of a child that is planned by its task: each costs as much as some steps."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """The amount that a generation trains: rounds of steps, each followed by a validation (METHOD section 5)."""

    count: int
    steps: int
    batch: int

    @staticmethod
    def of(method: Method, train_examples: int) -> "Rounds":
        """Return a method's rounds for so many training examples.

        A round sees at most examples_per_validation examples, or one epoch (its last batch full) if that is less. Where
        budget.epochs is given, the rounds are ROUNDS at most, which see as many examples, or that many epochs if that
        is less.
        """
        budget = method.budget
        batch = min(method.batch, train_examples)
        if budget.epochs is not None:
            examples = min(budget.validations * budget.examples_per_validation, budget.epochs * train_examples)
            count = min(budget.validations, ROUNDS)
            return Rounds(count, max(1, round(examples / count / batch)), batch)
        steps = min(budget.examples_per_validation // batch, math.ceil(train_examples / batch))
        return Rounds(budget.validations, max(1, steps), batch)

    @property
    def examples(self) -> int:
        """Return how many examples a child is trained on."""
        return self.count * self.steps * self.batch


Failure = Literal["diverged", "out-of-memory", "failed"]
"""Why a child has no checkpoint: its loss is no number, no micro-batch fits, or its training raised."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of a plan, as an engine tells it: names of objects and measurements, never tensors.

    number is the child's in its generation. digests names, of every trainable component of the best checkpoint, the
    objects of its tensors and of its momentum; it is empty where the child failed, and error then its traceback. curve
    is the validation accuracy after each round, examples what it was trained on, seconds its share of the wall time.
    """

    number: int
    failure: Failure | None
    curve: tuple[float, ...]
    digests: Mapping[str, tuple[str, str]]
    examples: int
    seconds: float
    error: str = ""

    @property
    def quality(self) -> float:
        """Return the best validation accuracy, NaN where there is none."""
        return max(self.curve) if self.curve and not self.failure else math.nan


def training_flops(plan: ChildPlan, examples: int) -> int:
    """Return the FLOPs of training a child alone on so many examples, without validations.

    The forward pass runs once; the gradient of the activations runs through every component above the lowest trainable
    one, and the gradient of the weights through every trainable component, each at the cost of a forward pass.
    """
    total, above = 0, False
    for part in plan.parts:
        flops = spec.component_flops(plan.parent.architecture, part.name, plan.dimensions)
        total += flops * (1 + above + part.trainable)
        above = above or part.trainable
    return total * examples
