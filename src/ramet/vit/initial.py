"""Tensors a path did not inherit: a random root's, a new layer's, adapter's or head's, a resampled position embedding.

Linear maps start Xavier-uniform and the patch embedding with variance 1/inputs, as the ViT paper's own code does: with
plain SGD a narrow model trains poorly from the customary normal of 0.02. Every component draws from a generator of its
own, keyed by (seed, name), so one component's draw does not depend on which others a path has.
"""

from math import isqrt, prod, sqrt

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ramet.base.randomness import generator
from ramet.base.records import Architecture
from ramet.vit import spec

SILENT = {"adapter": ("up.",), "lora": ("q.up.", "v.up."), "block": ("attn.proj.", "mlp.fc2.")}
"""What starts at zero in what is inserted, so that a path's outputs stay as they were."""


def random_root(architecture: Architecture, seed: int) -> dict[str, dict[str, Tensor]]:
    """The components of a root to train from scratch, by name; a root has no head."""
    names = (n for n in spec.component_names(architecture.layers) if n != "head")
    size = architecture.image_size
    return {
        n: _drawn(spec.shapes(architecture, n, image_size=size, adapter_width=0, classes=0), seed, n) for n in names
    }


def new_component(architecture: Architecture, name: str, *, seed: int, **dimensions: int) -> dict[str, Tensor]:
    """A component that no ancestor has; what is inserted does nothing yet, and a head gives all classes 0.

    Args:
        architecture: the fixed shape of the path's transformer.
        name: the component's.
        seed: keys its draws, together with the name.
        dimensions: as spec.dimensions has them.
    """
    shapes = spec.shapes(architecture, name, **dimensions)
    if spec.kind(name) == "head":
        return {key: torch.zeros(shape) for key, shape in shapes.items()}
    tensors = _drawn(shapes, seed, name)
    silent = SILENT.get(spec.kind(name), ())
    return {key: torch.zeros_like(t) if key.startswith(silent) else t for key, t in tensors.items()}


def resample_pos_embed(value_1LD: Tensor, image_size: int, patch_size: int) -> Tensor:
    """The position embedding of another image size: bicubic in two dimensions, the class token's row kept.

    Args:
        value_1LD: (1, 1 + n, d) for a square grid of n patches.
        image_size: pixels a side; the new grid has `image_size // patch_size` patches a side.
        patch_size: pixels a side.

    Returns:
        (1, 1 + m, d). A grid that shrinks is smoothed first (as timm does), so that no position is passed over.
    """
    rows, side = isqrt(value_1LD.shape[1] - 1), image_size // patch_size
    if rows == side:
        return value_1LD
    grid = value_1LD[:, 1:].reshape(1, rows, rows, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False, antialias=side < rows)
    return torch.cat([value_1LD[:, :1], grid.flatten(2).transpose(1, 2)], dim=1).contiguous()


def _drawn(shapes: spec.Shapes, seed: int, name: str) -> dict[str, Tensor]:
    rng = generator(seed, name)
    return {key: torch.from_numpy(_draw(rng, spec.kind(name), key, shape)) for key, shape in shapes.items()}


def _draw(rng: np.random.Generator, kind: str, key: str, shape: spec.Shape) -> npt.NDArray[np.float32]:
    if kind == "pos_embed":
        return np.float32(0.02) * rng.standard_normal(shape, dtype=np.float32)
    if kind == "patch_embed" and key == "weight":
        return rng.standard_normal(shape, dtype=np.float32) / np.float32(sqrt(prod(shape[1:])))
    if key == "attn.qkv.weight":  # three square maps in one
        return _xavier(rng, shape, fans=2 * shape[1])
    if len(shape) == 2:
        return _xavier(rng, shape, fans=sum(shape))
    is_scale = key.endswith("weight")  # of a LayerNorm; all else that is left is a bias, or the class token
    return np.full(shape, is_scale, dtype=np.float32)


def _xavier(rng: np.random.Generator, shape: spec.Shape, fans: int) -> npt.NDArray[np.float32]:
    bound = np.float32(sqrt(6 / fans))
    return bound * (2 * rng.random(shape, dtype=np.float32) - 1)
