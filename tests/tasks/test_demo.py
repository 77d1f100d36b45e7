import sys

import numpy as np
import pytest
from fontTools.ttLib import TTFont

from ramet.base.errors import DataError, UnknownName
from ramet.tasks.demo import _CHARACTERS, DEMOS, class_names, faces_of, load


@pytest.mark.parametrize("name", _CHARACTERS)
def test_every_face_has_every_character(name: str) -> None:
    faces = faces_of(name)
    assert {"train", "test"} <= faces.keys()
    every = [face for found in faces.values() for face in found]
    assert len(set(every)) == len(every)
    for face in every:
        glyphs = TTFont(face, lazy=True).getBestCmap()
        assert [c for c in _CHARACTERS[name] if glyphs.get(ord(c), ".notdef") == ".notdef"] == []


@pytest.mark.parametrize("name", _CHARACTERS)
def test_every_class_has_a_name_of_its_own(name: str) -> None:
    names = class_names(_CHARACTERS[name])
    assert len(set(names)) == len(set(_CHARACTERS[name])) == len(names)
    assert all(names)


@pytest.mark.parametrize(
    ("characters", "names"),
    [
        ("AB", ("A", "B")),
        ("αω", ("alpha", "omega")),
        ("∀∩", ("for all", "intersection")),
        ("←↕", ("leftwards arrow", "up down arrow")),
    ],
)
def test_class_names(characters: str, names: tuple[str, ...]) -> None:
    assert class_names(characters) == names


def test_there_are_enough() -> None:
    assert len(DEMOS) >= 10


@pytest.mark.parametrize("name", ["digits", "ogham", "numerals"])
def test_images(name: str) -> None:
    demo = load(name)
    counts = {split: len(part.labels) for split, part in demo.parts.items()}
    assert 1500 <= sum(counts.values()) <= 4000
    assert counts["test"] >= 0.15 * counts["train"]
    for part in demo.parts.values():
        assert part.images.dtype == np.uint8
        assert part.images.shape[:3] == (len(part.labels), 32, 32)
        assert set(part.labels) == set(range(len(demo.classes)))
        assert len(np.unique(part.images.reshape(len(part.images), -1), axis=0)) == len(part.images)
        assert part.images.reshape(len(part.images), -1).std(axis=1).min() > 3
    assert set(demo.versions) == {"pillow", "sklearn" if name == "digits" else "matplotlib"}


def test_characters_can_be_told_apart() -> None:
    """A nearest neighbour among the training images is right far more often than a guess: labels fit the images."""
    demo = load("syllabics")
    x, labels = {}, {split: part.labels for split, part in demo.parts.items()}
    for split, part in demo.parts.items():
        grey = part.images.mean(axis=3)
        flat = np.abs(grey - np.median(grey, axis=(1, 2), keepdims=True)).reshape(len(grey), -1)
        x[split] = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    nearest = (x["test"][::4] @ x["train"].T).argmax(axis=1)
    assert (labels["train"][nearest] == labels["test"][::4]).mean() > 0.5


def test_a_mistyped_name_is_answered_with_the_choices() -> None:
    with pytest.raises(UnknownName, match="no demo task 'greek'; the demo tasks are digits, numerals"):
        load("greek")


@pytest.mark.parametrize(("name", "module"), [("digits", "sklearn"), ("ogham", "matplotlib")])
def test_a_missing_extra_is_named(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for loaded in [key for key in sys.modules if key.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=rf'needs the library {module}.*; pip install "ramet\[demo\]"'):
        load(name)
