"""What came of a study: one record a (variant, seed, task), from which reports are made.

A study's records are read from its system's catalog (gather.py). They can also be kept as a folder of small JSON files
without the system: `study.json`, what all have in common, and `records/VARIANT/seed-K[-alone]/TASK.json`.
"""

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic import ValidationError

from ramet.base.errors import DataError
from ramet.base.files import write_whole
from ramet.study.design import Design, plain

State = Literal["done", "failed", "no-data"]
ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Tried:
    """A child that was tried on the way, whether it lived or not.

    path and parent are ids; curve has the validation quality after each validation; examples, flops and seconds are
    what its training took. score is by the control's terms, None of a quality that is no number.
    """

    path: str
    parent: str | None
    cycle: int
    generation: int
    number: int
    status: str
    mutations: tuple[str, ...]
    curve: tuple[float | None, ...]
    examples: float
    flops: float
    seconds: float
    score: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """The outcome of a variant with a seed on a task.

    order is the task's place in the design, number that in the order in which the branch learned its tasks; alone: it
    was learned from the first commit, without the others. data says what was read: `tfds`, `npz`, ... Of a task that
    failed, error says why; of one without data, what is missing.

    path is the published one, found: it is this run's, and not one that was there before. score is by the control's
    terms in the system as it was when the branch had learned its last task, own_score by the variant's; quality is the
    validation accuracy. accounted_params are of that moment too. flops are of one forward pass of one image; examples,
    children, training_flops and seconds are what the search spent, over all its children. components has digest (its
    first 12 digits) and size by name, measured the test accuracy of every task of the branch when this one had been
    learned, measured anew. mu has every action's probability at the start and in the published path. tried are all
    children; None where they were not kept.
    """

    variant: str
    seed: int
    task: str
    order: int
    state: State
    number: int = 0
    alone: bool = False
    error: str = ""
    data: str = ""
    splits: Mapping[str, int] = field(default_factory=dict)
    classes: int = 0
    path: str = ""
    found: bool = False
    score: float = 0.0
    own_score: float = 0.0
    quality: float = 0.0
    test_quality: float = 0.0
    accounted_params: float = 0.0
    trained_params: int = 0
    params: int = 0
    flops: int = 0
    examples: float = 0.0
    children: int = 0
    training_flops: float = 0.0
    seconds: float = 0.0
    parent_task: str | None = None
    components: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    mu: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    tried: tuple[Tried, ...] | None = None
    machine: Mapping[str, str | int | float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    date: str = ""


@dataclass(frozen=True)
class Study:
    """A study with its records: what was designed, and the commit and time at which it began."""

    design: Design
    commit: str
    time: str
    records: tuple[Record, ...]


def write(folder: Path, study: Study) -> None:
    """Put a study's records into a folder, each file whole or not at all; what is the same is left alone."""
    common = {"design": study.design.model_dump(mode="json"), "commit": study.commit, "time": study.time}
    _write(folder / "study.json", common)
    for record in study.records:
        _write(file_of(folder, record), record)


def read(folder: Path) -> Study:
    """Return the study of a folder.

    Raises:
        DataError: it holds none, or a file is damaged.
    """
    file = folder / "study.json"
    if not file.is_file():
        raise DataError(f"{folder} holds no results", "name the folder that `ramet benchmark run` wrote to")
    try:
        common = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        design, commit, time = Design.model_validate(common["design"]), common["commit"], common["time"]
        records = []
        for file in sorted((folder / "records").rglob("*.json")):
            records.append(msgspec.json.decode(file.read_bytes(), type=Record))
    except (KeyError, ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{file} is damaged: {reason}", "delete it and run the benchmark again") from error
    return Study(design, commit, time, tuple(records))


def file_of(folder: Path, record: Record) -> Path:
    """Return where a record is."""
    lane = f"seed-{record.seed}{'-alone' if record.alone else ''}"
    return folder / "records" / plain(record.variant) / lane / f"{plain(record.task)}.json"


def _write(file: Path, content: Any) -> None:
    text = msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"
    if not file.is_file() or file.read_bytes() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)


def versions() -> dict[str, str]:
    """Return what the figures depend on."""
    return {"ramet": version("ramet"), "torch": version("torch"), "Python": platform.python_version()}


def machine() -> dict[str, str | int | float]:
    """Return the processor, the cores and the memory (GB) that this process may use, the load, and the system."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text() if cpuinfo.exists() else "", re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.processor() or "unknown processor",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory, GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
    }
