"""A residual adapter before a block: LayerNorm, down, GELU, up (METHOD section 4)."""

from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture
from ramet.vit.kinds.kind import Dimensions, Kind, Place, Shapes, Tensors, Within, register
from ramet.vit.kinds.stem import tokens

if TYPE_CHECKING:
    from torch import Tensor


@register("adapter")
class Adapter(Kind):
    """A narrow perceptron of the normed tokens, added before a block (METHOD section 4); a new one adds nothing yet."""

    place: ClassVar[Place] = "before"
    sized_by: ClassVar[str | None] = "adapter_width"
    silent: ClassVar[tuple[str, ...]] = ("up.",)
    products: ClassVar[tuple[str, ...]] = ("down.", "up.")

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        d, a = architecture.width, dimensions["adapter_width"]
        return {
            "norm.weight": (d,), "norm.bias": (d,),
            "down.weight": (a, d), "down.bias": (a,),
            "up.weight": (d, a), "up.bias": (d,),
        }  # fmt: skip

    def flops(self, architecture: Architecture, dimensions: Dimensions) -> int:
        return 2 * tokens(architecture, dimensions.image_size) * 2 * architecture.width * dimensions["adapter_width"]

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        import torch.nn.functional as F

        eps = within.architecture.layer_norm_eps
        y = F.layer_norm(x, (x.shape[-1],), tensors["norm.weight"], tensors["norm.bias"], eps)
        y = F.gelu(F.linear(y, tensors["down.weight"], tensors["down.bias"]))
        return x + F.linear(y, tensors["up.weight"], tensors["up.bias"])
