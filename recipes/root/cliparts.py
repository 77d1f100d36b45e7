"""Coloured pictures that anybody may use: Open Clip Art (public domain) and Noto emoji (SIL Open Font Licence)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

SIDE = 48
CLIPARTS = Path("/usr/share/openclipart/png")
EMOJI = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")

LEFT_OUT = ("shapes/stars", "signs_and_symbols/flags", "recreation/games/cards", "computer/buttons")
"""Folders of hundreds of pictures that hardly differ, or that are letters and digits."""


def draw() -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Yield a name and the picture, uint8 (SIDE, SIDE, 4) with its transparency."""
    for file in sorted(CLIPARTS.rglob("*.png")):
        name = str(file.relative_to(CLIPARTS))
        if not name.startswith(LEFT_OUT):
            try:
                yield name, _fitted(Image.open(file).convert("RGBA"))
            except (OSError, ValueError, Image.DecompressionBombError):
                continue
    yield from _emoji()


def _emoji() -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    from matplotlib.ft2font import FT2Font

    font = ImageFont.truetype(str(EMOJI), 109)
    for code in sorted(FT2Font(str(EMOJI)).get_charmap()):
        if code > 0x2000 and not 0x1F1E6 <= code <= 0x1F1FF and not code >= 0xE0000:
            image = Image.new("RGBA", (136, 128))
            ImageDraw.Draw(image).text((0, 0), chr(code), font=font, embedded_color=True)
            if image.getbbox():
                yield f"emoji/{code:x}", _fitted(image)


def _fitted(image: Image.Image) -> npt.NDArray[np.uint8]:
    image = image.crop(image.getchannel("A").getbbox() or (0, 0, *image.size))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    canvas = Image.new("RGBA", (SIDE, SIDE))
    canvas.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    return np.asarray(canvas)
