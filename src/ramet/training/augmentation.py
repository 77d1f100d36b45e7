"""The augmentations of a method that are parts, after ramet's own (`tasks.augment`)."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ramet.base.randomness import Key, uniforms
from ramet.base.records import Value
from ramet.method.parts import Part, refuse, working
from ramet.method.protocols import Augmentation
from ramet.tasks.augment import augment


def augmented(
    images_BHWC: Tensor,
    parts: Sequence[Augmentation],
    hyperparameters: Mapping[str, Value],
    key: Key,
    examples: npt.NDArray[np.integer],
) -> Tensor:
    """Return training images x_BCHW in [-1, 1]: ramet's own augmentation, then a method's, in their order.

    Args:
        images_BHWC: uint8, on any device.
        parts: the method's augmentations.
        hyperparameters: of the generation.
        key: what the draws are for.
        examples: (B,) a number for each image, on which its draws depend.
    """
    brought = {declared.part for part in parts for declared in part.hyperparameters}
    own = {name: value for name, value in hyperparameters.items() if name not in brought}
    size = int(hyperparameters["data.image_size"])
    x_BCHW = augment(images_BHWC, own, key=(*key, "augment"), examples=examples, image_size=size)
    for part in parts:
        assert isinstance(part, Part)
        u_BN = uniforms((*key, "augment", part.part), examples, part.draws)
        x_BCHW = applied(part, x_BCHW.add(1).div(2).clamp(0, 1), u_BN, hyperparameters).mul(2).sub(1)
    return x_BCHW


def applied(
    part: Augmentation, x_BCHW: Tensor, u_BN: npt.NDArray[np.float64], hyperparameters: Mapping[str, Value]
) -> Tensor:
    """Return what a part makes of images from 0 to 1, which it was given a copy of.

    Raises:
        PartError: it fails, or answers with what are no images of the same shape from 0 to 1.
    """
    with working(part), torch.no_grad():
        found = part.apply(x_BCHW.clone(), u_BN, hyperparameters)
    fits = isinstance(found, Tensor) and (found.shape, found.dtype) == (x_BCHW.shape, x_BCHW.dtype)
    if not fits:
        refuse(part, f"{type(found).__name__} {tuple(getattr(found, 'shape', ()))}", f"images {tuple(x_BCHW.shape)}")
    if not bool(((found >= 0) & (found <= 1)).all()):
        refuse(part, "values outside 0 to 1", "finite values from 0 to 1")
    return found
