"""Characters as small pictures: glyphs of real fonts, each with its own slant, size, weight, colours and noise.

Every draw is keyed by task and font face, and only arithmetic that is exact on every machine is used, so the pictures
are the same bit for bit wherever fonts and Pillow are.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ramet.base.randomness import generator

SIDE = 32

_CANVAS = 2 * SIDE
_EM = 46
_STROKES = (0, 0, 1)
"""Pixels, at canvas size, by which a glyph is drawn bolder."""

_Floats = npt.NDArray[np.float64]


def render(task: str, face: Path, characters: Sequence[str], each: int) -> npt.NDArray[np.uint8]:
    """Return pictures of every character in a font face: uint8 (characters x each, SIDE, SIDE, 3), in turn."""
    draws = generator("demo", task, face.name)
    n = len(characters) * each
    strokes = draws.integers(len(_STROKES), size=n)
    warps = _warps(draws.uniform(-1, 1, (n, 6)))
    font = ImageFont.truetype(str(face), _EM, layout_engine=ImageFont.Layout.BASIC)
    glyphs = {(c, s): _glyph(font, c, s) for c in characters for s in set(_STROKES)}
    ink_NHW = np.stack(
        [_warped(glyphs[characters[i // each], _STROKES[strokes[i]]], warps[i]) for i in range(n)], dtype=np.float64
    )
    return _coloured(ink_NHW[..., None] / 255, draws)


def _glyph(font: ImageFont.FreeTypeFont, character: str, stroke: int) -> Image.Image:
    """Return a character in white on black, in the middle of the canvas; made smaller where it is larger."""
    left, top, right, bottom = font.getbbox(character, stroke_width=stroke)
    image = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(image).text((-left, -top), character, fill=255, font=font, stroke_width=stroke)
    image.thumbnail((_CANVAS - 8, _CANVAS - 8), Image.Resampling.BICUBIC)
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    canvas.paste(image, ((_CANVAS - image.width) // 2, (_CANVAS - image.height) // 2))
    return canvas


def _warps(u_N6: _Floats) -> _Floats:
    """Return affine maps from picture to glyph, as Pillow takes them: turn, slant, stretch, shift about the middle."""
    turn, slant, wide, high, right, down = u_N6.T
    a, b = 1.1 + 0.18 * wide, 0.16 * turn + 0.14 * slant
    d, e = -0.16 * turn, 1.1 + 0.18 * high
    middle, reach = _CANVAS / 2, 5.0
    c = middle - a * middle - b * middle + reach * right
    f = middle - d * middle - e * middle + reach * down
    return np.stack([a, b, c, d, e, f], axis=1)


def _warped(glyph: Image.Image, warp: _Floats) -> npt.NDArray[np.uint8]:
    bent = glyph.transform(glyph.size, Image.Transform.AFFINE, tuple(warp.tolist()), Image.Resampling.BILINEAR)
    return np.asarray(bent.reduce(_CANVAS // SIDE))


def _coloured(ink_NHW1: _Floats, draws: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return ink on paper: each of a colour of its own, the paper with a shade across it, all with noise."""
    n = len(ink_NHW1)
    paper = draws.uniform(0.0, 1.0, (n, 1))
    contrast = draws.uniform(0.3, 0.7, (n, 1)) * np.where(paper < 0.5, 1.0, -1.0)
    tints = draws.uniform(-0.12, 0.12, (2, n, 3))
    slopes = draws.uniform(-0.15, 0.15, (n, 2))
    ramp = np.linspace(-1, 1, SIDE)
    shade_NHW = slopes[:, 0, None, None] * ramp[:, None] + slopes[:, 1, None, None] * ramp
    background = (paper + tints[0])[:, None, None, :] + shade_NHW[..., None]
    ink = (paper + contrast + tints[1])[:, None, None, :]
    noise = draws.uniform(-1, 1, (n, SIDE, SIDE, 1)) * draws.uniform(0.0, 0.12, (n, 1, 1, 1))
    picture = background * (1 - ink_NHW1) + ink * ink_NHW1 + noise
    pixels: npt.NDArray[np.uint8] = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return pixels
