"""A component kind and its mutation: tokens are scaled and shifted after a block (SSF, Lian et al. 2022, 2210.08823).

A block stays shared and frozen, and the child trains 2 d parameters after it. One that is inserted scales by 1 and
shifts by 0, so it leaves the path's outputs as they were. It cannot become part of its block's weights, since it scales
what the block passes on as well as what it adds: a path with one is no root. This file is all there is of it.
"""

from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture
from ramet.method.mutation import Insertion
from ramet.method.parts import register
from ramet.vit import kinds

if TYPE_CHECKING:
    from torch import Tensor


@kinds.register("ssf")
class Ssf(kinds.Kind):
    """A scale and a shift of every token by channel; no matrix product, and so no FLOPs."""

    place: ClassVar[kinds.Place] = "after"

    def shapes(self, architecture: Architecture, dimensions: kinds.Dimensions) -> kinds.Shapes:
        """Return the shapes of the scale and the shift."""
        return {"weight": (architecture.width,), "bias": (architecture.width,)}

    def run(self, tensors: kinds.Tensors, x: "Tensor", within: kinds.Within) -> "Tensor":
        """Return the tokens scaled and shifted."""
        return x * tensors["weight"] + tensors["bias"]


@register("mutation", "ssf")
class InsertSsf(Insertion):
    """Scales and shifts are inserted after blocks that have none."""

    inserts: ClassVar[str] = "ssf"
