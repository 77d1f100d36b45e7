from pathlib import Path

import pytest

from ramet.tasks.sources import open_source
from ramet.tasks.survey import Size, common_size, survey
from tests.tasks.examples import SIZE, write_folder


def fingerprint(folder: Path) -> str:
    return survey(open_source(str(folder)), lambda _: None).fingerprint


def test_what_is_found(tmp_path: Path) -> None:
    source = open_source(write_folder(tmp_path))
    (tmp_path / "test" / "red" / "03.png").write_bytes(b"no image")
    seen: list[int] = []
    found = survey(source, seen.append)
    assert found.sizes == {SIZE}
    assert list(found.bad) == ["test/red/03.png"]
    assert seen == list(range(1, 17))


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
        ({(28, 28)}, 224, (28, 28)),
        ({(28, 20)}, 28, (28, 20)),
        ({(28, 20)}, 24, (24, 24)),
        ({(28, 20), (20, 28)}, 224, (28, 28)),
        ({(300, 20), (20, 28)}, 224, (224, 224)),
    ],
)
def test_common_size(sizes: set[Size], max_side: int, expected: Size) -> None:
    assert common_size(frozenset(sizes), max_side) == expected
