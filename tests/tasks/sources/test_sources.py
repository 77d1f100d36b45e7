"""The contract of task sources, on every source there is."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ramet.base.errors import DataError, InvalidValue, UnknownName
from ramet.tasks.build import fingerprint_of
from ramet.tasks.images import decode
from ramet.tasks.sources import KINDS, Source, open_source
from tests.tasks.examples import CLASSES, COUNTS, SIZE, WRITERS, examples

FILES = sorted(WRITERS)
EVERY = [*FILES, "demo"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    written = {kind: write(tmp_path_factory.mktemp(kind) / "data") for kind, write in WRITERS.items()}
    return {**written, "demo": "demo:astrology"}


def contents(source: Source, split: str) -> list[bytes]:
    return [decode(content, (32, 32)).tobytes() for content in source.contents(split)]


def test_every_kind_is_tested() -> None:
    assert set(EVERY) == set(KINDS)


@pytest.mark.parametrize("kind", EVERY)
def test_opened_twice_it_is_the_same(kind: str, texts: dict[str, str]) -> None:
    one, other = open_source(texts[kind]), open_source(open_source(texts[kind]).uri)
    assert (one.uri, one.classes, one.stamps()) == (other.uri, other.classes, other.stamps())
    assert one.splits == other.splits
    assert contents(one, "test") == contents(other, "test")


@pytest.mark.parametrize("kind", EVERY)
def test_contents_follow_examples_and_outlive_the_next(kind: str, texts: dict[str, str]) -> None:
    source = open_source(texts[kind])
    for split, found in source.splits.items():
        at_once = list(source.contents(split))
        assert len(at_once) == len(found)
        assert [decode(content, (32, 32)).tobytes() for content in at_once] == contents(source, split)


@pytest.mark.parametrize("kind", FILES)
def test_images_and_labels_are_those_written(kind: str, texts: dict[str, str]) -> None:
    source = open_source(texts[kind])
    assert source.classes == CLASSES
    got: dict[str, Counter[object]] = {split: Counter() for split in COUNTS}
    for split, found in source.splits.items():
        # The papers' list takes the validation split of this task from train.
        read = zip(found, source.contents(split), strict=True)
        got["test" if split == "test" else "train"].update((decode(c, SIZE).tobytes(), e.label) for e, c in read)
    assert got == {s: Counter((np.ascontiguousarray(p).tobytes(), y) for p, y in examples(s)) for s in COUNTS}


@pytest.mark.parametrize("kind", FILES)
def test_equal_data_elsewhere_has_an_equal_fingerprint(kind: str, texts: dict[str, str], tmp_path: Path) -> None:
    elsewhere = open_source(WRITERS[kind](tmp_path / "elsewhere"))
    assert fingerprint_of(open_source(texts[kind])) == fingerprint_of(elsewhere)


@pytest.mark.parametrize("kind", FILES)
def test_stamps_tell_that_a_file_was_written_to(kind: str, tmp_path: Path) -> None:
    text = WRITERS[kind](tmp_path / "data")
    before = open_source(text).stamps()
    names = {key.rpartition("/")[2] for key in before}
    file = next(f for f in sorted(tmp_path.rglob("*")) if f.name in names)
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    assert open_source(text).stamps() != before


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_a_file_needs_no_prefix(suffix: str, texts: dict[str, str], tmp_path: Path) -> None:
    assert open_source(texts[suffix].removeprefix(f"{suffix}:")).uri == texts[suffix]


def test_relative_paths_become_absolute(texts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(texts["folder"]).parent)
    assert open_source("data").uri == texts["folder"]


@pytest.mark.parametrize(
    ("text", "options", "error", "words"),
    [
        ("web:flowers", {}, UnknownName, ["'web'", "folder:", "csv:", "npz:", "hf:", "tfds:", "papers:", "demo:"]),
        ("demo:greke", {}, UnknownName, ["'greke'", "greek-small"]),
        ("papers:cifar", {}, UnknownName, ["'cifar'", "did you mean", "cifar10"]),
        ("papers:mnist", {"fil": "x.npz"}, InvalidValue, ["'fil'", "papers", "did you mean file"]),
        ("demo:digits", {"label": "y"}, InvalidValue, ["'label'", "demo", "no options"]),
        ("hf:x", {"lable": "y"}, InvalidValue, ["'lable'", "did you mean label"]),
        ("nowhere", {}, DataError, ["nowhere", "does not exist", "demo:"]),
        ("nowhere.npz", {}, DataError, ["nowhere.npz", "does not exist"]),
        ("csv:nowhere.csv", {}, DataError, ["nowhere.csv", "does not exist"]),
        ("folder:nowhere", {}, DataError, ["nowhere", "is not a folder"]),
        (__file__, {}, DataError, ["test_sources.py", "neither a folder nor"]),
    ],
)
def test_what_cannot_be_opened_is_said_with_the_choices(
    text: str, options: dict[str, str], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as raised:
        open_source(text, **options)
    assert "\n" not in str(raised.value)
    assert [word for word in words if word not in str(raised.value)] == []
