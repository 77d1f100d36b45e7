"""The final norm, of the class token or of the patch tokens' mean."""

from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture
from ramet.vit.kinds.kind import Dimensions, Kind, Place, Shapes, Tensors, Within, register

if TYPE_CHECKING:
    from torch import Tensor


@register("norm")
class Norm(Kind):
    """A LayerNorm before the head, which pools the tokens as the architecture says."""

    place: ClassVar[Place] = "readout"

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        return {"weight": (architecture.width,), "bias": (architecture.width,)}

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        import torch.nn.functional as F

        reads_cls = within.architecture.pool == "cls"
        x = x[:, 0] if reads_cls else x[:, 1:]
        y = F.layer_norm(x, x.shape[-1:], tensors["weight"], tensors["bias"], within.architecture.layer_norm_eps)
        return y if reads_cls else y.mean(dim=1)
