"""`demo:NAME`: real images that come with installed packages, so that everything can be tried with no network.

`digits` are scikit-learn's handwritten digits. All others are the characters of a script in the font faces that
matplotlib ships, each with its own slant, size, weight, colours and noise; some faces are for testing only, so a model
is asked for letters in type that it has never seen. Every draw is keyed by task and font face, and only arithmetic that
is exact on every machine is used, so the pictures are the same bit for bit wherever fonts and Pillow are.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image, ImageDraw, ImageFont

from ramet.base.errors import UnknownName
from ramet.base.extras import extra
from ramet.base.randomness import generator
from ramet.base.text import did_you_mean
from ramet.tasks.sources.base import Content, Example, Source

IMAGES = 3000
"""About so many images has a task of characters."""

SIDE = 32
_CANVAS = 2 * SIDE
_EM = 46
_STROKES = (0, 0, 1)
"""Pixels, at canvas size, by which a glyph is drawn bolder."""

_FACES = (
    "DejaVuSans", "DejaVuSerif", "STIXGeneral", "DejaVuSans-Bold", "cmr10", "DejaVuSansMono", "STIXGeneralItalic",
    "DejaVuSerif-Bold", "cmss10", "DejaVuSans-Oblique", "STIXGeneralBol", "DejaVuSansMono-Bold", "cmti10",
    "DejaVuSerif-Italic", "cmb10", "DejaVuSans-BoldOblique", "DejaVuSansMono-Oblique", "cmtt10", "STIXGeneralBolIta",
    "DejaVuSerif-BoldItalic", "DejaVuSansMono-BoldOblique",
)  # fmt: skip
"""In an order that spreads families and weights over the splits."""

_CHARACTERS = {
    "numerals": "0123456789",
    "latin-capitals": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "latin-small": "abcdefghijklmnopqrstuvwxyz",
    "latin-accents": "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝ",
    "greek-capitals": "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
    "greek-small": "αβγδεζηθικλμνξοπρστυφχψω",
    "cyrillic-capitals": "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ",
    "cyrillic-small": "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "armenian-capitals": "ԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖ",
    "armenian-small": "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
    "georgian": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "lao": "ກຂຄງຈສຊຍດຕຖທນບປຜຝພຟມຢຣລວຫອຮ",
    "tifinagh": "ⴰⴱⴳⴷⴹⴻⴼⴽⵀⵃⵄⵅⵇⵉⵊⵍⵎⵏⵓⵔⵕⵖⵙⵚⵛⵜⵟⵡⵢⵣⵥ",
    "nko": "ߊߋߌߍߎߏߐߓߔߕߖߗߘߙߚߛߜߝߞߟߠߡߢߣߤߥߦ",
    "ogham": "ᚁᚂᚃᚄᚅᚆᚇᚈᚉᚊᚋᚌᚍᚎᚏᚐᚑᚒᚓᚔ",
    "syllabics": "ᐁᐃᐅᐊᐯᐱᐳᐸᑌᑎᑐᑕᑫᑭᑯᑲᒉᒋᒍᒐᒣᒥᒧᒪᓀᓂᓄᓇ",
    "mathematics": "∀∂∃∅∆∇∈∏∑√∝∞∠∧∨∩∪∫∴≅≈≠≡≤≥⊂⊃⊕⊗⊥",
    "arrows": "←↑→↓↔↕↖↗↘↙↚↛↞↠↢↣↦↩↪↰↱↶↷↺↻⇄⇐⇑⇒⇓⇔",
    "astrology": "☉☽☿♀♁♂♃♄♅♆♇♈♉♊♋♌♍♎♏♐♑♒♓",
}

DEMOS = ("digits", *_CHARACTERS)
"""The names behind `demo:`."""

_Floats = npt.NDArray[np.float64]
_Part = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Images (N, 32, 32, 3) or (N, 32, 32) of a split, and their labels (N,)."""


@dataclass(frozen=True, kw_only=True)
class DemoSource(Source):
    """A demo task, made anew in about a second; an image's identifier says its split, class and number."""

    parts: Mapping[str, _Part]
    versions: Mapping[str, str]

    @classmethod
    def open(cls, name: str) -> "DemoSource":
        """Make the images of a demo task; equal in every call.

        Raises:
            UnknownName: there is no such demo.
            DataError: the extra `demo` is not installed.
        """
        if name not in DEMOS:
            raise UnknownName(f"there is no demo task {name!r}", did_you_mean(name, DEMOS))
        classes, parts = (tuple("0123456789"), _digits()) if name == "digits" else _characters(name)
        package = "sklearn" if name == "digits" else "matplotlib"
        return cls(
            uri=f"demo:{name}",
            classes=classes,
            splits={
                split: [Example(f"{split}/{classes[y]}/{i}", int(y)) for i, y in enumerate(labels)]
                for split, (_, labels) in parts.items()
            },
            parts=parts,
            versions={package: extra(package, "demo").__version__, "pillow": PIL.__version__},
        )

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the images of a split."""
        yield from self.parts[split][0]

    def stamps(self) -> Mapping[str, str]:
        """Return the versions of the packages that the images come from."""
        return self.versions


def _digits() -> dict[str, _Part]:
    data = extra("sklearn.datasets", "demo").load_digits()
    levels = (data.images * (255 / 16)).astype(np.uint8)
    pictures = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for image in levels]
    images = np.stack([np.asarray(picture) for picture in pictures])
    labels = data.target.astype(np.int64)
    # The last fifth was written by people of whom train has little or nothing: one writer follows another in this data.
    start = len(labels) * 4 // 5
    return {"train": (images[:start], labels[:start]), "test": (images[start:], labels[start:])}


def _characters(name: str) -> tuple[tuple[str, ...], dict[str, _Part]]:
    characters, faces = _CHARACTERS[name], faces_of(name)
    each = round(IMAGES / len(characters) / sum(map(len, faces.values())))
    labels = np.repeat(np.arange(len(characters), dtype=np.int64), each)
    return class_names(characters), {
        split: (np.concatenate([render(name, f, characters, each) for f in found]), np.tile(labels, len(found)))
        for split, found in faces.items()
    }


def class_names(characters: Sequence[str]) -> tuple[str, ...]:
    """Return what to call each character: Latin ones by themselves, others by what their Unicode names do not share."""
    if all(ord(c) < 0x250 for c in characters):
        return tuple(characters)
    names = [unicodedata.name(c).lower().split() for c in characters]
    shared = 0
    while len({name[shared] for name in names}) == 1:
        shared += 1
    return tuple(" ".join(name[shared:]) for name in names)


def faces_of(name: str) -> dict[str, list[Path]]:
    """Return the font faces for each split of a task of characters: those that have all its characters."""
    folder = Path(extra("matplotlib", "demo").get_data_path(), "fonts", "ttf")
    font = extra("matplotlib.ft2font", "demo").FT2Font
    wanted = set(map(ord, _CHARACTERS[name]))
    faces = [file for face in _FACES if wanted <= font(str(file := folder / f"{face}.ttf")).get_charmap().keys()]
    test, validation = faces[3::4] or faces[-1:], faces[5::8]
    train = [face for face in faces if face not in test + validation]
    return {split: found for split, found in (("train", train), ("validation", validation), ("test", test)) if found}


def render(task: str, face: Path, characters: Sequence[str], each: int) -> npt.NDArray[np.uint8]:
    """Return pictures of every character in a font face: uint8 (characters x each, SIDE, SIDE, 3), in turn."""
    draws = generator("demo", task, face.name)
    n = len(characters) * each
    strokes = draws.integers(len(_STROKES), size=n)
    warps = _warps(draws.uniform(-1, 1, (n, 6)))
    font = ImageFont.truetype(str(face), _EM, layout_engine=ImageFont.Layout.BASIC)
    glyphs = {(c, s): _glyph(font, c, s) for c in characters for s in set(_STROKES)}
    ink_NHW = np.empty((n, SIDE, SIDE))
    for i, warp in enumerate(warps):
        glyph = glyphs[characters[i // each], _STROKES[strokes[i]]]
        bent = glyph.transform(glyph.size, Image.Transform.AFFINE, tuple(warp.tolist()), Image.Resampling.BILINEAR)
        ink_NHW[i] = np.asarray(bent.reduce(_CANVAS // SIDE))
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
