"""Where the data of a task of the papers lies: what tfds prepared, or an .npz file that stands in for it.

Either way it is the same data set: named splits, whose examples have a row each. A split expression counts them in the
order in which tfds reads them, and takes rows.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from ramet.tasks.labels import RULES, LabelRule
from ramet.tasks.sources.base import Content, column
from ramet.tasks.sources.npz_file import NpzSource
from ramet.tasks.sources.tensorflow_datasets import Prepared

_BLACK_AND_WHITE = ("binary_alpha_digits", "dsprites")
"""Data sets whose pixels are 0 and 1."""


class Holding(Protocol):
    """A data set at some place; rows are given and taken in ascending order."""

    @property
    def uri(self) -> str:
        """Return the place, for messages."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes; none where only the labels tell how many there are."""
        ...

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return the number of examples of each split."""
        ...

    def rows(self, split: str, part: range) -> Sequence[int]:
        """Return the rows of that part of a split, counted in the order of tfds."""
        ...

    def labels(self, split: str, rows: Sequence[int]) -> Iterator[int]:
        """Yield the labels of rows of a split; no image is decoded."""
        ...

    def contents(self, split: str, rows: Sequence[int]) -> Iterator[Content]:
        """Yield the images of rows of a split."""
        ...

    def stamps(self) -> Mapping[str, str]:
        """Return for each file a text that changes when it is written to."""
        ...


@dataclass(frozen=True)
class Records:
    """A data set that tfds prepared: a row is a record's number."""

    prepared: Prepared
    rule: LabelRule
    image: str
    black_and_white: bool

    @classmethod
    def open(cls, dataset: str, label: str, data_dir: str | None) -> "Records":
        """Find the data set.

        Args:
            dataset: as tfds names it.
            label: a feature, or a rule of `ramet.tasks.labels`.
            data_dir: where data sets are prepared.
        """
        prepared = Prepared.open(dataset, data_dir)
        image = column("image", None, prepared.features, "Image", prepared.uri)
        name = dataset.partition(":")[0].partition("/")[0]
        return cls(prepared, RULES.get(label) or _feature_rule(label, prepared), image, name in _BLACK_AND_WHITE)

    @property
    def uri(self) -> str:
        """Return the place, for messages."""
        return self.prepared.uri

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes."""
        return self.rule.classes

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return the number of examples of each split."""
        return self.prepared.sizes

    def rows(self, split: str, part: range) -> Sequence[int]:
        """Return the rows of that part of a split."""
        return part

    def labels(self, split: str, rows: Sequence[int]) -> Iterator[int]:
        """Yield the labels of rows."""
        return (self.rule.of(record) for record in self._records(split, rows))

    def contents(self, split: str, rows: Sequence[int]) -> Iterator[Content]:
        """Yield the images of rows."""
        for record in self._records(split, rows):
            content = record[self.image]
            yield _black_and_white(content) if self.black_and_white else content

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of every file."""
        return self.prepared.stamps()

    def _records(self, split: str, rows: Sequence[int]) -> Iterator[Any]:
        records = self.prepared.records(split)
        return (records[row] for row in rows)


@dataclass(frozen=True)
class Arrays:
    """An .npz file of the whole data set, unshuffled: a row is one of its arrays'."""

    source: NpzSource

    @classmethod
    def open(cls, file: str) -> "Arrays":
        """Read the labels; the file's are those of the task."""
        return cls(NpzSource.open(file))

    @property
    def uri(self) -> str:
        """Return the place, for messages."""
        return self.source.uri

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes."""
        return self.source.classes

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return the number of examples of each split."""
        return {split: len(examples) for split, examples in self.source.splits.items()}

    def rows(self, split: str, part: range) -> Sequence[int]:
        """Return the rows of that part of a split."""
        return sorted(tfds_order(split, self.sizes[split])[part.start : part.stop])

    def labels(self, split: str, rows: Sequence[int]) -> Iterator[int]:
        """Yield the labels of rows."""
        return (self.source.splits[split][row].label for row in rows)

    def contents(self, split: str, rows: Sequence[int]) -> Iterator[Content]:
        """Yield the images of rows."""
        wanted = set(rows)
        return compress(self.source.contents(split), (row in wanted for row in range(self.sizes[split])))

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of every file."""
        return self.source.stamps()


def tfds_order(split: str, count: int) -> list[int]:
    """Return the order in which tfds reads numbered examples, as those of mnist and its kin and of cmaterdb are."""
    return sorted(range(count), key=lambda row: hashlib.md5(f"{split}{row}".encode()).digest())


def _feature_rule(label: str, prepared: Prepared) -> LabelRule:
    feature = column("label", label, prepared.features, "ClassLabel", prepared.uri)
    names = getattr(prepared.features[feature], "names", None) or ()
    return LabelRule(lambda record: int(record[feature]), tuple(names))


def _black_and_white(encoded: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(encoded)) as image:
        return np.where(np.asarray(image) > 0, np.uint8(255), np.uint8(0))
