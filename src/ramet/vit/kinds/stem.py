"""The stem: a linear map of every patch, the class token in front, positions added."""

from math import isqrt, prod, sqrt
from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture
from ramet.vit.kinds.kind import Dimensions, Kind, Place, Shape, Shapes, Tensors, Within, register

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor


def tokens(architecture: Architecture, image_size: int) -> int:
    """Return the number of tokens of one image, the class token included."""
    return (image_size // architecture.patch_size) ** 2 + 1


@register("patch_embed")
class PatchEmbed(Kind):
    """A linear map of every patch; pixels right of and below the last whole patch are not read."""

    place: ClassVar[Place] = "stem"
    products: ClassVar[tuple[str, ...]] = ("weight", "bias")

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        """Return those of a convolution whose stride is its size, as checkpoints have it."""
        d, p = architecture.width, architecture.patch_size
        return {"weight": (d, 3, p, p), "bias": (d,)}

    def flops(self, architecture: Architecture, dimensions: Dimensions) -> int:
        patches = tokens(architecture, dimensions.image_size) - 1
        return 2 * patches * 3 * architecture.patch_size**2 * architecture.width

    def draw(self, rng: "np.random.Generator", key: str, shape: Shape) -> "npt.NDArray[np.float32]":
        import numpy as np

        if key != "weight":
            return super().draw(rng, key, shape)
        return rng.standard_normal(shape, dtype=np.float32) / np.float32(sqrt(prod(shape[1:])))

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        import torch.nn.functional as F

        b, c, h, w = x.shape
        p = within.architecture.patch_size
        rows, columns = h // p, w // p
        patches = x[:, :, : rows * p, : columns * p].reshape(b, c, rows, p, columns, p).permute(0, 2, 4, 1, 3, 5)
        return F.linear(patches.reshape(b, rows * columns, c * p * p), tensors["weight"].flatten(1), tensors["bias"])


@register("cls_token")
class ClsToken(Kind):
    """A token in front of the patches', from which the head may read."""

    place: ClassVar[Place] = "stem"

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        return {"value": (1, 1, architecture.width)}

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        import torch

        return torch.cat([tensors["value"].to(x.dtype).expand(len(x), -1, -1), x], dim=1)


@register("pos_embed")
class PosEmbed(Kind):
    """The vector added to each token for its position; at another image size it is resampled, and trained."""

    place: ClassVar[Place] = "stem"
    resizes: ClassVar[bool] = True

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        return {"value": (1, tokens(architecture, dimensions.image_size), architecture.width)}

    def draw(self, rng: "np.random.Generator", key: str, shape: Shape) -> "npt.NDArray[np.float32]":
        import numpy as np

        return np.float32(0.02) * rng.standard_normal(shape, dtype=np.float32)

    def resized(self, tensors: Tensors, architecture: Architecture, dimensions: Dimensions) -> Tensors:
        return {"value": resample_pos_embed(tensors["value"], dimensions.image_size, architecture.patch_size)}

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        return x + tensors["value"]


def resample_pos_embed(value_1LD: "Tensor", image_size: int, patch_size: int) -> "Tensor":
    """Return the position embedding (1, 1 + m, d) of another image size, from that of a square grid of n patches.

    Bicubic in two dimensions, the class token's row kept. A grid that shrinks is smoothed first (as timm does), so that
    no position is passed over.
    """
    import torch
    import torch.nn.functional as F

    rows, side = isqrt(value_1LD.shape[1] - 1), image_size // patch_size
    if rows == side:
        return value_1LD
    grid = value_1LD[:, 1:].reshape(1, rows, rows, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False, antialias=side < rows)
    return torch.cat([value_1LD[:, :1], grid.flatten(2).transpose(1, 2)], dim=1).contiguous()
