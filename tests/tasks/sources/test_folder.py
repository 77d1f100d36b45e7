import os
import sys
from pathlib import Path

import pytest

from ramet.base.errors import DataError
from ramet.tasks.sources.folder import FolderSource
from tests.tasks.examples import picture, png

PNG = png(picture("train", 0, 0))


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PNG)
    return folder


def listed(source: FolderSource) -> dict[str, list[tuple[str, str]]]:
    return {s: [(e.identifier, source.classes[e.label]) for e in found] for s, found in source.splits.items()}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(
            ["a/1.png", "b/2.JPG", "b/3.jpeg", "b/notes.txt"],
            {"train": [("a/1.png", "a"), ("b/2.JPG", "b"), ("b/3.jpeg", "b")]},
            id="class folders",
        ),
        pytest.param(
            ["train/a/1.png", "train/b/1.png", "test/a/1.png"],
            {"train": [("train/a/1.png", "a"), ("train/b/1.png", "b")], "test": [("test/a/1.png", "a")]},
            id="split folders",
        ),
        pytest.param(
            ["Train/a/1.png", "VALID/b/1.png", "unlabelled/x/1.png"],
            {"train": [("Train/a/1.png", "a")], "validation": [("VALID/b/1.png", "b")]},
            id="other names of splits, other folders passed over",
        ),
        pytest.param(
            ["train/1.png", "bus/1.png", "test/1.png"],
            {"train": [("bus/1.png", "bus"), ("test/1.png", "test"), ("train/1.png", "train")]},
            id="classes called train and test",
        ),
        pytest.param(
            ["a/x/1.png", "a/y/z/2.png", "b/1.png"],
            {"train": [("a/x/1.png", "a"), ("a/y/z/2.png", "a"), ("b/1.png", "b")]},
            id="nested",
        ),
        pytest.param(
            ["a/1.png", "a/._1.png", ".git/x/1.png", "a/.thumbs/1.png", "b/1.png", "__MACOSX/._b.png", "loose.png"],
            {"train": [("a/1.png", "a"), ("b/1.png", "b")]},
            id="hidden and loose files",
        ),
    ],
)
def test_layouts(tmp_path: Path, names: list[str], expected: dict[str, list[tuple[str, str]]]) -> None:
    assert listed(FolderSource.open(str(write(tmp_path, *names)))) == expected


def test_order_does_not_depend_on_the_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, *(f"{c}/{i}/{i}.png" for c in "ab" for i in range(5)))
    forward = listed(FolderSource.open(str(tmp_path)))
    walk, iterdir = os.walk, Path.iterdir
    monkeypatch.setattr(os, "walk", lambda top: reversed(list(walk(top))))
    monkeypatch.setattr(Path, "iterdir", lambda self: reversed(list(iterdir(self))))
    assert listed(FolderSource.open(str(tmp_path))) == forward


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are always UTF-8")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    write(tmp_path, "a/1.png", "b/1.png")
    with open(os.fsencode(tmp_path) + b"/a/\xff.png", "wb") as file:
        file.write(PNG)
    identifiers = [e.identifier for e in FolderSource.open(str(tmp_path)).splits["train"]]
    assert identifiers == ["a/1.png", "a/\\xff.png", "b/1.png"]


@pytest.mark.parametrize("names", [["a.png", "b.png"], ["a/1.txt", "b/2.txt"], []])
def test_no_images_in_class_folders(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(DataError, match=r"has no images in class folders; put the images of each class") as raised:
        FolderSource.open(str(write(tmp_path, *names)))
    assert str(tmp_path) in raised.value.problem
