"""A batch of images as the network reads it, plain or augmented as the `data.*` hyperparameters say (METHOD section 5).

What is drawn for an example depends on the key and the example alone, so it is the same in every batch.

Shape suffixes: B batch, C channels, H height, W width, S and T the new height and width.
"""

import io
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from math import log
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from ramet.base.errors import InvalidValue
from ramet.base.randomness import Key, uniforms
from ramet.base.records import Value

Minimum = Annotated[float, Field(gt=0, le=1)]
Delta = Annotated[float, Field(ge=0, lt=1)]

_COLUMNS = ("jpeg", "area", "aspect", "left", "top", "flip", "brightness", "contrast", "saturation", "hue")
"""What is drawn, on or off: switching one operation on leaves the others' draws as they were."""


class Augmentation(BaseModel):
    """The limits within which training images may be changed; by default they are not.

    Minima are of the crop's area and of its aspect, relative to the image's own. Deltas bound what is drawn evenly: the
    JPEG quality from 1 - delta to 1, what is added to brightness (of 1), the factors of contrast and saturation around
    1, and the turn of the hue circle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    crop_area_min: Minimum = 1.0
    crop_aspect_min: Minimum = 1.0
    flip: bool = False
    brightness: Delta = 0.0
    contrast: Delta = 0.0
    saturation: Delta = 0.0
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    jpeg: Delta = 0.0

    @classmethod
    def of(cls, hyperparameters: Mapping[str, Value]) -> "Augmentation":
        """Return the settings among a path's hyperparameters.

        Raises:
            InvalidValue: an unknown `data.*` hyperparameter, or a value out of range.
        """
        data = {k.removeprefix("data."): v for k, v in hyperparameters.items() if k.startswith("data.")}
        data.pop("image_size", None)
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            raise InvalidValue(f"data.{name} is {first['input']!r}", first["msg"]) from error


def draw(settings: Augmentation, key: Key, examples: npt.NDArray[np.integer]) -> dict[str, npt.NDArray[Any]]:
    """Return the draws of B examples under a key.

    jpeg is a quality of 100; box holds left, top, width and height as fractions of the image (B, 4), flip true or
    false; brightness is added, contrast and saturation multiply, and hue is in turns.
    """
    u = dict(zip(_COLUMNS, uniforms(key, examples, len(_COLUMNS)).T, strict=True))
    area = settings.crop_area_min + (1 - settings.crop_area_min) * u["area"]
    aspect = np.exp((2 * u["aspect"] - 1) * -log(settings.crop_aspect_min))
    width, height = np.minimum(1, np.sqrt(area * aspect)), np.minimum(1, np.sqrt(area / aspect))
    return {
        "jpeg": np.rint(100 * (1 - settings.jpeg * u["jpeg"])).astype(np.int64).clip(1),
        "box": np.stack([u["left"] * (1 - width), u["top"] * (1 - height), width, height], axis=1),
        "flip": u["flip"] < 0.5,
        "brightness": (2 * u["brightness"] - 1) * settings.brightness,
        "contrast": 1 + (2 * u["contrast"] - 1) * settings.contrast,
        "saturation": 1 + (2 * u["saturation"] - 1) * settings.saturation,
        "hue": (2 * u["hue"] - 1) * settings.hue,
    }


def batch_images(images_BHWC: Tensor, *, image_size: int) -> Tensor:
    """Return images x_BCHW in [-1, 1] of uint8 images, resized to image_size pixels a side (bilinear, antialiased)."""
    return _resized(_unit(images_BHWC), image_size).mul_(2).sub_(1)


def augment(
    images_BHWC: Tensor,
    hyperparameters: Mapping[str, Value],
    key: Key,
    examples: npt.NDArray[np.integer],
    image_size: int,
) -> Tensor:
    """Return training images x_BCHW in [-1, 1] of uint8 images, augmented by a path's hyperparameters.

    Crop and resize are one resampling, so colours change at the image size.

    Args:
        images_BHWC: uint8, on any device.
        hyperparameters: those named `data.*` are read; one that is absent is off.
        key: what the draws are for, such as (seed, task, cycle, generation, epoch, "augment").
        examples: (B,) a number for each image, on which its draws depend; two visits of one image may have two.
        image_size: pixels a side.
    """
    settings = Augmentation.of(hyperparameters)
    if settings == Augmentation():
        return batch_images(images_BHWC, image_size=image_size)
    drawn = draw(settings, key, examples)
    x_BCHW = _unit(_recompressed(images_BHWC, drawn["jpeg"]) if settings.jpeg else images_BHWC)
    if settings.crop_area_min < 1 or settings.crop_aspect_min < 1:
        x_BCHW = _cropped(x_BCHW, drawn["box"], image_size)
    else:
        x_BCHW = _resized(x_BCHW, image_size)
    if settings.flip:
        flip_B111 = torch.from_numpy(drawn["flip"]).to(x_BCHW.device).view(-1, 1, 1, 1)
        x_BCHW = torch.where(flip_B111, x_BCHW.flip(-1), x_BCHW)
    changes = {"brightness": brightened, "contrast": contrasted, "saturation": saturated, "hue": turned}
    for name, changed in changes.items():
        if getattr(settings, name):
            x_BCHW = changed(x_BCHW, torch.from_numpy(drawn[name]).to(x_BCHW).view(-1, 1, 1, 1))
    return x_BCHW.clamp(0, 1).mul_(2).sub_(1)


def _unit(images_BHWC: Tensor) -> Tensor:
    return images_BHWC.permute(0, 3, 1, 2).float().div_(255)


def _resized(x_BCHW: Tensor, size: int) -> Tensor:
    if x_BCHW.shape[-2:] == (size, size):
        return x_BCHW
    return F.interpolate(x_BCHW, size=(size, size), mode="bilinear", align_corners=False, antialias=True)


def _cropped(x_BCHW: Tensor, box_B4: npt.NDArray[np.float64], size: int) -> Tensor:
    """Return each image's box resampled to size pixels a side, as Pillow's antialiased bilinear resize of that box."""
    left, top, width, height = torch.from_numpy(box_B4.T).float().to(x_BCHW.device)
    rows_BSH = _resampling(top, height, x_BCHW.shape[2], size)
    columns_BTW = _resampling(left, width, x_BCHW.shape[3], size)
    return torch.einsum("bsh,bcht->bcst", rows_BSH, torch.einsum("bchw,btw->bcht", x_BCHW, columns_BTW))


def _resampling(start_B: Tensor, extent_B: Tensor, source: int, target: int) -> Tensor:
    """Return the weight of every source pixel in every target pixel, (B, target, source), along one side of the image.

    A tent around the target pixel's centre, as wide as the source pixels that it stands for and never below one.
    """
    step = (extent_B * source / target).view(-1, 1, 1)
    centres = (start_B * source).view(-1, 1, 1) + (torch.arange(target, device=step.device).view(1, -1, 1) + 0.5) * step
    distances = torch.arange(source, device=step.device) + 0.5 - centres
    weights = (1 - distances.abs() / step.clamp(min=1)).clamp(min=0)
    return weights / weights.sum(dim=2, keepdim=True)


def brightened(x_BCHW: Tensor, added_B111: Tensor) -> Tensor:
    """Return colours to which the same is added, within [0, 1]."""
    return (x_BCHW + added_B111).clamp(0, 1)


def contrasted(x_BCHW: Tensor, factor_B111: Tensor) -> Tensor:
    """Return colours whose distance from the mean of the image's grey (ITU-R BT.601) is multiplied, within [0, 1]."""
    weights_C11 = x_BCHW.new_tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    mean_B111 = (x_BCHW * weights_C11).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    return torch.lerp(mean_B111, x_BCHW, factor_B111).clamp(0, 1)


def saturated(x_BCHW: Tensor, factor_B111: Tensor) -> Tensor:
    """Return colours whose saturation, of hue, saturation and value, is multiplied, and 1 at most."""
    low_B1HW, value_B1HW = x_BCHW.aminmax(dim=1, keepdim=True)
    # The other two stay, so a channel's distance from the largest one grows as the saturation does, until the smallest
    # is 0. Grey has no saturation to multiply: its distances are 0, whatever the factor.
    most_B1HW = value_B1HW / (value_B1HW - low_B1HW).clamp(min=1e-8)
    return value_B1HW - (value_B1HW - x_BCHW) * torch.minimum(factor_B111.expand_as(most_B1HW), most_B1HW)


def turned(x_BCHW: Tensor, turns_B111: Tensor) -> Tensor:
    """Return colours whose hue is turned around the circle; saturation and value stay."""
    low_B1HW, value_B1HW = x_BCHW.aminmax(dim=1, keepdim=True)
    chroma_B1HW = value_B1HW - low_B1HW
    red, green, blue = x_BCHW[:, :1], x_BCHW[:, 1:2], x_BCHW[:, 2:]
    first, second, third = (green - blue, 0), (blue - red, 2), (red - green, 4)
    sixths = [difference / chroma_B1HW.clamp(min=1e-8) + offset for difference, offset in (first, second, third)]
    hue_B1HW = torch.where(red == value_B1HW, sixths[0], torch.where(green == value_B1HW, sixths[1], sixths[2]))
    # A channel falls from the value to the lowest by its distance on the circle from the sixth where it is largest.
    steps_BCHW = (hue_B1HW + 6 * turns_B111 + hue_B1HW.new_tensor([5, 3, 1]).view(3, 1, 1)) % 6
    return value_B1HW - chroma_B1HW * torch.minimum(steps_BCHW, 4 - steps_BCHW).clamp(0, 1)


def _recompressed(images_BHWC: Tensor, quality: npt.NDArray[np.int64]) -> Tensor:
    """Return the images after JPEG compression, which Pillow does outside the interpreter's lock, so in threads."""

    def through_jpeg(image_HWC: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
        Image.fromarray(image_HWC).save(file := io.BytesIO(), "JPEG", quality=quality)
        with Image.open(file) as decoded:
            return np.asarray(decoded)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decoded = list(pool.map(through_jpeg, images_BHWC.cpu().numpy(), quality.tolist()))
    return torch.from_numpy(np.stack(decoded)).to(images_BHWC.device)
