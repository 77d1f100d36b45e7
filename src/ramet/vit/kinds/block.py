"""A pre-norm transformer block: attention, then a GELU multilayer perceptron, each a residual (arXiv 2010.11929)."""

from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture
from ramet.vit.kinds.kind import Dimensions, Kind, Place, Shape, Shapes, Tensors, Within, register, xavier
from ramet.vit.kinds.stem import tokens

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor


@register("block")
class Block(Kind):
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
        y = attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = x + F.linear(y, tensors["attn.proj.weight"], tensors["attn.proj.bias"])
        y = F.layer_norm(x, (d,), tensors["norm2.weight"], tensors["norm2.bias"], eps)
        y = F.gelu(F.linear(y, tensors["mlp.fc1.weight"], tensors["mlp.fc1.bias"]))
        return x + F.linear(y, tensors["mlp.fc2.weight"], tensors["mlp.fc2.bias"])


def attention(q: "Tensor", k: "Tensor", v: "Tensor") -> "Tensor":
    """Return softmax(q k^T / sqrt(E)) v of queries, keys and values x_BNLE."""
    import torch
    import torch.nn.functional as F

    if q.dtype == torch.bfloat16 and q.device.type == "cpu":
        # here torch's fused attention and its gradient take 7 times as long as the products (17 tokens, torch 2.13)
        return torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1), dim=-1) @ v
    return F.scaled_dot_product_attention(q, k, v)
