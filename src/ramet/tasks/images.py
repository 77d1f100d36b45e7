"""The one reader of pictures: whatever is given, the same picture becomes the same RGB pixels, uint8 (H, W, 3).

A file, its bytes, an array and a picture of Pillow all pass through `read`: when a task is added, and when it predicts.
"""

import io
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from ramet.base.errors import DataError
from ramet.base.records import Task

Pixels = npt.NDArray[np.uint8]

Content = Path | bytes | npt.NDArray[np.generic]
"""A picture as a source holds it: an encoded file, its bytes, or pixels (H, W) or (H, W, C)."""

now_reading: ContextVar[str] = ContextVar("now_reading", default="")
"""The picture that this thread reads, for whoever shows the warnings of Pillow, which name no file."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


class BadImage(Exception):
    """An image that cannot be decoded; the text says why."""


def bytes_of(content: Content) -> bytes:
    """Return what the content hash is taken over: the file's bytes, or the pixels behind their shape.

    Raises:
        DataError: a file cannot be read.
    """
    if isinstance(content, np.ndarray):
        return repr(content.shape).encode() + content.tobytes()
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as error:
        raise DataError(f"{content} cannot be read: {error.strerror}", "make it readable, or take it out") from error


def read(content: Content | Image.Image, enough: int) -> Image.Image:
    """Return the picture upright, grey (mode L) or RGB.

    Palettes become colours, transparency is laid over white, 16 bits are cut to 8, and the camera's orientation is
    applied. A JPEG may be decoded to 1/2, 1/4 or 1/8 of its size while both its sides stay `enough` pixels long.

    Raises:
        BadImage: the data is broken, or of a kind without a defined range (floats).
        DataError: a file cannot be read.
    """
    if isinstance(content, Image.Image):
        content = _undecoded(content) or content
    content = bytes_of(content) if isinstance(content, Path) else content
    try:
        if isinstance(content, Image.Image):
            return _upright(content)
        if isinstance(content, np.ndarray):
            grey = content.ndim == 3 and content.shape[2] == 1
            return _grey_or_rgb(Image.fromarray(content[:, :, 0] if grey else content))
        if not content:
            raise BadImage("empty")
        with Image.open(io.BytesIO(content)) as image:
            image.draft(None, (enough, enough))
            return _upright(image)
    except BadImage:
        raise
    except Exception as error:  # decoders raise anything over broken data: RuntimeError, struct.error, MemoryError, ...
        raise BadImage(_reason(error)) from error


def decode(content: Content | Image.Image, size: tuple[int, int]) -> Pixels:
    """Return the picture's pixels at that height and width, resized with antialiasing where its own size is another.

    Raises what `read` raises.
    """
    # Twice what is wanted, so that the filter of the resize does the antialiasing and not a JPEG's decoder.
    return resized(read(content, 2 * max(size)), size)


def fitted(content: Content, max_side: int) -> Pixels:
    """Return the picture's pixels at its own size, or as a square of max_side pixels where a side is longer.

    Raises what `read` raises.
    """
    image = read(content, 2 * max_side)
    return resized(image, (max_side, max_side) if max(image.size) > max_side else (image.height, image.width))


def resized(image: Image.Image, size: tuple[int, int]) -> Pixels:
    """Return a picture's RGB pixels at that height and width (bicubic, antialiased)."""
    height, width = size
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(image.convert("RGB"))


def as_cached(task: Task, picture: str | Content | Image.Image) -> Pixels:
    """Return a picture's pixels at the size at which a task's images are cached, read just as those were.

    It is a file, its bytes, an array uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), or a picture of Pillow.

    Raises:
        DataError: it cannot be read.
    """
    content = Path(picture).expanduser() if isinstance(picture, str | Path) else picture
    named = _named(picture)
    now_reading.set(named)
    try:
        return decode(content, tuple(task.options["size"]))
    except BadImage as error:
        raise DataError(f"{named} cannot be read as a picture: {error}", "give a whole picture") from error
    finally:
        now_reading.set("")


def _undecoded(picture: Image.Image) -> bytes | None:
    """Return the file of a picture that was opened and not yet decoded: of its bytes, one and the same is made."""
    file = getattr(picture, "fp", None)
    if not isinstance(picture, ImageFile.ImageFile) or not picture.tile or picture.tell() or file is None:
        return None
    place = file.tell()
    file.seek(0)
    content: bytes = file.read()
    file.seek(place)
    return content


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    with suppress(Exception):  # what a camera noted may be garbage while the pixels are whole
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
        image = image if turn is None else image.transpose(turn)
    return _grey_or_rgb(image)


def _grey_or_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise BadImage("pixels are floats, which have no range: save whole numbers from 0 to 255")
    if image.mode.startswith("I"):  # whole numbers up to 255 are taken as they are, 16 bits cut to 8
        wide_HW = np.asarray(image).astype(np.int64)
        low, high = int(wide_HW.min()), int(wide_HW.max())
        if low < 0 or high > 0xFFFF:
            raise BadImage(f"pixels from {low} to {high} have no defined range: save whole numbers from 0 to 255")
        return Image.fromarray((wide_HW if high <= 0xFF else wide_HW >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image if image.mode == "L" else image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _named(picture: str | Content | Image.Image) -> str:
    if isinstance(picture, str | Path):
        return str(picture)
    if isinstance(picture, bytes):
        return f"a picture of {len(picture)} bytes"
    if isinstance(picture, np.ndarray):
        return f"an array {picture.dtype} {picture.shape}"
    return getattr(picture, "filename", "") or f"a picture of Pillow ({picture.mode}, {picture.width}x{picture.height})"


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels; make it smaller"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.partition("\n")[0] or type(error).__name__
