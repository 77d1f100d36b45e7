from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ramet.base.errors import DataError, UnknownName
from ramet.tasks.sources.base import (
    Content,
    Example,
    Source,
    checked,
    column,
    numbered,
    split_named,
    stamp,
    standard_splits,
    untrained_labels,
    without,
)


@dataclass(frozen=True, kw_only=True)
class Given(Source):
    def contents(self, split: str) -> Iterator[Content]:
        return (example.identifier.encode() for example in self.splits[split])

    def stamps(self) -> Mapping[str, str]:
        return {"file": "1"}


def Listed(
    labels: Mapping[str, Sequence[int]],
    classes: tuple[str, ...] = ("cat", "dog", "emu"),
    names: Mapping[str, str] | None = None,
    uri: str = "folder",
) -> Given:
    """A source of empty images with the labels given."""
    splits = {
        s: [Example((names or {}).get(f"{s}/{i}", f"{s}/{i}"), y) for i, y in enumerate(ys)] for s, ys in labels.items()
    }
    return Given(uri=uri, classes=classes, splits=splits)


def test_a_sound_source_passes() -> None:
    source = Listed({"train": [0, 1, 2], "test": [0]})
    assert checked(source) is source


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Listed({"train": [0, 1], "test": []}), ["the test split of folder", "no image"]),
        (Listed({"train": [1, 1]}), ["one class only", "'dog'"]),
        (Listed({"train": [0, 3]}), ["train/1", "label 3", "3 classes"]),
        (Listed({"train": [0, 1], "test": [-1]}), ["test/0", "test split", "label -1"]),
        (Listed({"train": [0, 1], "validation": [2]}), ["'emu'", "no image in its train split"]),
        (Listed({"train": [0, 1]}, classes=("cat", "d\udce4g")), ["class 'd\\udce4g'", "no text in UTF-8"]),
        (Listed({"train": [0, 1]}, uri="/pl\udce4tze"), ["source '/pl\\udce4tze'", "no text in UTF-8"]),
        (Listed({"train": [0, 1]}, classes=("cat", "cat")), ["class 'cat'", "2 times"]),
        (Listed({"train": [0, 1], "test": [0]}, names={"test/0": "train/1"}), ["image 'train/1'", "2 times"]),
    ],
)
def test_what_cannot_make_a_task_is_refused(source: Listed, words: list[str]) -> None:
    with pytest.raises(DataError) as raised:
        checked(source)
    assert raised.value.remedy
    assert [word for word in words if word not in raised.value.problem] == []


def test_classes_that_are_never_trained_may_be_allowed() -> None:
    source = Listed({"train": [0, 1], "validation": [2]})
    assert untrained_labels(source) == {2}
    assert checked(source, untrained={2}) is source
    assert without(source, set()).splits == source.splits
    with pytest.raises(DataError, match=r"class 'dog' .* has no image in its train split"):
        without(Listed({"train": [0, 0, 1, 2], "test": [1]}), {"train/2"})


def test_without_keeps_examples_and_contents_together() -> None:
    less = without(Listed({"train": [0, 1, 2, 1], "test": [0, 1]}), {"train/2", "test/0"})
    assert {s: [e.identifier for e in found] for s, found in less.splits.items()} == {
        "train": ["train/0", "train/1", "train/3"],
        "test": ["test/1"],
    }
    assert less.classes == ("cat", "dog")
    assert list(less.contents("train")) == [b"train/0", b"train/1", b"train/3"]
    assert less.stamps() == {"file": "1"}


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", "train"), ("Training", "train"), ("VAL", "validation"), ("valid", "validation"), ("dev", "validation"),
     ("validation", "validation"), ("test", "test"), ("extra", None), ("", None)],
)  # fmt: skip
def test_split_names(name: str, split: str | None) -> None:
    assert split_named(name) == split


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["test", "train", "unsupervised"], {"train": "train", "test": "test"}),
        (["Val", "TRAIN"], {"train": "TRAIN", "validation": "Val"}),
        (["all"], {"train": "all"}),
        (["test"], {"train": "test"}),
    ],
)
def test_standard_splits(names: list[str], found: dict[str, str]) -> None:
    assert standard_splits(names, "hf:x") == found


def test_two_names_of_one_split() -> None:
    with pytest.raises(DataError, match="hf:x has two validation splits: val and dev; take one out"):
        standard_splits(["train", "val", "dev"], "hf:x")


@pytest.mark.parametrize("names", [["test", "validation"], ["a", "b"], []])
def test_no_train_split(names: list[str]) -> None:
    with pytest.raises(DataError, match="hf:x has no train split"):
        standard_splits(names, "hf:x")


class Image: ...


class Label: ...


FEATURES = {"img": Image(), "image": Image(), "fine": Label(), "coarse": Label(), "text": "str"}


@pytest.mark.parametrize(
    ("what", "asked", "kind", "features", "found"),
    [
        ("image", "img", "Image", FEATURES, "img"),
        ("image", None, "Image", FEATURES, "image"),
        ("image", None, "Image", {"picture": Image(), "text": "str"}, "picture"),
        ("label", "text", "Label", FEATURES, "text"),
        ("label", None, "Label", {"image": Image(), "label": "str"}, "label"),
    ],
)
def test_column(what: str, asked: str | None, kind: str, features: dict[str, object], found: str) -> None:
    assert column(what, asked, features, kind, "hf:x") == found


@pytest.mark.parametrize(
    ("what", "asked", "kind", "features", "error", "words"),
    [
        ("image", "pic", "Image", FEATURES, UnknownName, ["hf:x", "'pic'", "img", "image"]),
        ("image", "text", "Image", FEATURES, DataError, ["'text'", "hf:x", "no images", "option image"]),
        ("label", None, "Label", FEATURES, DataError, ["2 columns of labels", "option label: fine, coarse"]),
        ("image", None, "Image", {"a": "str", "b": "str"}, DataError, ["0 columns of images", "a, b"]),
    ],
)
def test_column_that_is_not_clear(
    what: str, asked: str | None, kind: str, features: dict[str, object], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as raised:
        column(what, asked, features, kind, "hf:x")
    assert [word for word in words if word not in str(raised.value)] == []


def test_stamp_changes_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    before = stamp(file)
    assert stamp(file) == before
    file.write_text("three")
    assert stamp(file) != before


@pytest.mark.parametrize("labels", [[], [0, 2], [99_999]])
def test_numbered_classes(labels: list[int]) -> None:
    assert numbered(labels, "x") == tuple(str(label) for label in range(1 + max(labels, default=-1)))


@pytest.mark.parametrize("label", [100_000, 2**31 - 1, 2**63])
def test_labels_that_are_no_numbers_of_classes(label: int) -> None:
    with pytest.raises(DataError, match=f"x has the label {label}"):
        numbered([0, label], "x")


@pytest.mark.parametrize("left_out", [{"train/0", "train/3"}, {"train/2", "train/1"}])
def test_a_class_that_is_left_out_whole_is_no_class(left_out: set[str]) -> None:
    source = Listed({"train": [0, 1, 1, 0, 2, 3]}, classes=("a", "b", "c", "d", "never"))
    less = without(source, left_out)
    gone = "a" if "train/0" in left_out else "b"
    assert gone not in less.classes
    assert less.classes[-1] == "never"  # it had no image before
    before = {e.identifier: source.classes[e.label] for e in source.splits["train"]}
    assert all(less.classes[e.label] == before[e.identifier] for e in less.splits["train"])
