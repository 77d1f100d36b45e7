"""Split expressions: which examples of a data set's own splits make a task's train, validation and test splits.

    train[20%:]   train[:800]   train[90%:90%+200]   trainA[10%:]+trainB[10%:]   cifar10_1:test

A bound is a percentage of the split, a number of examples, or both. Percentages are rounded down, so that parts which
share a bound never share an example. `default` for all three splits takes those of the data set.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ramet.base.errors import DataError, InvalidValue

DEFAULT = "default"
DEFAULT_PERCENT = 5
"""The share of train that a missing split takes."""

_SLICE = re.compile(r"(?:(?P<dataset>[\w/.]+):)?(?P<split>\w+)(?:\[(?P<start>[^:\]]*):(?P<stop>[^:\]]*)\])?")
_BOUND = re.compile(r"(?:(?P<percent>\d+)%)?(?:(?(percent)\+)(?P<examples>\d+))?")
_PLUS_BETWEEN_SLICES = re.compile(r"\+(?![^\[]*\])")


@dataclass(frozen=True, slots=True)
class Bound:
    """A place in a split: a percentage of its examples, rounded down, and a number of examples more."""

    percent: int = 0
    examples: int = 0

    def of(self, count: int) -> int:
        """Return the place in a split of that many examples."""
        return min(count, count * self.percent // 100 + self.examples)


@dataclass(frozen=True, slots=True)
class Slice:
    """Successive examples of one split of the task's data set, or of another data set."""

    split: str
    start: Bound = Bound()
    stop: Bound = Bound(percent=100)
    dataset: str | None = None

    def of(self, count: int) -> range:
        """Return the examples, if the split has that many."""
        return range(self.start.of(count), self.stop.of(count))


Row = Mapping[str, tuple[Slice, ...]]
"""What each of train, validation and test is made of."""


def parse(text: str) -> tuple[Slice, ...]:
    """Return what an expression names.

    Raises:
        InvalidValue: it is none.
    """
    matches = [_SLICE.fullmatch(part) for part in _PLUS_BETWEEN_SLICES.split(text)]
    if not all(matches):
        raise InvalidValue(f"{text!r} is no split expression", "write it as train[20%:] or train[:800]")
    return tuple(
        Slice(
            match["split"], _bound(match["start"], Bound()), _bound(match["stop"], Bound(percent=100)), match["dataset"]
        )
        for match in matches
        if match
    )


def parse_row(train: str, validation: str, test: str) -> Row | None:
    """Return the three splits of a task; None where they are the data set's own."""
    if train == validation == test == DEFAULT:
        return None
    return {"train": parse(train), "validation": parse(validation), "test": parse(test)}


def default_row(available: Collection[str], where: str) -> Row:
    """Return a data set's own splits; a missing test, then a missing validation split, takes the next 5 % of train.

    Args:
        available: the names of the splits that there are.
        where: the data set, for messages.
    """
    if "train" not in available:
        raise DataError(
            f"{where} has no train split (its splits: {', '.join(available) or 'none'})", "take it from another place"
        )
    row, taken = {}, 0
    for split in ("test", "validation"):
        if split in available:
            row[split] = (Slice(split),)
        else:
            row[split] = (Slice("train", Bound(taken), Bound(taken + DEFAULT_PERCENT)),)
            taken += DEFAULT_PERCENT
    return {"train": (Slice("train", Bound(taken)),), "validation": row["validation"], "test": row["test"]}


def _bound(text: str | None, otherwise: Bound) -> Bound:
    if not text:
        return otherwise
    match = _BOUND.fullmatch(text)
    if not match:
        raise InvalidValue(f"{text!r} is no bound of a split", "write it as 20%, 800 or 90%+200")
    return Bound(int(match["percent"] or 0), int(match["examples"] or 0))
