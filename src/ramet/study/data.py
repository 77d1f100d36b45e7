"""Where a study finds its tasks' images."""

import threading
from pathlib import Path
from typing import Any

from ramet.base.errors import DataError, InvalidValue
from ramet.base.records import Task
from ramet.study.design import GivenTask
from ramet.system import System
from ramet.tasks.sources import KINDS
from ramet.tasks.sources.papers import own_splits

PAPERS = "papers:"

_ADDING = threading.Lock()
"""One thread at a time adds a task; the others then find it there."""


def locate(task: GivenTask, data: Path | None) -> tuple[str, dict[str, Any]]:
    """Return a task's source and its options.

    In the data folder a task of the papers' list is an .npz file or a folder of its name, with `_` for `/`, else what
    TFDS prepared there.

    Raises:
        DataError: the folder of data does not exist.
    """
    if data is None or not task.source.startswith(PAPERS):
        return task.source, dict(task.options)
    if not data.is_dir():
        raise DataError(f"{data} is no folder", "name the one that holds the data by --data")
    name = task.name.replace("/", "_")
    if (data / f"{name}.npz").is_file():
        return task.source, {**task.options, "file": str(data / f"{name}.npz")}
    if (data / name / "train").is_dir():
        return f"folder:{data / name}", dict(task.options)
    return task.source, {**task.options, "data_dir": str(data)}


def ensure_task(system: System, task: GivenTask, data: Path | None = None) -> bool:
    """Add a task unless it is there, and return whether it was added.

    Raises:
        InvalidValue: there is one of that name, of another source.
        DataError: there is no data of it, or it cannot be used.
        UnknownName: it is to be there, and is not.
    """
    if not task.source:
        system.tasks[task.name]
        return False
    source, options = locate(task, data)
    with _ADDING:
        if _is_there(system, task.name, source):
            return False
        try:
            system.tasks.add(**task.model_dump(exclude={"options", "source"}), source=source, **options)
        except InvalidValue:
            if not _is_there(system, task.name, source):  # else another process was quicker
                raise
            return False
        return True


def described(task: Task) -> str:
    """Return what was read, as records say it: `tfds`, `npz`, `npz, own split`, `folder`, ..."""
    kind, _, rest = task.source.partition(":")
    name, _, place = rest.partition("@")
    if kind == "papers" and place.endswith(".npz"):
        return "npz, own split" if own_splits(name, place) else "npz"
    return {"papers": "tfds"}.get(kind, kind if kind in KINDS else "folder")  # a folder's uri is its path alone


def _is_there(system: System, name: str, source: str) -> bool:
    there = next((task.source for task in system.tasks if task.name == name), None)
    if there is None or there == source or source == f"folder:{there}" or there.startswith(f"{source}@"):
        return there is not None
    raise InvalidValue(f"there is a task {name!r} already, from {there}", "write its name alone")
