"""Decoding: any image that Pillow reads becomes RGB pixels, uint8 (H, W, 3), of the size asked for."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from ramet.base.errors import DataError
from ramet.base.records import Task
from ramet.tasks.sources.base import Content

Pixels = npt.NDArray[np.uint8]

_ORIENTATION = 0x0112
_ON_ITS_SIDE = (5, 6, 7, 8)

# What Pillow raises over broken files; DecompressionBombError is its guard against images of absurd size.
_BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip


class BadImage(Exception):
    """An image that cannot be decoded; the text says why."""


def bytes_of(content: Content) -> bytes:
    """What the content hash is taken over: the file's bytes, or the pixels behind their shape."""
    if isinstance(content, np.ndarray):
        return repr(content.shape).encode() + content.tobytes()
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as error:
        raise DataError(f"{content} cannot be read: {error.strerror}", "make it readable, or take it out") from error


def size_of(content: Content) -> tuple[int, int]:
    """Height and width as seen, read from the header alone.

    Raises:
        BadImage: it is no image.
    """
    if isinstance(content, np.ndarray):
        return content.shape[0], content.shape[1]
    try:
        with _open(content) as image:
            width, height = image.size
            on_its_side = image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    except _BROKEN as error:
        raise BadImage(_reason(error)) from error
    return (width, height) if on_its_side else (height, width)


def decode(content: Content, size: tuple[int, int]) -> Pixels:
    """The image as RGB pixels of that height and width, resized with antialiasing where its own size is another.

    Grey is repeated, transparency laid over white, 16 bits are cut to 8, and the camera's orientation is applied.

    Raises:
        BadImage: the data is broken, or of a kind without a defined range (floats).
    """
    if isinstance(content, np.ndarray):
        grey = content.ndim == 3 and content.shape[2] == 1
        return _resized(Image.fromarray(content[:, :, 0] if grey else content), size)
    try:
        with _open(content) as image:
            # A JPEG decodes straight to 1/2, 1/4 or 1/8 of its size: to the smallest that is no smaller than twice
            # what is wanted, so that the filter below still does the antialiasing.
            image.draft(None, (2 * max(size), 2 * max(size)))
            return _resized(_grey_or_rgb(ImageOps.exif_transpose(image)), size)
    except _BROKEN as error:
        raise BadImage(_reason(error)) from error


def as_cached(task: Task, image: str | Path | Image.Image) -> Pixels:
    """An image at the size at which a task's images are cached, so that it is read as those were.

    Raises:
        DataError: it cannot be read.
    """
    content = Path(image).expanduser() if isinstance(image, str | Path) else np.asarray(image.convert("RGB"))
    height, width = task.options["size"]
    try:
        return decode(content, (height, width))
    except BadImage as error:
        raise DataError(f"{image} is no image that can be read: {error}", "give a whole image file") from error


def _open(content: Path | bytes) -> Image.Image:
    return Image.open(io.BytesIO(content) if isinstance(content, bytes) else content)


def _grey_or_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise BadImage("pixels are floats")
    if image.mode.startswith("I"):
        eight_bits = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return Image.fromarray(eight_bits)
    if not image.has_transparency_data:
        return image if image.mode == "L" else image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")


def _resized(image: Image.Image, size: tuple[int, int]) -> Pixels:
    height, width = size
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(image.convert("RGB"))


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.partition("\n")[0] or type(error).__name__
