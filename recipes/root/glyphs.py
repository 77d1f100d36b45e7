"""Characters of scripts that no demo task and no benchmark set uses, in every free face that Debian packages have."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

SIDE = 48
FONTS = Path("/usr/share/fonts")

BLOCKS = {
    "han": (0x4E00, 0x9FA5, 1500), "hangul": (0xAC00, 0xD7A3, 800), "yi": (0xA000, 0xA48C, 300),
    "ethiopic": (0x1200, 0x135A, 260), "gurmukhi": (0x0A05, 0x0A6F, 0), "gujarati": (0x0A85, 0x0AEF, 0),
    "oriya": (0x0B05, 0x0B6F, 0), "tamil": (0x0B85, 0x0BEF, 0), "kannada": (0x0C85, 0x0CEF, 0),
    "malayalam": (0x0D05, 0x0D6F, 0), "sinhala": (0x0D85, 0x0DC6, 0), "thai": (0x0E01, 0x0E5B, 0),
    "tibetan": (0x0F00, 0x0F6C, 0), "myanmar": (0x1000, 0x109F, 0), "khmer": (0x1780, 0x17E9, 0),
    "mongolian": (0x1820, 0x18AA, 0), "limbu": (0x1900, 0x194F, 0), "tai-le": (0x1950, 0x1974, 0),
    "new-tai-lue": (0x1980, 0x19DF, 0), "buginese": (0x1A00, 0x1A16, 0), "tai-tham": (0x1A20, 0x1A99, 0),
    "balinese": (0x1B05, 0x1B59, 0), "sundanese": (0x1B83, 0x1BB9, 0), "batak": (0x1BC0, 0x1BE5, 0),
    "lepcha": (0x1C00, 0x1C4F, 0), "ol-chiki": (0x1C50, 0x1C7F, 0), "glagolitic": (0x2C00, 0x2C2F, 0),
    "vai": (0xA500, 0xA62B, 0), "bamum": (0xA6A0, 0xA6EF, 0), "phags-pa": (0xA840, 0xA877, 0),
    "saurashtra": (0xA882, 0xA8D9, 0), "kayah-li": (0xA900, 0xA925, 0), "rejang": (0xA930, 0xA946, 0),
    "javanese": (0xA984, 0xA9D9, 0), "cham": (0xAA00, 0xAA5F, 0), "tai-viet": (0xAA80, 0xAADF, 0),
    "meetei-mayek": (0xABC0, 0xABF9, 0), "linear-b": (0x10000, 0x100FA, 0), "ugaritic": (0x10380, 0x1039D, 0),
    "old-persian": (0x103A0, 0x103D5, 0), "shavian": (0x10450, 0x1047F, 0), "osmanya": (0x10480, 0x104A9, 0),
    "elbasan": (0x10500, 0x10527, 0), "linear-a": (0x10600, 0x10767, 300), "kharoshthi": (0x10A10, 0x10A35, 0),
    "old-turkic": (0x10C00, 0x10C48, 0), "brahmi": (0x11005, 0x1106F, 0), "kaithi": (0x11083, 0x110AF, 0),
    "chakma": (0x11103, 0x1113F, 0), "sharada": (0x11183, 0x111DA, 0), "modi": (0x11600, 0x11659, 0),
    "takri": (0x11680, 0x116C9, 0), "newa": (0x11400, 0x11459, 0), "tirhuta": (0x11480, 0x114D9, 0),
    "warang-citi": (0x118A0, 0x118F2, 0), "marchen": (0x11C70, 0x11C8F, 0), "cuneiform": (0x12000, 0x12399, 300),
    "hieroglyphs": (0x13000, 0x1342E, 400), "anatolian": (0x14400, 0x14646, 300), "mro": (0x16A40, 0x16A69, 0),
    "bassa-vah": (0x16AD0, 0x16AED, 0), "pahawh-hmong": (0x16B00, 0x16B8F, 0), "miao": (0x16F00, 0x16F44, 0),
    "tangut": (0x17000, 0x187F7, 400), "nushu": (0x1B170, 0x1B2FB, 200), "adlam": (0x1E900, 0x1E943, 0),
    "mende": (0x1E800, 0x1E8C4, 0), "duployan": (0x1BC00, 0x1BC6A, 0), "domino": (0x1F030, 0x1F093, 0),
    "mahjong": (0x1F000, 0x1F02B, 0), "dingbats": (0x2701, 0x27BF, 0), "miscellaneous": (0x2600, 0x26FF, 0),
    "pictographs": (0x1F300, 0x1F5FF, 0), "geometric": (0x25A0, 0x25FF, 0), "ornaments": (0x1F650, 0x1F67F, 0),
    "hexagrams": (0x4DC0, 0x4DFF, 0), "music": (0x1D100, 0x1D1E8, 0), "braille-like": (0x2800, 0x2800, 0),
}  # fmt: skip
"""Script: first and last character, and how many of them are taken (0: all). Left out are the scripts of the demo tasks
and benchmark sets, and those whose letters are Latin, Greek or Cyrillic ones in shape (Cherokee, Coptic, Lisu, ...)."""

WEIGHTS = ("Regular", "Bold", "Light", "Thin", "Black", "Medium", "CondensedLight", "ExtraCondensedBold")
"""Noto families come in up to 36 faces, from which these are taken."""


def faces() -> list[tuple[Path, int]]:
    """Return all font files, and the number of the face in each, in the order of their paths."""
    found = []
    for file in sorted(FONTS.rglob("*.[to]t[fc]")):
        if "ColorEmoji" in file.name or ("Noto" in file.name and not file.stem.endswith(WEIGHTS)):
            continue
        found.append((file, 0))
    return found


def characters(script: str) -> list[str]:
    """Return the characters of a script that are taken: letters, numbers and signs, no marks."""
    first, last, most = BLOCKS[script]
    every = [chr(c) for c in range(first, last + 1) if unicodedata.category(chr(c))[0] in "LNS"]
    if not most or len(every) <= most:
        return every
    return [every[i] for i in sorted(np.random.default_rng(first).choice(len(every), most, replace=False))]


def draw() -> Iterator[tuple[str, str, npt.NDArray[np.uint8]]]:
    """Yield script, character, and the glyph white on black, uint8 (SIDE, SIDE), for every face that has it."""
    from matplotlib.ft2font import FT2Font

    wanted = {ord(c): (script, c) for script in BLOCKS for c in characters(script)}
    for file, number in faces():
        try:
            have = FT2Font(str(file)).get_charmap().keys() & wanted.keys()
            font = ImageFont.truetype(str(file), 40, index=number, layout_engine=ImageFont.Layout.BASIC)
        except (OSError, RuntimeError):
            continue
        seen = set()
        for code in sorted(have):
            glyph = _glyph(font, chr(code))
            if glyph is not None and (key := glyph.tobytes()) not in seen:  # a box for what a face does not have
                seen.add(key)
                yield *wanted[code], glyph


def _glyph(font: ImageFont.FreeTypeFont, character: str) -> npt.NDArray[np.uint8] | None:
    try:
        left, top, right, bottom = (int(v) for v in font.getbbox(character))
    except (OSError, ValueError):
        return None
    if not 2 < right - left < 400 or not 2 < bottom - top < 400:
        return None
    image = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(image).text((-left, -top), character, fill=255, font=font)
    image.thumbnail((SIDE - 6, SIDE - 6), Image.Resampling.BICUBIC)
    canvas = Image.new("L", (SIDE, SIDE))
    canvas.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    pixels = np.asarray(canvas)
    return pixels if pixels.mean() * SIDE * SIDE / 255 > 15 else None
