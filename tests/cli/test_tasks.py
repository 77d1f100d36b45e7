import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.helpers import refused, run, run_json, state


def picture(file: Path, shade: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([shade, len(file.name), sum(file.name.encode())])
    Image.fromarray(rng.integers(256, size=(12, 12, 3), dtype=np.uint8)).save(file)


def classes(folder: Path, *names: str, each: int = 20) -> Path:
    for shade, name in enumerate(names):
        for i in range(each):
            picture(folder / name / f"{name}{i}.png", shade)
    return folder


def archive(file: Path, **arrays: Any) -> Path:
    with file.open("wb") as target:
        np.savez(target, **arrays)
    return file


def empty_folder(folder: Path) -> str:
    (folder / "flowers").mkdir()
    return str(folder / "flowers")


def one_class(folder: Path) -> str:
    return str(classes(folder / "flowers", "rose"))


def no_test_images(folder: Path) -> str:
    """A table whose labels fill no split but one of validation."""
    classes(folder / "flowers", "rose", "tulip")
    (folder / "flowers.csv").write_text("path,label,split\nflowers/rose/rose0.png,rose,validation\n")
    return f"csv:{folder / 'flowers.csv'}"


def strange_labels(folder: Path) -> str:
    images = np.zeros((8, 4, 4), np.uint8)
    file = folder / "flowers.npz"
    archive(file, x_train=images, y_train=np.arange(8) % 2, x_test=images, y_test=np.full(8, 7))
    return f"npz:{file}"


def empty_split(folder: Path) -> str:
    images = np.zeros((8, 4, 4), np.uint8)
    file = folder / "flowers.npz"
    archive(file, x_train=images, y_train=np.arange(8) % 2, x_test=images[:0], y_test=np.zeros(0, np.int64))
    return f"npz:{file}"


def pickled(folder: Path) -> str:
    objects = np.array([{"a": 1}] * 8, dtype=object)
    return f"npz:{archive(folder / 'flowers.npz', x_train=objects, y_train=np.arange(8) % 2)}"


def broken_image(folder: Path) -> str:
    classes(folder / "flowers", "rose", "tulip")
    (folder / "flowers" / "rose" / "rose3.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    return str(folder / "flowers")


BAD_SOURCES: list[tuple[Callable[[Path], str], str]] = [
    (empty_folder, "flowers"),
    (one_class, "rose"),
    (no_test_images, "flowers.csv"),
    (strange_labels, "7"),
    (empty_split, "test"),
    (pickled, "flowers.npz"),
    (broken_image, "rose3.png"),
    (lambda folder: "demo:klingon", "klingon"),
    (lambda folder: "zip:flowers", "zip"),
    (lambda folder: str(folder / "nowhere"), "nowhere"),
]


@pytest.mark.parametrize(("source", "named"), BAD_SOURCES)
def test_a_source_that_makes_no_task_changes_nothing(
    source: Callable[[Path], str], named: str, seedbed: Path, tmp_path: Path
) -> None:
    text, before = source(tmp_path), state(seedbed)
    assert named in refused("task", "add", "flowers", text, folder=seedbed)
    assert state(seedbed) == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["../up", "demo:ogham"], "../up"),
        (["white space", "demo:ogham"], "white space"),
        (["digits", "demo:ogham"], "digits"),
        (["x", "demo:ogham", "--max-side", "0"], "0"),
        (["x", "demo:ogham", "--validation", "1.5"], "1.5"),
        (["x", "demo:ogham", "--test", "-1"], "-1"),
        (["x", "demo:ogham", "--option", "colour=red"], "colour"),
        (["x", "demo:ogham", "--option", "colour"], "colour"),
    ],
)
def test_names_and_options_that_are_not_allowed_change_nothing(arguments: list[str], named: str, seedbed: Path) -> None:
    before = state(seedbed)
    assert named in refused("task", "add", *arguments, folder=seedbed)
    assert state(seedbed) == before


def test_a_full_disk_changes_nothing(seedbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = state(seedbed)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert "No space left" in refused("task", "add", "x", "demo:ogham", folder=seedbed)
    assert state(seedbed) == before
    run("task", "add", "x", "demo:ogham", folder=seedbed)


def test_bad_images_are_skipped_and_counted_where_that_is_wanted(seedbed: Path, tmp_path: Path) -> None:
    result = run("task", "add", "flowers", broken_image(tmp_path), "--skip-bad-images", folder=seedbed)
    assert "skipped      1 image that cannot be decoded" in result.stdout
    task = run_json("task", "show", "flowers", folder=seedbed)
    assert (task["options"]["bad_images"], sum(task["splits"].values())) == (1, 39)


def test_what_was_added_is_described(seedbed: Path, tmp_path: Path) -> None:
    source = classes(tmp_path / "flowers", "rose", "tulip")
    result = run("task", "add", "a/flowers", source, "--validation", "0.2", "--test", "0.2", folder=seedbed)
    assert "classes      2: rose, tulip" in result.stdout
    assert "24 train, 8 validation, 8 test" in result.stdout
    assert result.stdout == run("task", "show", "a/flowers", folder=seedbed).stdout
    assert result.stderr == f"next: ramet -C {seedbed} evolve a/flowers\n"


def test_tasks_are_listed(sown: Path) -> None:
    lines = run("task", "list", folder=sown).stdout.splitlines()
    assert lines[0].split() == ["task", "classes", "train", "validation", "test", "source"]
    assert [line.split()[0] for line in lines[1:]] == ["digits", "numerals"]
    listed = run_json("task", "list", folder=sown)
    assert set(listed[0]) == {"name", "source", "classes", "splits", "fingerprint", "options"}
    assert listed[0] == run_json("task", "show", "digits", folder=sown)


def test_a_task_is_removed_only_when_confirmed(seedbed: Path) -> None:
    before = state(seedbed)
    run("task", "remove", "digits", folder=seedbed, stdin="n\n", code=1)
    run("task", "remove", "digits", folder=seedbed, stdin="", code=1)
    assert state(seedbed) == before
    run("task", "remove", "digits", folder=seedbed, stdin="y\n")
    run("task", "remove", "numerals", "--yes", folder=seedbed)
    assert run_json("task", "list", folder=seedbed) == []
    assert "no tasks yet" in run("task", "list", folder=seedbed).stderr


@pytest.mark.parametrize("command", ["show", "remove"])
def test_an_unknown_task_is_named_with_the_near_one(command: str, sown: Path) -> None:
    assert "'digitz'" in (line := refused("task", command, "digitz", folder=sown))
    assert "did you mean digits?" in line


def test_the_catalog_is_listed(tmp_path: Path) -> None:
    (tmp_path / "mnist" / "3.0.1").mkdir(parents=True)
    (tmp_path / "mnist" / "3.0.1" / "dataset_info.json").write_text('{"fileFormat": "array_record"}')
    result = run("task", "papers", "--suite", "mccb", "--data", tmp_path)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["task", "suite", "classes", "published", "data", "data", "set", "splits"]
    assert "8 tasks, the data of 1 prepared" in result.stderr
    assert [line.split()[0] for line in lines if "prepared" in line] == ["mnist"]
    assert [line.split()[3] for line in lines if "emnist/letters" in line] == ["95.0%"]


def test_the_catalog_as_json(tmp_path: Path) -> None:
    every = run_json("task", "papers", "--data", tmp_path)
    assert len(every) == 129
    assert {entry["name"]: entry for entry in every}["clevr/count_all/1k"] == {
        "name": "clevr/count_all/1k", "suite": "vtab-1k", "dataset": "clevr:3.*.*", "train": "train[:800]",
        "validation": "train[90%:90%+200]", "test": "validation", "label": "clevr.objects", "classes": 8,
        "in_large": True, "reported_test_accuracy": None, "note": "", "prepared": False,
    }  # fmt: skip
    assert len(run_json("task", "papers", "--suite", "large-124")) == 124


def test_an_unknown_suite_is_told_the_suites() -> None:
    assert "did you mean vtab-1k or vtab-full?" in refused("task", "papers", "--suite", "vtab")


def test_a_task_of_the_catalog_is_added_from_a_file(seedbed: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(256, size=(40, 8, 8), dtype=np.uint8)
    labels = np.arange(40) % 2
    file = archive(tmp_path / "bangla.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    run("task", "add", "bangla", "papers:cmaterdb/bangla", "--option", f"file={file}", folder=seedbed)
    task = run_json("task", "show", "bangla", folder=seedbed)
    assert task["splits"] == {"train": 32, "validation": 8, "test": 10}
    assert task["source"] == f"papers:cmaterdb/bangla@{file}"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["papers:minst"], "did you mean mnist"),
        (["papers:mnist", "--option", "file=nowhere.npz"], "nowhere.npz does not exist"),
        (["papers:mnist", "--option", "data_dir=nowhere"], "tfds build mnist --file_format=array_record"),
        (["papers:mnist", "--option", "fil=a.npz"], "did you mean file"),
    ],
)
def test_what_the_catalog_lacks_changes_nothing(arguments: list[str], named: str, seedbed: Path) -> None:
    before = state(seedbed)
    assert named in refused("task", "add", "x", *arguments, folder=seedbed)
    assert state(seedbed) == before


def test_what_was_noticed_while_reading_is_told(seedbed: Path, tmp_path: Path) -> None:
    source = classes(tmp_path / "flowers", "rose", "tulip")
    (source / "rose" / "photo.heic").write_bytes(b"not read")
    (source / "empty").mkdir()
    pictures = sorted((source / "rose").glob("*.png"))
    pictures[0].write_bytes(b"no picture")
    told = run("task", "add", "flowers", source, "--skip-bad-images", folder=seedbed).stdout
    lines = {line[:13].strip(): line[13:] for line in told.splitlines() if not line.startswith(" ")}
    assert lines["skipped"].startswith(f"1 image that cannot be decoded; rose/{pictures[0].name}: not an image")
    assert lines["duplicates"].strip() == "no image is in two splits"
    assert lines["passed over"].startswith("1 .heic")
    assert lines["no images"].strip() == "of 1 class: empty"
