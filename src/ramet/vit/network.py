"""A path's network as pure functions of its components' tensors.

No module objects: the tensors of a component, memory-mapped and shared by all paths that hold it, are used as they are.
A network is a chain of stages, and a stage is what may be run once for several paths that hold the same components:
the stem (patches, class token, positions), then each adapter and each block with its low-rank update, if it has one,
then the readout (norm and head). Where the head reads the class token, the last block belongs to the readout: of its
output only that token is worked out.

Shape suffixes: B batch, C channels, H height, W width, L tokens, N heads, E width of a head, D model width, K classes.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ramet.base.records import Architecture
from ramet.vit.spec import STEM, index, kind

Tensors = Mapping[str, Tensor]
"""The tensors of one component."""


def stages(architecture: Architecture, names: Sequence[str]) -> list[tuple[str, ...]]:
    """A path's component names grouped into the stages that run one after the other."""
    stem = tuple(n for n in names if kind(n) in STEM)
    updates = {index(n): (n,) for n in names if kind(n) == "lora"}
    body = [
        (*updates.get(index(n), ()), n) if kind(n) == "block" else (n,)
        for n in names
        if kind(n) in ("adapter", "block")
    ]
    last = body.pop() if body and architecture.pool == "cls" else ()
    return [stem, *body, (*last, "norm", "head")]


def run_stage(architecture: Architecture, stage: Sequence[str], parts: Mapping[str, Tensors], x: Tensor) -> Tensor:
    """Run one stage.

    Args:
        architecture: the fixed shape of the path's transformer.
        stage: the names of the stage's components.
        parts: the tensors of every component of the stage, by name.
        x: for the stem images x_BCHW in [-1, 1]; for all others tokens x_BLD.

    Returns:
        Tokens x_BLD; for the readout logits x_BK.
    """
    match kind(stage[0]):
        case "patch_embed":
            return stem(architecture, parts["patch_embed"], parts["cls_token"], parts["pos_embed"], x)
        case "adapter":
            return adapter(parts[stage[0]], x, architecture.layer_norm_eps)
    layer = {kind(name): parts[name] for name in stage}
    if "block" in layer:
        outputs = 1 if "head" in layer else None
        x = block(layer["block"], x, architecture.heads, architecture.layer_norm_eps, outputs, layer.get("lora"))
    if "head" not in layer:
        return x
    return readout(architecture, parts["norm"], parts["head"], x)


def forward(architecture: Architecture, parts: Mapping[str, Tensors], x_BCHW: Tensor) -> Tensor:
    """Logits x_BK of images x_BCHW in [-1, 1]; parts holds the path's components in their order."""
    x = x_BCHW
    for stage in stages(architecture, list(parts)):
        x = run_stage(architecture, stage, parts, x)
    return x


def stem(
    architecture: Architecture, patch_embed: Tensors, cls_token: Tensors, pos_embed: Tensors, x_BCHW: Tensor
) -> Tensor:
    """Tokens x_BLD of images: a linear map of every patch, the class token in front, positions added.

    Pixels right of and below the last whole patch are not read.
    """
    b, c, h, w = x_BCHW.shape
    p = architecture.patch_size
    rows, columns = h // p, w // p
    patches = (
        x_BCHW[:, :, : rows * p, : columns * p]
        .reshape(b, c, rows, p, columns, p)
        .permute(0, 2, 4, 1, 3, 5)
        .reshape(b, rows * columns, c * p * p)
    )
    x_BLD = F.linear(patches, patch_embed["weight"].flatten(1), patch_embed["bias"])
    cls = cls_token["value"].to(x_BLD.dtype).expand(b, -1, -1)
    return torch.cat([cls, x_BLD], dim=1) + pos_embed["value"]


def block(
    parts: Tensors, x_BLD: Tensor, heads: int, eps: float, outputs: int | None = None, lora: Tensors | None = None
) -> Tensor:
    """One pre-norm transformer block: attention, then a GELU multilayer perceptron, each a residual.

    Args:
        parts: the block's tensors.
        x_BLD: the tokens.
        heads: of its attention.
        eps: of its layer norms.
        outputs: how many tokens are wanted.
        lora: the low-rank update of its queries and values.

    Returns:
        Tokens x_BLD, of which only the first `outputs` where that is given; all tokens are attended to.
    """
    b, length, d = x_BLD.shape
    y = F.layer_norm(x_BLD, (d,), parts["norm1.weight"], parts["norm1.bias"], eps)
    weight, bias = parts["attn.qkv.weight"], parts["attn.qkv.bias"]
    if outputs is None:
        q, k, v = F.linear(y, weight, bias).view(b, length, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
    else:
        x_BLD = x_BLD[:, :outputs]
        q = F.linear(y[:, :outputs], weight[:d], bias[:d]).view(b, outputs, heads, d // heads).transpose(1, 2)
        k, v = F.linear(y, weight[d:], bias[d:]).view(b, length, 2, heads, d // heads).permute(2, 0, 3, 1, 4)
    if lora is not None:
        q = q + low_rank(lora, "q", y[:, :outputs], heads)
        v = v + low_rank(lora, "v", y, heads)
    y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x_BLD.shape)
    x_BLD = x_BLD + F.linear(y, parts["attn.proj.weight"], parts["attn.proj.bias"])
    y = F.layer_norm(x_BLD, (d,), parts["norm2.weight"], parts["norm2.bias"], eps)
    y = F.gelu(F.linear(y, parts["mlp.fc1.weight"], parts["mlp.fc1.bias"]))
    return x_BLD + F.linear(y, parts["mlp.fc2.weight"], parts["mlp.fc2.bias"])


def low_rank(lora: Tensors, of: str, y_BLD: Tensor, heads: int) -> Tensor:
    """What a low-rank update (LoRA, arXiv 2106.09685) adds to the queries (q) or values (v) x_BNLE of normed tokens."""
    update = F.linear(F.linear(y_BLD, lora[f"{of}.down.weight"]), lora[f"{of}.up.weight"])
    return update.view(*update.shape[:2], heads, -1).transpose(1, 2)


def adapter(parts: Tensors, x_BLD: Tensor, eps: float) -> Tensor:
    """A residual adapter: LayerNorm, down, GELU, up (METHOD section 4)."""
    y = F.layer_norm(x_BLD, (x_BLD.shape[-1],), parts["norm.weight"], parts["norm.bias"], eps)
    y = F.gelu(F.linear(y, parts["down.weight"], parts["down.bias"]))
    return x_BLD + F.linear(y, parts["up.weight"], parts["up.bias"])


def readout(architecture: Architecture, norm: Tensors, head: Tensors, x_BLD: Tensor) -> Tensor:
    """Logits x_BK from the final norm of the class token, or of the mean of the patch tokens."""
    if architecture.pool == "cls":
        x_BD = x_BLD[:, 0]
        y_BD = F.layer_norm(x_BD, x_BD.shape[-1:], norm["weight"], norm["bias"], architecture.layer_norm_eps)
    else:
        y_BLD = F.layer_norm(x_BLD[:, 1:], x_BLD.shape[-1:], norm["weight"], norm["bias"], architecture.layer_norm_eps)
        y_BD = y_BLD.mean(dim=1)
    return F.linear(y_BD, head["weight"], head["bias"])
