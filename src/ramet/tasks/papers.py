"""The 129 tasks of the papers, each with its data set, splits and label: a table of facts, no data.

`large-124` are the tasks of the papers' large system; the other suites are benchmarks of their own, and `tfds` the rest
of the TensorFlow Datasets catalogue. A split expression says which examples of a data set's own splits make a split:

    train[20%:]   train[:800]   train[90%:90%+200]   trainA[10%:]+trainB[10%:]   cifar10_1:test

A bound is a percentage of the split, a number of examples, or both. Percentages are rounded down, so that parts which
share a bound never share an example.
"""

import csv
import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from ramet.base.errors import DataError, InvalidValue, UnknownName
from ramet.base.text import did_you_mean

LARGE = "large-124"
SUITES = ("mccb", "vdd", "vtab-1k", "vtab-full", "tfds", LARGE)

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


@dataclass(frozen=True, slots=True)
class PapersTask:
    """A task of the papers.

    dataset is its name (and version) in TFDS; train, validation and test are split expressions, all "default" where the
    data set's own splits are used. label is a feature of the data set, or a rule of `ramet.tasks.labels`; classes their
    number where the data set does not say it. in_large says whether the task is one of the 124, reported_test_accuracy
    (0 to 1) what was published for ViT-L/16.
    """

    name: str
    suite: str
    dataset: str
    train: str
    validation: str
    test: str
    label: str
    classes: int | None
    in_large: bool
    reported_test_accuracy: float | None
    note: str

    @property
    def row(self) -> Row | None:
        """Return what the task's splits are made of; None where they are the data set's own."""
        if self.train == self.validation == self.test == "default":
            return None
        return {"train": parse(self.train), "validation": parse(self.validation), "test": parse(self.test)}

    @property
    def datasets(self) -> tuple[str, ...]:
        """Return the data sets that it needs: its own, and those that its splits are taken from."""
        others = (part.dataset for slices in (self.row or {}).values() for part in slices if part.dataset)
        return tuple(dict.fromkeys([self.dataset, *others]))


@cache
def entries() -> Mapping[str, PapersTask]:
    """Return all tasks of the papers by name."""
    found = {}
    for row in csv.DictReader((files("ramet.tasks") / "papers.csv").read_text(encoding="utf-8").splitlines()):
        reported = row["reported_test_accuracy"]
        found[row["task"]] = PapersTask(
            name=row["task"],
            **{column: row[column] for column in ("suite", "dataset", "train", "validation", "test", "label", "note")},
            classes=int(row["classes"]) if row["classes"] else None,
            in_large=row["in_large"] == "1",
            reported_test_accuracy=float(reported) if reported else None,
        )
    return MappingProxyType(found)


def find(name: str) -> PapersTask:
    """Return the task of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in entries():
        remedy = did_you_mean(name, entries(), "`ramet task papers` lists them")
        raise UnknownName(f"the papers have no task {name!r}", remedy)
    return entries()[name]


def members(suite: str) -> list[PapersTask]:
    """Return the tasks of a suite, in the order of the papers.

    Raises:
        UnknownName: there is none.
    """
    if suite not in SUITES:
        raise UnknownName(f"the papers have no suite {suite!r}", did_you_mean(suite, SUITES))
    return [entry for entry in entries().values() if (entry.in_large if suite == LARGE else entry.suite == suite)]


def is_prepared(entry: PapersTask, data_dir: str | Path | None = None) -> bool:
    """Return true where tfds prepared a task's data sets in array_record; looks at folders only, and loads no tfds.

    data_dir is where data sets are prepared; else it is TFDS_DATA_DIR, else the default of tfds.
    """
    root = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    return all(_is_prepared(root, dataset) for dataset in entry.datasets)


def parse(text: str) -> tuple[Slice, ...]:
    """Return what a split expression names.

    Raises:
        InvalidValue: it is none.
    """
    slices = []
    for part in _PLUS_BETWEEN_SLICES.split(text):
        if not (match := _SLICE.fullmatch(part)):
            raise InvalidValue(f"{text!r} is no split expression", "write it as train[20%:] or train[:800]")
        start, stop = _bound(match["start"], Bound()), _bound(match["stop"], Bound(percent=100))
        slices.append(Slice(match["split"], start, stop, match["dataset"]))
    return tuple(slices)


def default_row(available: Collection[str], where: str) -> Row:
    """Return a data set's own splits; a missing test, then a missing validation split, takes the next 5 % of train.

    available names the splits that there are, and where the data set, for messages.
    """
    if "train" not in available:
        raise DataError(
            f"{where} has no train split (its splits: {', '.join(available) or 'none'})", "take it from another place"
        )
    row, taken = {}, 0
    for split in ("test", "validation"):
        row[split] = Slice(split)
        if split not in available:
            row[split] = Slice("train", Bound(taken), Bound(taken + 5))
            taken += 5
    return {"train": (Slice("train", Bound(taken)),), "validation": (row["validation"],), "test": (row["test"],)}


def _bound(text: str | None, otherwise: Bound) -> Bound:
    if not text:
        return otherwise
    match = _BOUND.fullmatch(text)
    if not match:
        raise InvalidValue(f"{text!r} is no bound of a split", "write it as 20%, 800 or 90%+200")
    return Bound(int(match["percent"] or 0), int(match["examples"] or 0))


def _is_prepared(root: Path, dataset: str) -> bool:
    """Look where a data set may be: NAME[/CONFIG]/VERSION, or below a configuration that its name leaves out."""
    name, _, version = dataset.partition(":")
    for above in ("", "*/"):
        for folder in (root / name).glob(f"{above}{version or '[0-9]*.*.*'}"):
            try:
                info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(info, dict) and info.get("fileFormat") == "array_record":
                return True
    return False
