"""The 129 tasks of the papers, each with its data set, splits and label: a table of facts, no data.

`large-124` are the tasks of the papers' large system; the other suites are benchmarks of their own, and `tfds` the rest
of the TensorFlow Datasets catalogue.
"""

import csv
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from ramet.base.errors import UnknownName
from ramet.base.text import did_you_mean
from ramet.tasks.slices import parse_row

LARGE = "large-124"
SUITES = ("mccb", "vdd", "vtab-1k", "vtab-full", "tfds", LARGE)


@dataclass(frozen=True, slots=True)
class PapersTask:
    """A task of the papers.

    dataset is its name (and version) in TFDS; train, validation and test are split expressions, all "default" where the
    data set's own splits are used (see `ramet.tasks.slices`). label is a feature of the data set, or a rule of
    `ramet.tasks.labels`; classes their number where the data set does not say it. in_large says whether the task is one
    of the 124, reported_test_accuracy (0 to 1) what was published for ViT-L/16.
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
    def datasets(self) -> tuple[str, ...]:
        """Return the data sets that it needs: its own, and those that its splits are taken from."""
        slices = (
            part for parts in (parse_row(self.train, self.validation, self.test) or {}).values() for part in parts
        )
        return tuple(dict.fromkeys([self.dataset, *(part.dataset for part in slices if part.dataset)]))


@cache
def entries() -> Mapping[str, PapersTask]:
    """Return all tasks of the papers by name."""
    lines = (files("ramet.tasks") / "papers.csv").read_text(encoding="utf-8").splitlines()
    return MappingProxyType({row["task"]: _entry(row) for row in csv.DictReader(lines)})


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

    Args:
        entry: the task.
        data_dir: where data sets are prepared; else TFDS_DATA_DIR, else the default of tfds.
    """
    root = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    return all(any(map(_is_array_record, _folders(root, dataset))) for dataset in entry.datasets)


def _folders(root: Path, dataset: str) -> Iterator[Path]:
    """Yield where a data set may be: NAME[/CONFIG]/VERSION, or below a configuration that its name leaves out."""
    name, _, version = dataset.partition(":")
    for above in ("", "*/"):
        yield from (root / name).glob(f"{above}{version or '[0-9]*.*.*'}")


def _is_array_record(folder: Path) -> bool:
    try:
        info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(info, dict) and info.get("fileFormat") == "array_record"


def _entry(row: Mapping[str, str]) -> PapersTask:
    reported = row["reported_test_accuracy"]
    return PapersTask(
        name=row["task"],
        **{column: row[column] for column in ("suite", "dataset", "train", "validation", "test", "label", "note")},
        classes=int(row["classes"]) if row["classes"] else None,
        in_large=row["in_large"] == "1",
        reported_test_accuracy=float(reported) if reported else None,
    )
