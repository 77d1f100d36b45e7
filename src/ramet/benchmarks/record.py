"""What a benchmark found out: one record a (method, task, seed), a small JSON file each, from which reports are made.

A record is written when its task is done, in one go, and never again: what is there is done. A run that failed leaves a
record too; it is tried again when the benchmark is resumed.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ramet.base.errors import DataError
from ramet.base.files import write_whole

State = Literal["done", "failed", "no-data"]

Setting = Literal["together", "alone"]
"""A task learnt in a system with those before it, or as the only one of a system of its own."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A method as a suite compares it.

    name names it in records, label in tables. Variants of one family differ in one number, the point: the frontier
    draws a curve a family.
    """

    name: str
    label: str
    family: str
    point: str
    method: str
    """The resolved method's label: `mu2net-plus@characters v1 #5e0c7a12`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a task of the system stood when the record's task had been learnt.

    test is measured anew at that moment: what an earlier record says must still be so. accounted_params changes as the
    system grows. components holds digest (its first 12 digits) and number of parameters by name.
    """

    test: float
    accounted_params: float
    components: Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Record:
    """One task learnt by one method with one seed.

    order is the task's place in the suite, from 0. data says what was read: `tfds`, `npz`, ..., with `own split` where
    its test examples are not the published ones. validation and test are top-1 accuracies of the published path,
    params of the whole path, trained_params those trained for the task, flops of one forward pass. examples, children,
    training_flops and seconds are what the search spent, over all its children: seconds of training and validation.
    standings has every task of the system, the record's own included. Of a run that failed, error says why; of one
    without data, what is missing.
    """

    suite: str
    variant: Variant
    task: str
    seed: int
    order: int
    setting: Setting
    state: State
    error: str = ""
    data: str = ""
    splits: Mapping[str, int] = field(default_factory=dict)
    classes: int = 0
    validation: float = 0.0
    test: float = 0.0
    params: int = 0
    trained_params: int = 0
    accounted_params: float = 0.0
    flops: int = 0
    examples: int = 0
    children: int = 0
    training_flops: float = 0.0
    seconds: float = 0.0
    parent_task: str | None = None
    standings: Mapping[str, Standing] = field(default_factory=dict)
    machine: Mapping[str, str | int | float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    date: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What all records of a run have in common, written before the first: the resolved suite, and how it was called.

    command is what was called, a line a call. tasks are all that the suite has, in order; reported are test accuracies
    that were published, by task and method. expect and paper are the recipe's own words. budget is examples a (method,
    task) at most.
    """

    suite: str
    title: str
    paper: str
    expect: str
    command: str
    root: str
    scale: float
    budget: int
    tasks: tuple[str, ...]
    variants: tuple[Variant, ...]
    settings: Mapping[str, str]
    reported: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def file_of(folder: Path, variant: str, seed: int, task: str, setting: Setting) -> Path:
    """Where the record of a run is."""
    return folder / "records" / safe(variant) / f"seed-{seed}" / setting / f"{safe(task)}.json"


def safe(name: str) -> str:
    """A name of a method or task as that of a file."""
    return name.replace("/", "+").replace(":", "-").replace(" ", "_")


def write(folder: Path, record: Record) -> None:
    """Put a record in its place, whole or not at all."""
    file = file_of(folder, record.variant.name, record.seed, record.task, record.setting)
    _write_json(file, asdict(record))


def write_terms(folder: Path, terms: Terms) -> None:
    """Put down what the records of a folder have in common."""
    _write_json(folder / "suite.json", asdict(terms))


def read_terms(folder: Path) -> Terms:
    """What the records of a folder have in common.

    Raises:
        DataError: no benchmark was run there, or the file is damaged.
    """
    file = folder / "suite.json"
    if not file.is_file():
        raise DataError(f"{folder} holds no results", "name the folder that `ramet benchmark run` wrote to")
    with _json_of(file) as plain:
        variants = tuple(Variant(**variant) for variant in plain["variants"])
        return Terms(**{**plain, "tasks": tuple(plain["tasks"]), "variants": variants})


def read(file: Path) -> Record:
    """The record of a file.

    Raises:
        DataError: the file is damaged.
    """
    with _json_of(file) as plain:
        standings = {
            task: Standing(**{**s, "components": {n: (d, c) for n, (d, c) in s["components"].items()}})
            for task, s in plain["standings"].items()
        }
        return Record(**{**plain, "variant": Variant(**plain["variant"]), "standings": standings})


def read_all(folder: Path) -> Iterator[Record]:
    """All records of a folder, in the order of their files' names."""
    for file in sorted((folder / "records").rglob("*.json")):
        yield read(file)


def _write_json(file: Path, plain: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode())


@contextmanager
def _json_of(file: Path) -> Iterator[dict[str, Any]]:
    """The values of a file; that something is missing among them is damage too."""
    try:
        yield json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"it has no {error}" if isinstance(error, KeyError) else error
        raise DataError(f"{file} is damaged: {problem}", "delete it and resume the benchmark") from error
