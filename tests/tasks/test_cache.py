import errno
import json
import os
import resource
import shutil
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue, StoreError
from ramet.tasks import cache
from ramet.tasks.cache import MAX_NAME, check_name
from ramet.tasks.data import add, open_splits
from tests.tasks.examples import write_folder


@pytest.fixture
def source(tmp_path: Path) -> str:
    return write_folder(tmp_path / "source")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    return tmp_path / "system"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("name", "folder"), [("flowers", "flowers"), ("cmaterdb/bangla", "cmaterdb+bangla")])
def test_one_folder_a_task_whatever_its_name(name: str, folder: str) -> None:
    assert cache.folder_of(Path("s"), name) == Path("s", "cache", folder)


def test_a_file_that_may_not_grow(source: str, system: Path) -> None:
    with largest_file(500), pytest.raises(StoreError) as raised:
        add(system, "t", source, max_side=64)
    assert str(system / "cache" / "t") in raised.value.problem
    assert "free some space" in raised.value.remedy
    assert [file.name for file in (system / "cache").iterdir()] == [".t.lock"]
    assert open_splits(system, add(system, "t", source, max_side=64))


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "free some space"), (errno.EDQUOT, "free some space"), (errno.EROFS, "read-only")],
)
def test_what_the_disk_says(
    source: str, system: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError) as raised:
        add(system, "t", source, max_side=64)
    assert os.strerror(number) in raised.value.problem
    assert remedy in raised.value.remedy
    assert not (system / "cache" / "t").exists()


def test_space_is_looked_at_first(source: str, system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(
        StoreError, match=r"16 images of 5x7 need .* GB, and .* has .* GB left; free some space, or lower"
    ):
        add(system, "t", source, max_side=64)
    assert [file.name for file in (system / "cache").iterdir()] == [".t.lock"]


@pytest.mark.parametrize("file", ["train.images.npy", "validation.labels.npy"])
def test_a_cache_with_a_part_gone_is_made_again(source: str, system: Path, file: str) -> None:
    task = add(system, "t", source, max_side=64)
    (system / "cache" / "t" / file).unlink()
    assert open_splits(system, task)["train"].images.shape == (10, 5, 7, 3)
    assert add(system, "t", source, max_side=64) == task


@pytest.mark.parametrize("text", [None, "", '{"format": 0, "task": {}}'])
def test_a_cache_without_a_usable_record_is_made_again(source: str, system: Path, text: str | None) -> None:
    task = add(system, "t", source, max_side=64)
    record = system / "cache" / "t" / "task.json"
    record.unlink() if text is None else record.write_text(text)
    assert len(open_splits(system, task)["train"].labels) == task.splits["train"]
    assert json.loads(record.read_text())["format"] == cache.FORMAT


def test_what_is_open_stays_open_when_the_cache_is_replaced(source: str, system: Path) -> None:
    old = open_splits(system, add(system, "t", source, max_side=64))["train"]
    before = old.images.tobytes()
    add(system, "t", source, max_side=4)
    assert old.images.tobytes() == before


@pytest.mark.parametrize("file", ["train.images.npy", "train.labels.npy", "test.images.npy", "task.json"])
@pytest.mark.parametrize("size", [0, 100, 129, -1, -3])
def test_a_cache_with_a_part_cut_is_made_again(source: str, system: Path, file: str, size: int) -> None:
    task = add(system, "t", source, max_side=64)
    before = {name: (s.images.tobytes(), s.labels.tobytes()) for name, s in open_splits(system, task).items()}
    cut = system / "cache" / "t" / file
    os.truncate(cut, size if size >= 0 else cut.stat().st_size + size)
    assert {name: (s.images.tobytes(), s.labels.tobytes()) for name, s in open_splits(system, task).items()} == before
    os.truncate(cut, 0)
    assert add(system, "t", source, max_side=64) == task


def test_a_split_of_another_task_is_noticed(source: str, system: Path) -> None:
    task = add(system, "t", source, max_side=64)
    folder = system / "cache" / "t"
    shutil.copy(folder / "test.labels.npy", folder / "train.labels.npy")
    assert len(open_splits(system, task)["train"].labels) == 10


@pytest.mark.parametrize(
    "name", ["flowers", "a", "7", "cmaterdb/bangla", "vtab-1k/dtd_v2.0", "A..b", "a/.b", "x" * MAX_NAME]
)
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/", "a/", "/a", "a//b", "a/..", "a/./b", "../a", "-a", "_a", ".a", "a b", "a+b", "a\\b", "é", "٣",
     "a\n", "a\0", "x" * (MAX_NAME + 1)],
)  # fmt: skip
def test_no_names(name: str) -> None:
    with pytest.raises(InvalidValue, match="cannot be the name of a task; use letters") as raised:
        check_name(name)
    assert repr(name) in raised.value.problem


@given(st.text(max_size=12))
def test_a_name_stays_in_its_folder(name: str) -> None:
    try:
        check_name(name)
    except InvalidValue:
        return
    assert ".." not in name.split("/")
    assert name[0] not in "/-."
    assert name.isascii()
