"""What a child will be, planned from records alone: the components it keeps, clones or makes new; its hyperparameters.

`training/` carries a plan out; nothing here holds or needs a tensor.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ramet.base.records import Component, Path, Value
from ramet.vit import spec
from ramet.vit.kinds.kind import Dimensions

if TYPE_CHECKING:
    from ramet.method.document.schema import Method


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a child.

    origin None is a new component, always trainable (and zero-initialised where METHOD section 4 says so). An origin
    that is trainable is cloned, one that is not is shared as it is. A pos_embed whose origin has another size is
    resampled, and trainable.
    """

    name: str
    origin: Component | None
    trainable: bool


@dataclass(frozen=True, slots=True)
class DataPlan:
    """What all children of a generation share: data hyperparameters, their entries of the µ table, mutations drawn."""

    hyperparameters: Mapping[str, Value]
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
    parts: tuple[Part, ...]
    hyperparameters: Mapping[str, Value]
    mu: Mapping[str, float]
    mutations: tuple[str, ...]

    @property
    def dimensions(self) -> Dimensions:
        """Return what sizes its components beside the architecture."""
        return spec.dimensions(self.hyperparameters, self.classes)


@dataclass(frozen=True, slots=True)
class Rounds:
    """How much a generation trains: rounds of steps, each followed by a validation (METHOD section 5)."""

    count: int
    steps: int
    batch: int

    @staticmethod
    def of(method: "Method", train_examples: int) -> "Rounds":
        """Return a method's rounds: each sees at most examples_per_validation examples, or one epoch if that is less.

        The last batch of an epoch is full.
        """
        budget = method.budget
        batch = min(method.batch, train_examples)
        steps = min(budget.examples_per_validation // batch, math.ceil(train_examples / batch))
        return Rounds(budget.validations, max(1, steps), batch)
