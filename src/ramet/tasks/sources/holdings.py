"""Where the data of a task of the papers lies: what tfds prepared, or an .npz file that stands in for it.

Either way it is the same data set: named splits, whose examples have a row each. A split expression counts them in the
order in which tfds reads them, and takes rows.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ramet.tasks.labels import RULES, LabelRule
from ramet.tasks.sources.base import Content, column
from ramet.tasks.sources.npz_file import NpzSource
from ramet.tasks.sources.tensorflow_datasets import Prepared

_BLACK_AND_WHITE = ("binary_alpha_digits", "dsprites")
"""Data sets whose pixels are 0 and 1."""


@dataclass(frozen=True)
class Holding:
    """A data set at some place; rows are given and taken in ascending order.

    uri is the place, for messages. classes are empty where only the labels tell how many there are; sizes are the
    examples of each split. rows gives the rows of a part of a split that is counted in the order of tfds; labels those
    of rows, without decoding an image; contents their images; stamps for each file a text that changes when it is
    written to.
    """

    uri: str
    classes: tuple[str, ...]
    sizes: Mapping[str, int]
    rows: Callable[[str, range], Sequence[int]]
    labels: Callable[[str, Sequence[int]], Iterator[int]]
    contents: Callable[[str, Sequence[int]], Iterator[Content]]
    stamps: Callable[[], Mapping[str, str]]


def records(dataset: str, label: str, data_dir: str | None) -> Holding:
    """Return a data set that tfds prepared: a row is a record's number.

    Args:
        dataset: as tfds names it.
        label: a feature, or a rule of `ramet.tasks.labels`.
        data_dir: where data sets are prepared.
    """
    prepared = Prepared.open(dataset, data_dir)
    image = column("image", None, prepared.features, "Image", prepared.uri)
    rule = RULES.get(label) or _feature_rule(label, prepared)
    bits = dataset.partition(":")[0].partition("/")[0] in _BLACK_AND_WHITE

    def taken(split: str, rows: Sequence[int]) -> Iterator[Any]:
        found = prepared.records(split)
        return (found[row] for row in rows)

    return Holding(
        uri=prepared.uri,
        classes=rule.classes,
        sizes=prepared.sizes,
        rows=lambda split, part: part,
        labels=lambda split, rows: (rule.of(record) for record in taken(split, rows)),
        contents=lambda split, rows: (
            _black_and_white(record[image]) if bits else record[image] for record in taken(split, rows)
        ),
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


def _feature_rule(label: str, prepared: Prepared) -> LabelRule:
    feature = column("label", label, prepared.features, "ClassLabel", prepared.uri)
    names = getattr(prepared.features[feature], "names", None) or ()
    return LabelRule(lambda record: int(record[feature]), tuple(names))


def _black_and_white(encoded: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(encoded)) as image:
        return np.where(np.asarray(image) > 0, np.uint8(255), np.uint8(0))
