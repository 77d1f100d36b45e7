import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from ramet.base.errors import DataError, InvalidValue, RametError
from ramet.base.progress import Progress
from ramet.base.records import Task, to_json
from ramet.tasks.data import add, check_source, open_splits, remove_cache
from tests.tasks.examples import CLASSES, SIZE, examples, png, write_class_folders, write_folder, write_npz

NOISE = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)


def plain(**changes: Any) -> dict[str, Any]:
    return {"max_side": 64, **changes}


def arrays(system: Path, task: Task) -> dict[str, tuple[bytes, bytes]]:
    return {name: (s.images.tobytes(), s.labels.tobytes()) for name, s in open_splits(system, task).items()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return Path(write_folder(tmp_path / "source"))


@pytest.fixture
def system(tmp_path: Path) -> Path:
    return tmp_path / "system"


def test_the_record_says_what_was_read(source: Path, system: Path) -> None:
    task = add(system, "colours/two", str(source), **plain())
    assert replace(task, fingerprint="") == Task(
        name="colours/two",
        source=str(source),
        classes=CLASSES,
        splits={"train": 10, "validation": 2, "test": 4},
        fingerprint="",
        options={
            "max_side": 64, "validation": None, "test": None, "skip_bad_images": False, "source": {},
            "size": [5, 7], "bad_images": 0, "skipped": {}, "passed_over": {}, "columns": {},
            "classes_without_images": [],
            "classes_without_validation": [], "classes_without_test": [],
            "duplicates": {"train-validation": 0, "train-test": 0, "validation-test": 0},
        },
    )  # fmt: skip
    assert len(task.fingerprint) == 64


def test_the_splits_hold_the_images(source: Path, system: Path) -> None:
    splits = open_splits(system, add(system, "t", str(source), **plain()))
    assert list(splits) == ["train", "validation", "test"]
    for split in splits.values():
        assert isinstance(split.images, np.memmap)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert split.images.shape == (len(split.labels), *SIZE, 3)
    got = zip(splits["test"].images, splits["test"].labels, strict=True)
    assert {(image.tobytes(), int(label)) for image, label in got} == {(p.tobytes(), y) for p, y in examples("test")}
    learnt = [image.tobytes() for name in ("train", "validation") for image in splits[name].images]
    assert sorted(learnt) == sorted(pixels.tobytes() for pixels, _ in examples("train"))


def test_images_of_many_sizes_become_squares(source: Path, system: Path) -> None:
    (source / "train" / "red" / "wide.png").write_bytes(png(np.zeros((3, 40, 3), np.uint8)))
    assert open_splits(system, add(system, "t", str(source), **plain()))["test"].images.shape == (4, 40, 40, 3)
    assert open_splits(system, add(system, "t", str(source), max_side=16))["test"].images.shape == (4, 16, 16, 3)


def test_the_user_s_fractions(source: Path, system: Path) -> None:
    task = add(system, "t", str(source / "train"), **plain(validation=0.33, test=0.5))
    assert task.splits == {"train": 2, "validation": 4, "test": 6}


class Seen(Progress):
    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.notes: list[str] = []

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def advanced(self, what: str, done: int, total: int) -> None:
        self.steps.append((what, done, total))


def test_duplicates_are_counted_for_each_pair_of_splits(source: Path, system: Path) -> None:
    for place in ("train/red/06.png", "train/blue/00.png"):
        for i in range(2):
            target = source / "test" / "red" / f"{place[6]}{i}.png"
            target.write_bytes((source / place).read_bytes())
    (source / "val" / "red").mkdir(parents=True)
    shutil.copy(source / "test" / "blue" / "00.png", source / "val" / "red" / "0.png")
    shutil.copy(source / "train" / "red" / "06.png", source / "val" / "red" / "1.png")
    task = add(system, "t", str(source), **plain())
    assert task.options["duplicates"] == {"train-validation": 1, "train-test": 4, "validation-test": 3}


@pytest.mark.parametrize("again", [lambda pixels: png(pixels), lambda pixels: png(pixels, compress_level=1)])
def test_equal_images_stay_on_one_side_of_a_split(tmp_path: Path, system: Path, again: Any) -> None:
    top = Path(write_class_folders(tmp_path / "flat"))
    for file in sorted(top.rglob("*.png")):
        file.with_name(f"z{file.name}").write_bytes(again(png_pixels(file)))
    task = add(system, "t", str(top), **plain(validation=0.2, test=0.2))
    assert sum(task.splits.values()) == 24
    assert min(task.splits.values()) >= 4
    assert set(task.options["duplicates"].values()) == {0}


def test_images_that_are_all_one(tmp_path: Path, system: Path) -> None:
    top = Path(write_class_folders(tmp_path / "flat"))
    for file in top.rglob("*.png"):
        file.write_bytes(png(NOISE))
    with pytest.raises(DataError, match=r"no class has enough images to give one to the test split.*different ones"):
        add(system, "t", str(top), **plain())


def png_pixels(file: Path) -> Any:
    from PIL import Image

    return np.asarray(Image.open(file))


def test_every_image_is_read_once(source: Path, system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()
    whole = Path.read_bytes

    def counted(path: Path) -> bytes:
        read[path.name + path.parent.name + path.parent.parent.name] += path.suffix == ".png"
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    (source / "train" / "red" / "wide.png").write_bytes(png(np.zeros((3, 40, 3), np.uint8)))
    seen = Seen()
    add(system, "t", str(source), **plain(progress=seen))
    assert len(read) == 17
    assert set(read.values()) == {1}
    assert seen.steps[:17] == [("decoding t", i, 17) for i in range(1, 18)]
    assert seen.steps[17:] == [("resizing t", i, 17) for i in range(1, 18)]


def test_added_again_it_is_not_read_again(source: Path, system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = add(system, "t", str(source), **plain())
    inode = (system / "cache" / "t").stat().st_ino
    os.utime(source / "test" / "red" / "02.png", ns=(0, 0))
    assert add(system, "t", str(source), **plain()) == task
    monkeypatch.setattr("ramet.tasks.data.fingerprint_of", None)
    assert add(system, "t", str(source), **plain()) == task
    assert (system / "cache" / "t").stat().st_ino == inode


def test_the_same_stamps_of_another_source_do_not_count(system: Path) -> None:
    one, other = add(system, "t", "demo:ogham", **plain()), add(system, "t", "demo:lao", **plain())
    assert one.fingerprint != other.fingerprint
    assert open_splits(system, other)["train"].images.tobytes() != open_splits(system, one)["train"].images.tobytes()


def test_added_from_another_place_or_machine_it_is_the_same(source: Path, system: Path, tmp_path: Path) -> None:
    task = add(system, "t", str(source), **plain())
    moved = add(system, "t", shutil.move(source, tmp_path / "moved"), **plain())
    assert moved == replace(task, source=str(tmp_path / "moved"))
    assert add(tmp_path / "other", "t", moved.source, **plain()) == moved


def test_other_options_replace_the_cache(source: Path, system: Path) -> None:
    small = add(system, "t", str(source), max_side=4)
    large = add(system, "t", str(source), **plain())
    assert small.options["size"] == [4, 4]
    assert open_splits(system, large)["test"].images.shape[1:] == (*SIZE, 3)
    assert open_splits(system, small)["test"].images.shape[1:] == (4, 4, 3)


def test_a_deleted_cache_is_made_again(source: Path, system: Path) -> None:
    task = add(system, "a/b", str(source), **plain())
    before = arrays(system, task)
    remove_cache(system, "a/b")
    assert not list((system / "cache").glob("a*"))
    from_catalog = Task(**to_json(task))
    assert arrays(system, replace(from_catalog, classes=tuple(from_catalog.classes))) == before


def test_a_cache_is_enough_without_the_source(source: Path, system: Path) -> None:
    task = add(system, "t", str(source), **plain())
    before = arrays(system, task)
    shutil.rmtree(source)
    assert arrays(system, task) == before
    with pytest.raises(DataError, match=f"{source} does not exist"):
        check_source(system, task)


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda top: shutil.copy(top / "test/red/02.png", top / "test/red/9.png"), "1 added (test/red/9.png)"),
        (lambda top: (top / "test/red/02.png").unlink(), "1 removed (test/red/02.png)"),
        (lambda top: (top / "train/red/06.png").write_bytes((top / "train/red/07.png").read_bytes() + b"\0"),
         "1 edited (train/red/06.png)"),
    ],
    ids=["added", "removed", "edited"],
)  # fmt: skip
def test_a_changed_source_is_named(source: Path, system: Path, cached: bool, change: Any, words: str) -> None:
    task = add(system, "t", str(source), **plain())
    check_source(system, task)
    change(source)
    if not cached:
        remove_cache(system, "t")
        with pytest.raises(DataError, match="is not what it was"):
            open_splits(system, task)
    with pytest.raises(DataError) as raised:
        check_source(system, task)
    assert raised.value.problem.startswith(f"{source} is not what it was when task 't' was added")
    assert (words in raised.value.problem) == cached
    assert raised.value.remedy


def test_a_touched_source_is_looked_into_once(source: Path, system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = add(system, "t", str(source), **plain())
    os.utime(source / "test" / "red" / "02.png", ns=(0, 0))
    check_source(system, task)
    monkeypatch.setattr("ramet.tasks.data.fingerprint_of", None)
    check_source(system, task)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("broken", [b"no image", png(NOISE)[:900]], ids=["header", "pixels"])
def test_bad_images(source: Path, system: Path, broken: bytes, skip: bool) -> None:
    for name in ("train/red/06.png", "test/blue/00.png"):
        (source / name).write_bytes(broken)
    if not skip:
        with pytest.raises(DataError, match=r"train/red/06\.png of .*\(nor can 1 more\).*--skip-bad-images"):
            add(system, "t", str(source), **plain())
        assert not (system / "cache" / "t").exists()
        return
    task = add(system, "t", str(source), **plain(skip_bad_images=True))
    assert task.options["bad_images"] == 2
    assert list(task.options["skipped"]) == ["train/red/06.png", "test/blue/00.png"]
    assert all(task.options["skipped"].values())
    assert json.loads((system / "cache" / "t" / "skipped.json").read_text()) == task.options["skipped"]
    assert task.splits == {"train": 9, "validation": 2, "test": 3}
    assert {name: len(split.labels) for name, split in open_splits(system, task).items()} == task.splits


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("../t", {}, "'../t' cannot be the name"),
        ("t", {"max_side": 0}, "max_side = 0 leaves no image"),
        ("t", {"validation": 2.0}, "validation = 2.0 is not a fraction"),
        ("t", {"test": 0.5}, "test = 0.5 asks for a test split that the source already has"),
        ("t", {"label": "y"}, "'label' is no option of a folder source"),
    ],
)
def test_what_is_asked_wrongly(source: Path, system: Path, name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidValue, match=words) as raised:
        add(system, name, str(source), **plain(**options))
    assert raised.value.remedy
    assert not system.exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from ramet.base.progress import Progress
from ramet.tasks.data import add
class Killer(Progress):
    def advanced(self, what, done, total):
        if (what, done) == ({what!r}, {at}):
            os.kill(os.getpid(), signal.SIGKILL)
add(Path({system!r}), "t", {source!r}, max_side=64, progress=Killer())
"""


@pytest.mark.parametrize(("what", "at"), [("decoding t", 3), ("decoding t", 17), ("resizing t", 9)])
def test_killed_it_leaves_nothing_that_counts_and_the_same_call_finishes(
    source: Path, system: Path, tmp_path: Path, what: str, at: int
) -> None:
    (source / "train" / "red" / "wide.png").write_bytes(png(np.zeros((3, 40, 3), np.uint8)))
    code = KILLED.format(what=what, at=at, system=str(system), source=str(source))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert not (system / "cache" / "t").exists()
    task = add(system, "t", str(source), **plain())
    assert arrays(system, task) == arrays(tmp_path / "other", add(tmp_path / "other", "t", str(source), **plain()))
    assert sorted(p.name for p in (system / "cache").iterdir()) == [".t.lock", "t"]


def test_two_at_once_make_one_cache(source: Path, system: Path) -> None:
    tasks: list[Task] = []
    threads = [Thread(target=lambda: tasks.append(add(system, "t", str(source), **plain()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tasks) == 3
    assert tasks.count(tasks[0]) == 3


def test_an_archive_is_added_as_a_folder_is(source: Path, system: Path, tmp_path: Path) -> None:
    task = add(system, "t", write_npz(tmp_path / "arrays"), **plain())
    assert task.splits == {"train": 10, "validation": 2, "test": 4}
    check_source(system, task)


@pytest.mark.parametrize("name", ["train", "test"])
def test_a_split_whose_images_are_all_bad(source: Path, system: Path, name: str) -> None:
    for file in (source / name).rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(RametError, match=f"the {name} split of .* holds no image"):
        add(system, "t", str(source), **plain(skip_bad_images=True))


def test_demo_names_that_come_with_the_package(system: Path) -> None:
    task = add(system, "t", "demo:ogham", **plain())
    assert task.options["size"] == [32, 32]
    assert set(task.options["duplicates"].values()) == {0}
    check_source(system, task)


def test_class_folders_alone(system: Path, tmp_path: Path) -> None:
    task = add(system, "t", write_class_folders(tmp_path / "flat"), **plain())
    assert task.splits == {"train": 8, "validation": 2, "test": 2}


def test_a_class_that_is_named_like_a_split_is_told_and_added(system: Path, tmp_path: Path) -> None:
    top = Path(write_class_folders(tmp_path / "flat"))
    (top / "red").rename(top / "test")
    seen = Seen()
    assert add(system, "t", str(top), **plain(progress=seen)).classes == ("blue", "test")
    assert [note.partition(" is named like a split")[0] for note in seen.notes] == [f"test/ in {top}"]
    add(system, "u", str(top), **plain(progress=seen, layout="classes"))
    assert len(seen.notes) == 1


def test_a_class_of_bad_images_only_is_no_class(source: Path, system: Path) -> None:
    for split in ("train", "test"):
        (source / split / "azure").mkdir()
        (source / split / "azure" / "0.png").write_bytes(b"no image")
    task = add(system, "t", str(source), **plain(skip_bad_images=True))
    assert task.classes == CLASSES
    got = zip(*(getattr(open_splits(system, task)["test"], what) for what in ("images", "labels")), strict=True)
    assert {(image.tobytes(), int(label)) for image, label in got} == {(p.tobytes(), y) for p, y in examples("test")}
    remove_cache(system, "t")
    assert open_splits(system, task)["test"].labels.tolist() == [0, 0, 1, 1]


def test_classes_that_lack_images_are_named(source: Path, system: Path) -> None:
    shutil.rmtree(source / "test" / "red")
    (source / "train" / "white").mkdir()
    (source / "train" / "heic").mkdir()
    (source / "train" / "heic" / "1.heic").touch()
    task = add(system, "t", str(source), **plain())
    assert task.options["classes_without_test"] == ["red"]
    assert task.options["classes_without_images"] == ["heic", "white"]
    assert task.options["passed_over"] == {".heic": 1}


def test_labels_that_count_to_far(system: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=images, y=np.array([0, 1, 2, 3] * 3 + [255] * 4))
    task = add(system, "t", str(tmp_path / "a.npz"), **plain())
    assert (len(task.classes), len(task.options["classes_without_images"])) == (256, 251)


@pytest.mark.parametrize("name", [b"pl\xe4tze", b"\xff"])
def test_names_that_are_no_text_are_refused_at_the_door(source: Path, system: Path, name: bytes) -> None:
    place = os.fsdecode(os.fsencode(source.parent) + b"/" + name)
    source.rename(place)
    with pytest.raises(DataError, match=r"\\x|\\udc") as raised:
        add(system, "t", place, **plain())
    str(raised.value).encode()
    assert not system.exists()


def test_options_that_are_no_text_are_refused(system: Path) -> None:
    with pytest.raises(RametError) as raised:
        add(system, "t", "demo:ogham", **plain(label="\udce4"))
    str(raised.value).encode()


def test_a_record_is_read_as_it_was_written(source: Path, system: Path) -> None:
    import msgspec

    (source / "train" / "r\u00f6d \u2713").mkdir()
    (source / "train" / "r\u00f6d \u2713" / "1.png").write_bytes(png(NOISE))
    with open(os.fsencode(source) + b"/train/red/\xff.png", "wb") as file:
        file.write(b"no image")
    task = add(system, "t", str(source), **plain(skip_bad_images=True))
    plainly = to_json(task)
    assert msgspec.json.decode(msgspec.json.encode(plainly)) == plainly
    assert list(task.options["skipped"]) == ["train/red/\\xff.png"]
