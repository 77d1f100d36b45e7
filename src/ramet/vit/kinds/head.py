"""The head: a linear map from what was read of the tokens to a logit a class, always the task's own."""

from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture
from ramet.vit.kinds.kind import Dimensions, Kind, Place, Shapes, Tensors, Within, register

if TYPE_CHECKING:
    from torch import Tensor


@register("head")
class Head(Kind):
    """A task's linear classifier of what was read of the tokens; a new one gives every class 0."""

    place: ClassVar[Place] = "readout"
    of_task: ClassVar[bool] = True
    silent: ClassVar[tuple[str, ...]] = ("weight", "bias")
    products: ClassVar[tuple[str, ...]] = ("weight", "bias")

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        return {"weight": (dimensions.classes, architecture.width), "bias": (dimensions.classes,)}

    def flops(self, architecture: Architecture, dimensions: Dimensions) -> int:
        return 2 * architecture.width * dimensions.classes

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        import torch.nn.functional as F

        return F.linear(x, tensors["weight"], tensors["bias"])
