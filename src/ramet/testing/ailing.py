"""Parts that ail, by which the suite of engines sees what becomes of a child that raises or finds no memory.

They are told what to do by hyperparameters, so that they do the same in whatever process they are.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture, Value
from ramet.method.parts import register
from ramet.method.schedule import Cosine
from ramet.vit import kinds

if TYPE_CHECKING:
    from torch import Tensor

ILL = 0.5
"""The learning rate of a child that raises."""

ROWS = "opt.rows"
"""How many images at once a child with a greedy component finds memory for."""


@register("schedule", "brittle")
class Brittle(Cosine):
    """Fails for a child of one rate."""

    def factor(self, step: int, total: int, hyperparameters: Mapping[str, Value], start: float) -> float:
        """Return the rate of the cosine.

        Raises:
            ArithmeticError: the child is ill.
        """
        if hyperparameters["opt.lr"] == ILL:
            raise ArithmeticError("no rate for this child")
        return super().factor(step, total, hyperparameters, start)


@kinds.register("greedy")
class Greedy(kinds.Kind):
    """Scales tokens after a block; in training, more images at once than `opt.rows` need memory that is not there."""

    place: ClassVar[kinds.Place] = "after"
    sized_by: ClassVar[str | None] = ROWS

    def shapes(self, architecture: Architecture, dimensions: kinds.Dimensions) -> kinds.Shapes:
        """Return the shape of the scale, and of one that says by its length how many images fit."""
        return {"weight": (architecture.width,), "fit.weight": (dimensions[ROWS],)}

    def run(self, tensors: kinds.Tensors, x: "Tensor", within: kinds.Within) -> "Tensor":
        """Return the tokens scaled.

        Raises:
            torch.OutOfMemoryError: there are too many.
        """
        import torch

        if torch.is_grad_enabled() and len(x) > len(tensors["fit.weight"]):
            raise torch.OutOfMemoryError(f"no memory for {len(x)} images")
        return x * tensors["weight"]
