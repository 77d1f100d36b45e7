"""`papers:NAME`: a task of the papers, cut from its data set by their split expressions.

The data set is one that tfds prepared, or an .npz file that holds the same (option `file`). `papers:NAME@PLACE` says
the place of either in the text itself, so that it can be opened again from anywhere.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ramet.base.errors import DataError, InvalidValue
from ramet.tasks.labels import RULES, LabelRule
from ramet.tasks.papers import Row, default_row, find
from ramet.tasks.sources.base import Content, Example, Source, column, numbered
from ramet.tasks.sources.npz_file import NpzSource
from ramet.tasks.sources.tensorflow_datasets import Prepared

_BLACK_AND_WHITE = ("binary_alpha_digits", "dsprites")
"""Data sets whose pixels are 0 and 1."""


@dataclass(frozen=True)
class Holding:
    """A data set at some place, whose examples have a row each; rows are given and taken in ascending order.

    uri is the place, for messages. classes are empty where only the labels tell how many there are; sizes are the
    examples of each split. rows gives the rows of a part of a split that is counted in the order of tfds; labels those
    of rows, without decoding an image; contents their images; stamps is that of Source.
    """

    uri: str
    classes: tuple[str, ...]
    sizes: Mapping[str, int]
    rows: Callable[[str, range], Sequence[int]]
    labels: Callable[[str, Sequence[int]], Iterator[int]]
    contents: Callable[[str, Sequence[int]], Iterator[Content]]
    stamps: Callable[[], Mapping[str, str]]

    def lacks(self, row: Row) -> bool:
        """Return true where there is no such split as one of those that a task is made of."""
        return any(part.dataset or part.split not in self.sizes for slices in row.values() for part in slices)


@dataclass(frozen=True, kw_only=True)
class PapersSource(Source):
    """A task of the papers; an image's identifier is its split and row in the data set, such as `train/17`.

    holdings are its data sets by the names that slices have for them, None the task's own; parts has the rows of which
    each split is made, with the data set and its own split that they are of.
    """

    holdings: Mapping[str | None, Holding]
    parts: Mapping[str, Sequence[tuple[Holding, str, Sequence[int]]]]

    @classmethod
    def open(cls, name: str, data_dir: str | None = None, file: str | None = None) -> "PapersSource":
        """Read the labels of a task of the papers.

        Args:
            name: the task, and possibly `@` and its place: an .npz file or a data_dir. A place goes before the options.
            data_dir: where tfds prepared the data set; else TFDS_DATA_DIR, else the default of tfds.
            file: an .npz file (see `NpzSource`) of the same data set, its examples in the order of their numbers.
        """
        name, _, place = name.partition("@")
        entry = find(name)
        if not place and data_dir and file:
            raise InvalidValue("file and data_dir are two places of one data set", "name only one of them")
        if not place and file and not file.endswith(".npz"):
            raise InvalidValue(f"{file} is no .npz file", "the option file names an .npz archive of the data set")
        place = place or file or data_dir or ""
        place = str(Path(place).expanduser().absolute()) if place else ""
        uri = f"papers:{name}@{place}" if place else f"papers:{name}"
        if place.endswith(".npz"):
            own = arrays(place)
            holdings: dict[str | None, Holding] = {None: own}
            row = entry.row if entry.row and not own.lacks(entry.row) else default_row(own.sizes, own.uri)
        else:
            own = records(entry.dataset, entry.label, place or None)
            holdings = {None: own} | {n: records(n, entry.label, place or None) for n in entry.datasets[1:]}
            row = entry.row or default_row(own.sizes, own.uri)
        parts: dict[str, list[tuple[Holding, str, Sequence[int]]]] = {split: [] for split in row}
        splits: dict[str, list[Example]] = {split: [] for split in row}
        for split, part in ((split, part) for split, slices in row.items() for part in slices):
            holding = holdings[part.dataset]
            _check_part(holding, part.split, own)
            rows = holding.rows(part.split, part.of(holding.sizes[part.split]))
            parts[split].append((holding, part.split, rows))
            name_of_part = f"{part.dataset}:{part.split}" if part.dataset else part.split
            labelled = zip(rows, holding.labels(part.split, rows), strict=True)
            splits[split] += [Example(f"{name_of_part}/{number}", label) for number, label in labelled]
        labels = [example.label for examples in splits.values() for example in examples]
        classes = own.classes or numbered([entry.classes - 1] if entry.classes else labels, uri)
        return cls(uri=uri, classes=classes, splits=splits, holdings=holdings, parts=parts)

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the images of a split."""
        for holding, own_split, rows in self.parts[split]:
            yield from holding.contents(own_split, rows)

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of the files of the data sets."""
        return {
            f"{name}/{file}" if name else file: text
            for name, holding in self.holdings.items()
            for file, text in holding.stamps().items()
        }


def own_splits(name: str, file: str) -> bool:
    """Return true where an .npz file lacks a split of which the papers make the task.

    Then the splits of the file are used, and results are not comparable with theirs.
    """
    row = find(name).row
    return row is not None and arrays(file).lacks(row)


def records(dataset: str, label: str, data_dir: str | None) -> Holding:
    """Return a data set that tfds prepared: a row is a record's number, label a feature or a rule of `RULES`."""
    prepared = Prepared.open(dataset, data_dir)
    image = column("image", None, prepared.features, "Image", prepared.uri)
    rule = RULES.get(label)
    if rule is None:
        feature = column("label", label, prepared.features, "ClassLabel", prepared.uri)
        names = getattr(prepared.features[feature], "names", None) or ()
        rule = LabelRule(lambda record: int(record[feature]), tuple(names))
    shown = _black_and_white if dataset.partition(":")[0].partition("/")[0] in _BLACK_AND_WHITE else _as_it_is

    def taken(split: str, rows: Sequence[int]) -> Iterator[Any]:
        found = prepared.records(split)
        return (found[row] for row in rows)

    return Holding(
        uri=prepared.uri,
        classes=rule.classes,
        sizes=prepared.sizes,
        rows=lambda split, part: part,
        labels=lambda split, rows: map(rule.of, taken(split, rows)),
        contents=lambda split, rows: (shown(record[image]) for record in taken(split, rows)),
        stamps=prepared.stamps,
    )


def arrays(file: str) -> Holding:
    """Return an .npz file of the whole data set, unshuffled: a row is one of its arrays', and labels are the file's."""
    source = NpzSource.open(file)
    sizes = {split: len(examples) for split, examples in source.splits.items()}

    def contents(split: str, rows: Sequence[int]) -> Iterator[Content]:
        wanted = set(rows)
        return compress(source.contents(split), (row in wanted for row in range(sizes[split])))

    return Holding(
        uri=source.uri,
        classes=source.classes,
        sizes=sizes,
        rows=lambda split, part: sorted(tfds_order(split, sizes[split])[part.start : part.stop]),
        labels=lambda split, rows: (source.splits[split][row].label for row in rows),
        contents=contents,
        stamps=source.stamps,
    )


def tfds_order(split: str, count: int) -> list[int]:
    """Return the order in which tfds reads numbered examples, as those of mnist and its kin and of cmaterdb are."""
    return sorted(range(count), key=lambda row: hashlib.md5(f"{split}{row}".encode()).digest())


def _check_part(holding: Holding, split: str, own: Holding) -> None:
    if split not in holding.sizes:
        raise DataError(
            f"{holding.uri} has no {split} split (its splits: {', '.join(holding.sizes)})",
            "prepare the version that the papers' list names",
        )
    # tfds numbers the classes of cifar10_1, and names those of cifar10.
    numbers = tuple(map(str, range(len(own.classes))))
    named = {holding.classes, own.classes} - {numbers}
    if len(holding.classes) != len(own.classes) or len(named) > 1:
        raise DataError(f"{holding.uri} has other classes than {own.uri}", "prepare both anew, with the same tfds")


def _as_it_is(encoded: bytes) -> Content:
    return encoded


def _black_and_white(encoded: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(encoded)) as image:
        return np.where(np.asarray(image) > 0, np.uint8(255), np.uint8(0))
