"""A batch of images as the network reads it, plain or augmented (METHOD section 5).

Shape suffixes: B batch, C channels, H height, W width.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import Tensor

from ramet.randomness import Key
from ramet.records import Value


def batch_images(images_BHWC: Tensor, *, image_size: int) -> Tensor:
    """Images x_BCHW in [-1, 1] of uint8 images, resized to image_size pixels a side (bilinear, antialiased)."""
    return _resized(_unit(images_BHWC), image_size) * 2 - 1


def augment(
    images_BHWC: Tensor,
    hyperparameters: Mapping[str, Value],
    key: Key,
    examples: npt.NDArray[np.integer],
    image_size: int,
) -> Tensor:
    """Training images x_BCHW in [-1, 1], augmented as the `data.*` hyperparameters say."""
    return batch_images(images_BHWC, image_size=image_size)


def _unit(images_BHWC: Tensor) -> Tensor:
    return images_BHWC.permute(0, 3, 1, 2).float() / 255


def _resized(x_BCHW: Tensor, image_size: int) -> Tensor:
    if x_BCHW.shape[-2:] == (image_size, image_size):
        return x_BCHW
    return F.interpolate(x_BCHW, size=(image_size, image_size), mode="bilinear", align_corners=False, antialias=True)
