import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ramet.base.errors import DataError, InvalidValue
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
            ["Train/a/1.png", "VALID/b/1.png", "annotations/x/1.xml"],
            {"train": [("Train/a/1.png", "a")], "validation": [("VALID/b/1.png", "b")]},
            id="other names of splits, folders without pictures passed over",
        ),
        pytest.param(
            ["train/1.png", "bus/1.png", "car/1.png"],
            {"train": [("bus/1.png", "bus"), ("car/1.png", "car"), ("train/1.png", "train")]},
            id="a class called train",
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
        pytest.param(
            [
                "a/1.png",
                "a/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg",
                "@eaDir/a/t.jpg",
                "#recycle/b/2.png",
                "b/1.png",
                "a/Thumbs.db",
                "a/.DS_Store",
                "$RECYCLE.BIN/x/1.png",
                "lost+found/1.png",
            ],
            {"train": [("a/1.png", "a"), ("b/1.png", "b")]},
            id="what systems leave in folders",
        ),
    ],
)
def test_layouts(tmp_path: Path, names: list[str], expected: dict[str, list[tuple[str, str]]]) -> None:
    assert listed(FolderSource.open(str(write(tmp_path, *names)))) == expected


@pytest.mark.parametrize("name", ["train", "test", "Val"])
def test_a_class_that_is_named_like_a_split_is_told(tmp_path: Path, name: str) -> None:
    top = str(write(tmp_path, f"{name}/1.png", "bus/1.png", "car/1.png"))
    (note,) = FolderSource.open(top).notes
    assert f"{name}/ in {top} is named like a split and read as a class" in note
    assert "layout=classes" in note
    assert FolderSource.open(top, layout="classes").notes == ()


def test_folders_that_are_clear_need_no_note(tmp_path: Path) -> None:
    assert FolderSource.open(str(write(tmp_path / "a", "bus/1.png", "car/1.png"))).notes == ()
    assert FolderSource.open(str(write(tmp_path / "b", "train/bus/1.png", "train/test/1.png"))).notes == ()


def test_order_does_not_depend_on_the_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, *(f"{c}/{i}/{i}.png" for c in "ab" for i in range(5)))
    forward = listed(FolderSource.open(str(tmp_path)))
    scandir = os.scandir

    @contextmanager
    def backwards(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(path) as entries:
            yield list(entries)[::-1]

    monkeypatch.setattr(os, "scandir", backwards)
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
    with pytest.raises(DataError, match=r"has no images in class folders.*; put the images of each class") as raised:
        FolderSource.open(str(write(tmp_path, *names)))
    assert str(tmp_path) in raised.value.problem


DOUBTFUL = [
    (["train/a/1.png", "train/b/1.png", "train/x.png", "test/a/1.png"],
     "train/, named like a split, holds 1 picture beside class folders (train/x.png)"),
    (["train/a/1.png", "train/b/1.png", "validate/a/1.png"], "beside train/ there are pictures in validate/"),
    (["train/a/1.png", "train/b/1.png", "holdout/a/1.png", "extra/1.png"],
     "beside train/ there are pictures in extra/ and holdout/"),
    (["train/a/1.png", "train/b/1.png", "test/1.png", "test/2.png"],
     "test/, named like a split, holds 2 pictures and no class folders (test/1.png)"),
    (["train/1.png", "test/1.png"], "test/, named like a split, holds 1 picture and no class folders (test/1.png)"),
    (["train/1.png", "bus/1.png", "test/1.png"], "test/, named like a split"),
    (["train/electric/1.png", "train/steam/1.png", "bus/1.png"], "beside train/ there are pictures in bus/"),
    (["validation/a/1.png", "test/a/1.png"], "there are test/ and validation/ and no train/"),
    (["a/1.png", "b/1.png", "test/a/1.png"], "beside test/ there are pictures in a/ and b/"),
]  # fmt: skip


@pytest.mark.parametrize(("names", "words"), DOUBTFUL)
def test_doubtful_layouts_are_refused(tmp_path: Path, names: list[str], words: str) -> None:
    with pytest.raises(DataError) as raised:
        FolderSource.open(str(write(tmp_path, *names)))
    assert words in raised.value.problem
    assert "layout=classes" in raised.value.remedy


@pytest.mark.parametrize("names", [names for names, _ in DOUBTFUL])
def test_every_layout_is_read_where_the_user_says_classes(tmp_path: Path, names: list[str]) -> None:
    source = FolderSource.open(str(write(tmp_path, *names)), layout="classes")
    assert source.classes == tuple(sorted({name.partition("/")[0] for name in names}))
    assert len(source.splits["train"]) == len(names)
    assert source.passed_over == {}


def test_where_the_user_says_splits_others_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "train/a/1.png", "train/b/1.png", "train/x.png", "test/a/1.png", "holdout/a/1.png", "loose.png")
    source = FolderSource.open(str(tmp_path), layout="splits")
    assert listed(source) == {
        "train": [("train/a/1.png", "a"), ("train/b/1.png", "b")], "test": [("test/a/1.png", "a")]
    }  # fmt: skip
    assert source.passed_over == {"outside class folders": 3}


def test_a_layout_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="layout = 'class' is no layout of a folder; choose classes or splits"):
        FolderSource.open(str(write(tmp_path, "a/1.png")), layout="class")


def test_what_is_passed_over_is_counted_and_named(tmp_path: Path) -> None:
    write(tmp_path, "a/1.png", "b/1.png", "c/1.heic", "c/2.HEIC", "a/notes.txt", "README", "0.png")
    (tmp_path / "empty").mkdir()
    source = FolderSource.open(str(tmp_path))
    assert source.passed_over == {".heic": 2, ".txt": 1, "outside class folders": 1, "without suffix": 1}
    assert source.empty_classes == ("c", "empty")


def test_where_nothing_is_left_the_kinds_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no images in class folders \(only 2 \.heic and 1 \.txt\)"):
        FolderSource.open(str(write(tmp_path, "a/1.heic", "b/2.heic", "b/x.txt")))


@pytest.mark.parametrize("name", ["a", "train", "a/deep"])
def test_a_folder_that_may_not_be_entered_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write(tmp_path, "a/deep/1.png", "b/1.png", "train/1.png")
    scandir = os.scandir

    def refused(path: Path) -> object:
        if Path(path) == tmp_path / name:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match=f"the folder {tmp_path / name} may not be listed: Permission denied"):
        FolderSource.open(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may enter every folder")
def test_a_class_without_rights_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "b").chmod(0)
    try:
        with pytest.raises(DataError, match="may not be listed"):
            FolderSource.open(str(tmp_path))
    finally:
        (tmp_path / "b").chmod(0o700)


def test_a_link_that_leads_back_up_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "a/1.png", "b/1.png", "elsewhere/2.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "c").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert FolderSource.open(str(tmp_path)).classes == ("a", "b", "c", "elsewhere")
