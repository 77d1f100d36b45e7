"""The kinds that ramet has: a vision transformer's (arXiv 2010.11929), and what is inserted at its blocks."""

from math import isqrt, prod, sqrt
from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture
from ramet.vit.kinds.kind import Dimensions, Kind, Place, Shape, Shapes, Tensors, Within, register, xavier

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor


def tokens(architecture: Architecture, image_size: int) -> int:
    """Return the number of tokens of one image, the class token included."""
    return (image_size // architecture.patch_size) ** 2 + 1


@register("patch_embed")
class _PatchEmbed(Kind):
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
class _ClsToken(Kind):
    """A token in front of the patches', from which the head may read."""

    place: ClassVar[Place] = "stem"

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        return {"value": (1, 1, architecture.width)}

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        import torch

        return torch.cat([tensors["value"].to(x.dtype).expand(len(x), -1, -1), x], dim=1)


@register("pos_embed")
class _PosEmbed(Kind):
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


@register("adapter")
class _Adapter(Kind):
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


@register("lora")
class _Lora(Kind):
    """A low-rank update of a block's queries and values (Hu et al. 2021, arXiv 2106.09685).

    The block computes as if `up @ down` were added to its weights; a new update adds nothing yet.
    """

    place: ClassVar[Place] = "inside"
    sized_by: ClassVar[str | None] = "lora_rank"
    silent: ClassVar[tuple[str, ...]] = ("q.up.", "v.up.")
    products: ClassVar[tuple[str, ...]] = ("q.", "v.")

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        d, r = architecture.width, dimensions["lora_rank"]
        return {
            "q.down.weight": (r, d), "q.up.weight": (d, r),
            "v.down.weight": (r, d), "v.up.weight": (d, r),
        }  # fmt: skip

    def flops(self, architecture: Architecture, dimensions: Dimensions) -> int:
        return 2 * tokens(architecture, dimensions.image_size) * 4 * architecture.width * dimensions["lora_rank"]

    def attend(
        self, tensors: Tensors, y_BLD: "Tensor", qkv: tuple["Tensor", "Tensor", "Tensor"], within: Within
    ) -> tuple["Tensor", "Tensor", "Tensor"]:
        q, k, v = qkv
        heads = within.architecture.heads
        q = q + _update(tensors, "q", y_BLD[:, : within.outputs], heads)
        return q, k, v + _update(tensors, "v", y_BLD, heads)

    def merged(self, tensors: Tensors, block: Tensors) -> Tensors:
        """Return the block with the updates in its weights; its outputs are those of before but for rounding."""
        import torch

        query, value = (tensors[f"{x}.up.weight"] @ tensors[f"{x}.down.weight"] for x in "qv")
        update = torch.cat([query, torch.zeros_like(query), value])
        return {**block, "attn.qkv.weight": block["attn.qkv.weight"] + update}


def _update(tensors: Tensors, of: str, y_BLD: "Tensor", heads: int) -> "Tensor":
    """Return what is added to the queries (q) or values (v) x_BNLE."""
    import torch.nn.functional as F

    update = F.linear(F.linear(y_BLD, tensors[f"{of}.down.weight"]), tensors[f"{of}.up.weight"])
    return update.view(*update.shape[:2], heads, -1).transpose(1, 2)


@register("block")
class _Block(Kind):
    """Pre-norm attention, then a GELU perceptron, each a residual; a new block adds nothing to them yet."""

    place: ClassVar[Place] = "block"
    silent: ClassVar[tuple[str, ...]] = ("attn.proj.", "mlp.fc2.")
    products: ClassVar[tuple[str, ...]] = ("attn.", "mlp.")

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        d, m = architecture.width, architecture.mlp_width
        return {
            "norm1.weight": (d,), "norm1.bias": (d,),
            "attn.qkv.weight": (3 * d, d), "attn.qkv.bias": (3 * d,),
            "attn.proj.weight": (d, d), "attn.proj.bias": (d,),
            "norm2.weight": (d,), "norm2.bias": (d,),
            "mlp.fc1.weight": (m, d), "mlp.fc1.bias": (m,),
            "mlp.fc2.weight": (d, m), "mlp.fc2.bias": (d,),
        }  # fmt: skip

    def flops(self, architecture: Architecture, dimensions: Dimensions) -> int:
        """Return those of its six matrix maps a token, and of attention's two products of all tokens with all."""
        t, d = tokens(architecture, dimensions.image_size), architecture.width
        return 2 * t * (4 * d * d + 2 * d * architecture.mlp_width) + 2 * 2 * t * t * d

    def draw(self, rng: "np.random.Generator", key: str, shape: Shape) -> "npt.NDArray[np.float32]":
        """Return Xavier-uniform matrices; queries, keys and values are three square ones in one."""
        return xavier(rng, shape, 2 * shape[1]) if key == "attn.qkv.weight" else super().draw(rng, key, shape)

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        import torch.nn.functional as F

        b, length, d = x.shape
        heads, eps, outputs = within.architecture.heads, within.architecture.layer_norm_eps, within.outputs
        y = F.layer_norm(x, (d,), tensors["norm1.weight"], tensors["norm1.bias"], eps)
        weight, bias = tensors["attn.qkv.weight"], tensors["attn.qkv.bias"]
        if outputs is None:
            q, k, v = F.linear(y, weight, bias).view(b, length, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        else:
            x = x[:, :outputs]
            q = F.linear(y[:, :outputs], weight[:d], bias[:d]).view(b, outputs, heads, d // heads).transpose(1, 2)
            k, v = F.linear(y, weight[d:], bias[d:]).view(b, length, 2, heads, d // heads).permute(2, 0, 3, 1, 4)
        for kind, own in within.inside:
            q, k, v = kind.attend(own, y, (q, k, v), within)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = x + F.linear(y, tensors["attn.proj.weight"], tensors["attn.proj.bias"])
        y = F.layer_norm(x, (d,), tensors["norm2.weight"], tensors["norm2.bias"], eps)
        y = F.gelu(F.linear(y, tensors["mlp.fc1.weight"], tensors["mlp.fc1.bias"]))
        return x + F.linear(y, tensors["mlp.fc2.weight"], tensors["mlp.fc2.bias"])


@register("norm")
class _Norm(Kind):
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


@register("head")
class _Head(Kind):
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
