"""What a task source is: the contract that folders, tables, archives and libraries of data sets all keep."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ramet.base.errors import DataError, UnknownName
from ramet.base.text import did_you_mean
from ramet.tasks.images import Content

__all__ = ["SPLITS", "Content", "Example", "Source"]

SPLITS = ("train", "validation", "test")
_SPLIT_OF = {
    "train": "train", "training": "train",
    "validation": "validation", "val": "validation", "valid": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled image: identifier names it in its source, label is an index of the source's classes."""

    identifier: str
    label: int


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """The place that a task's images come from. Opening one reads names and labels; images are read when asked for.

    A source opened twice, on any machine, over equal data has equal classes, splits and contents in equal order.

    uri is the source in words that open it again from any working folder. classes are the names of the classes, all
    different; a label is an index of it. splits holds the examples of "train", and of "validation" and "test" if the
    data itself has them: no split is empty, and no identifier comes twice. passed_over counts what was found and is no
    image of the task, by its kind (".heic", "outside class folders"); empty_classes names classes without an image;
    columns says which of the data's columns were read as what; notes tell what somebody may have meant otherwise.
    """

    uri: str
    classes: tuple[str, ...]
    splits: Mapping[str, Sequence[Example]]
    passed_over: Mapping[str, int] = field(default_factory=dict)
    empty_classes: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @abstractmethod
    def contents(self, split: str) -> Iterator[Content]:
        """Yield the images of a split, in the order of its examples; one stays valid after the next is asked for."""

    @abstractmethod
    def stamps(self) -> Mapping[str, str]:
        """Return for each file behind the source a text that changes when the file is written to."""


def stamp(file: Path) -> str:
    """Return size and modification time of a file, as text."""
    status = file.stat()
    return f"{status.st_size}:{status.st_mtime_ns}"


def split_named(name: str) -> str | None:
    """Return the split that a folder, column or array called so holds: `val` is "validation", and so is `VAL`."""
    return _SPLIT_OF.get(name.lower())


def standard_splits(names: Iterable[str], where: str) -> dict[str, str]:
    """Return the data's own name of each of our splits; a data set of one split only is all for training."""
    own = list(names)
    if len(own) == 1:
        return {"train": own[0]}
    found: dict[str, str] = {}
    for name in own:
        split = split_named(name)
        if split in found:
            raise DataError(f"{where} has two {split} splits: {found[split]} and {name}", "take one out, or rename it")
        if split:
            found[split] = name
    if "train" not in found:
        raise DataError(
            f"{where} has no train split (its splits: {', '.join(own) or 'none'})", "name one of them 'train'"
        )
    return {split: found[split] for split in SPLITS if split in found}


def column(what: str, asked: str | None, features: Mapping[str, object], kind: str, where: str) -> str:
    """Return the column of a data set's features (types by name) that holds the images or labels.

    It is the one asked for by the option `what` ("image" or "label"), else the only one of a type whose class is called
    kind, else the one called like the option. where is the data set, for messages.
    """
    if asked is not None:
        if asked not in features:
            raise UnknownName(f"{where} has no column {asked!r}", did_you_mean(asked, features))
        if what == "image" and type(features[asked]).__name__ != kind:
            raise DataError(f"the column {asked!r} of {where} holds no images", "name another by the option image")
        return asked
    candidates = [name for name, feature in features.items() if type(feature).__name__ == kind]
    if len(candidates) == 1:
        return candidates[0]
    if what in (candidates or features):
        return what
    raise DataError(
        f"{where} has {len(candidates)} columns of {what}s",
        f"name one by the option {what}: {', '.join(candidates or features)}",
    )


def checked(source: Source, untrained: Container[int] = ()) -> Source:
    """Return the source itself, if its examples can make a task; the classes untrained need no image to train on.

    Raises:
        DataError: a name that is no text or comes twice, a split without examples, a label without a class name, one
            class only, or a class to be tested that is never trained.
    """
    uri, classes, splits = source.uri, source.classes, source.splits
    for what, text in [("the source", uri), *(("class", name) for name in classes)]:
        check_text(what, text)
    for split, examples in splits.items():
        if not examples:
            raise DataError(f"the {split} split of {uri} holds no image", "add images to it, or leave it out")
        for example in examples:
            if not 0 <= example.label < len(classes):
                raise DataError(
                    f"{example.identifier} in the {split} split of {uri} has label {example.label}, "
                    f"which is none of its {len(classes)} classes",
                    "correct the labels or the class names (labels count from 0)",
                )
    trained = {example.label for example in splits["train"]}
    if len(trained) < 2:
        raise DataError(
            f"{uri} has one class only ({classes[min(trained)]!r})", "a task needs images of two classes or more"
        )
    if missing := [label for label in sorted(untrained_labels(source)) if label not in untrained]:
        raise DataError(
            f"class {classes[missing[0]]!r} of {uri} has no image in its train split",
            "add training images of it, or take its other images out",
        )
    identifiers = [example.identifier for examples in splits.values() for example in examples]
    for what, names in (("class", classes), ("image", identifiers)):
        name, times = Counter(names).most_common(1)[0]
        if times > 1:
            raise DataError(f"{what} {name!r} comes {times} times in {uri}", f"give every {what} a name of its own")
    return source


def untrained_labels(source: Source) -> set[int]:
    """Return the labels that no training image has."""
    labels = {split: {example.label for example in examples} for split, examples in source.splits.items()}
    return set().union(*labels.values()) - labels["train"]


def without(source: Source, left_out: Container[str]) -> Source:
    """Return a source less the images of those identifiers; a class of which none is left is no class any more."""
    kept = {s: [e for e in examples if e.identifier not in left_out] for s, examples in source.splits.items()}
    before, after = ({e.label for examples in splits.values() for e in examples} for splits in (source.splits, kept))
    labels = [label for label in range(len(source.classes)) if label in after or label not in before]
    number = {label: i for i, label in enumerate(labels)}
    smaller = _Without(
        uri=source.uri,
        classes=tuple(source.classes[label] for label in labels),
        splits={s: [Example(e.identifier, number[e.label]) for e in examples] for s, examples in kept.items()},
        passed_over=source.passed_over,
        empty_classes=source.empty_classes,
        columns=source.columns,
        source=source,
        left_out=left_out,
    )
    return checked(smaller, {number[label] for label in untrained_labels(source) if label in number})


def numbered(labels: Iterable[int], where: str) -> tuple[str, ...]:
    """Return the names of classes that have numbers only: as many as the largest label says, fewer than 100,000."""
    largest = max(labels, default=-1)
    if largest >= 100_000:
        raise DataError(
            f"{where} has the label {largest}, and a label counts classes from 0", "number the classes from 0 on"
        )
    return tuple(str(label) for label in range(largest + 1))


def check_text(what: str, text: str) -> None:
    """Raise DataError for text that is no Unicode (a file name of other bytes), which no record could be read from."""
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise DataError(f"{what} '{shown}' is no text in UTF-8", "give it another name") from None


@dataclass(frozen=True, kw_only=True)
class _Without(Source):
    source: Source
    left_out: Container[str]

    def contents(self, split: str) -> Iterator[Content]:
        pairs = zip(self.source.splits[split], self.source.contents(split), strict=True)
        return (content for example, content in pairs if example.identifier not in self.left_out)

    def stamps(self) -> Mapping[str, str]:
        return self.source.stamps()
