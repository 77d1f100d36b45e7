from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ramet.tasks.build import Size, fingerprint_of
from ramet.tasks.data import add, open_splits
from ramet.tasks.images import decode
from ramet.tasks.sources import open_source
from tests.tasks.examples import write_folder


def fingerprint(folder: Path) -> str:
    return fingerprint_of(open_source(str(folder)))


def test_a_pinned_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"one")
    (tmp_path / "b" / "2.png").write_bytes(b"two")
    assert fingerprint(tmp_path) == "227dcfa2081fff1253badd7fb016cbd93d64ced50928759874286667f2020929"


def test_the_fingerprint_is_of_the_contents(tmp_path: Path) -> None:
    write_folder(tmp_path / "a")
    write_folder(tmp_path / "b")
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


@pytest.mark.parametrize(
    ("path", "to"),
    [
        pytest.param("test/red/02.png", "test/red/2.png", id="another name"),
        pytest.param("test/red/02.png", "test/blue/02.png", id="another class"),
        pytest.param("test/red/02.png", "train/red/02.png", id="another split"),
        pytest.param("test/red/02.png", "away.png", id="removed"),
        pytest.param("test/red", "test/crimson", id="another class name"),
    ],
)
def test_the_fingerprint_changes_with(tmp_path: Path, path: str, to: str) -> None:
    write_folder(tmp_path)
    before = fingerprint(tmp_path)
    (tmp_path / path).rename(tmp_path / to)
    if to == "test/crimson":
        (tmp_path / "train" / "red").rename(tmp_path / "train" / "crimson")
    assert fingerprint(tmp_path) != before


def test_one_byte_changes_the_fingerprint(tmp_path: Path) -> None:
    write_folder(tmp_path)
    before = fingerprint(tmp_path)
    with (tmp_path / "test" / "red" / "02.png").open("ab") as file:
        file.write(b"\0")
    assert fingerprint(tmp_path) != before


@pytest.mark.parametrize(
    ("sizes", "max_side", "expected"),
    [
        ([(28, 28)], 224, (28, 28)),
        ([(28, 20)], 28, (28, 20)),
        ([(28, 20)], 24, (24, 24)),
        ([(28, 20), (20, 28)], 224, (28, 28)),
        ([(300, 20), (20, 28)], 224, (224, 224)),
        ([(300, 20), (224, 224)], 224, (224, 224)),
    ],
)
def test_the_common_size_and_its_pixels(tmp_path: Path, sizes: list[Size], max_side: int, expected: Size) -> None:
    rng = np.random.default_rng(0)
    for i in range(12):
        file = tmp_path / "source" / "ab"[i % 2] / f"{i:02}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        height, width = sizes[i // 2 % len(sizes)]
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(file)
    source = str(tmp_path / "source")
    task = add(tmp_path / "system", "t", source, max_side=max_side, validation=0.2, test=0.2)
    assert tuple(task.options["size"]) == expected
    got = {image.tobytes() for split in open_splits(tmp_path / "system", task).values() for image in split.images}
    assert got == {decode(file, expected).tobytes() for file in Path(source).rglob("*.jpg")}
