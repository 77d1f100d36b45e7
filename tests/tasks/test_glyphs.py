import hashlib
import subprocess
import sys

import numpy as np
import pytest

from ramet.tasks.demo import faces_of
from ramet.tasks.glyphs import SIDE, render

FACES = faces_of("numerals")["train"]


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
        "import hashlib; from pathlib import Path; from ramet.tasks.glyphs import render\n"
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
