import hashlib
import subprocess
import sys

import numpy as np
import pytest
from fontTools.ttLib import TTFont

from ramet.base.errors import DataError, UnknownName
from ramet.tasks.sources.demo import _CHARACTERS, DEMOS, SIDE, DemoSource, class_names, faces_of, render

FACES = faces_of("numerals")["train"]


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
    demo = DemoSource.open(name)
    counts = {split: len(labels) for split, (_, labels) in demo.parts.items()}
    assert 1500 <= sum(counts.values()) <= 4000
    assert counts["test"] >= 0.15 * counts["train"]
    for images, labels in demo.parts.values():
        assert images.dtype == np.uint8
        assert images.shape[:3] == (len(labels), 32, 32)
        assert set(labels) == set(range(len(demo.classes)))
        assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)
        assert images.reshape(len(images), -1).std(axis=1).min() > 3
    assert set(demo.stamps()) == {"pillow", "sklearn" if name == "digits" else "matplotlib"}


def test_characters_can_be_told_apart() -> None:
    """A nearest neighbour among the training images is right far more often than a guess: labels fit the images."""
    demo = DemoSource.open("syllabics")
    x, labels = {}, {split: part[1] for split, part in demo.parts.items()}
    for split, (images, _) in demo.parts.items():
        grey = images.mean(axis=3)
        flat = np.abs(grey - np.median(grey, axis=(1, 2), keepdims=True)).reshape(len(grey), -1)
        x[split] = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    nearest = (x["test"][::4] @ x["train"].T).argmax(axis=1)
    assert (labels["train"][nearest] == labels["test"][::4]).mean() > 0.5


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("greke-small", "did you mean greek-small"),
        ("digit", "did you mean digits"),
        ("xyz", "choose one of digits, numerals"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest_ones_or_all(name: str, remedy: str) -> None:
    with pytest.raises(UnknownName, match=f"no demo task '{name}'; {remedy}"):
        DemoSource.open(name)


@pytest.mark.parametrize(("name", "module"), [("digits", "sklearn"), ("ogham", "matplotlib")])
def test_a_missing_extra_is_named(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for loaded in [key for key in sys.modules if key.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=rf'needs the library {module}.*; pip install "ramet\[demo\]"'):
        DemoSource.open(name)


def test_pictures_a_character_at_a_time() -> None:
    pictures = render("t", FACES[0], "017", 5)
    assert pictures.shape == (15, SIDE, SIDE, 3)
    assert pictures.dtype == np.uint8


def test_draws_are_keyed_by_task_and_face() -> None:
    one = render("t", FACES[0], "017", 2)
    np.testing.assert_array_equal(one, render("t", FACES[0], "017", 2))
    assert (one != render("u", FACES[0], "017", 2)).any()
    assert (one != render("t", FACES[1], "017", 2)).any()


def test_equal_in_every_process() -> None:
    code = (
        "import hashlib; from pathlib import Path; from ramet.tasks.sources.demo import render\n"
        f"print(hashlib.sha256(render('t', Path({str(FACES[0])!r}), '017', 4).tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert hashlib.sha256(render("t", FACES[0], "017", 4).tobytes()).hexdigest() == other


@pytest.mark.parametrize("character", ["l", "W", "ᚔ", "∑"])
def test_the_ink_is_inside_and_to_be_seen(character: str) -> None:
    """Whatever its width: the middle of a picture differs from its rim, which is paper."""
    face = next(face for face in FACES if face.stem == "DejaVuSans")
    grey = render("t", face, character, 40).mean(axis=3)
    rim = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    inner = grey[:, 6:-6, 6:-6].reshape(40, -1)
    contrast = np.abs(inner - np.median(rim, axis=1)[:, None]).max(axis=1)
    assert (contrast > 50).mean() > 0.9
