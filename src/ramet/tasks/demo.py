"""Demo tasks: real images that come with installed packages, so that everything can be tried with no network.

`digits` are scikit-learn's handwritten digits. All others are the characters of a script in the font faces that
matplotlib ships; some faces are for testing only, so a model is asked for letters in type that it has never seen.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image

from ramet.base.errors import UnknownName
from ramet.base.extras import extra
from ramet.tasks.glyphs import SIDE, render

IMAGES = 3000
"""About so many images has a task of characters."""

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


@dataclass(frozen=True, slots=True)
class Part:
    """One split of a demo task: images uint8 (N, 32, 32, 3) or (N, 32, 32), labels int64 (N,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo task: class names, its splits, and the versions of the packages that made it."""

    classes: tuple[str, ...]
    parts: Mapping[str, Part]
    versions: Mapping[str, str]


def load(name: str) -> Demo:
    """Return the images of a demo task, made anew in about a second; equal in every call.

    Raises:
        UnknownName: there is no such demo.
        DataError: the extra `demo` is not installed.
    """
    if name not in DEMOS:
        raise UnknownName(f"there is no demo task {name!r}", f"the demo tasks are {', '.join(DEMOS)}")
    return _digits() if name == "digits" else _characters(name)


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


def _characters(name: str) -> Demo:
    characters = _CHARACTERS[name]
    faces = faces_of(name)
    each = round(IMAGES / len(characters) / sum(map(len, faces.values())))
    labels = np.repeat(np.arange(len(characters), dtype=np.int64), each)
    parts = {
        split: Part(np.concatenate([render(name, f, characters, each) for f in found]), np.tile(labels, len(found)))
        for split, found in faces.items()
    }
    return Demo(class_names(characters), parts, _versions("matplotlib"))


def _digits() -> Demo:
    data = extra("sklearn.datasets", "demo").load_digits()
    levels = (data.images * (255 / 16)).astype(np.uint8)
    pictures = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for image in levels]
    images = np.stack([np.asarray(picture) for picture in pictures])
    labels = data.target.astype(np.int64)
    # The last fifth was written by people of whom train has little or nothing: one writer follows another in this data.
    start = len(labels) * 4 // 5
    parts = {"train": Part(images[:start], labels[:start]), "test": Part(images[start:], labels[start:])}
    return Demo(tuple("0123456789"), parts, _versions("sklearn"))


def _versions(package: str) -> dict[str, str]:
    return {package: extra(package, "demo").__version__, "pillow": PIL.__version__}
