"""Where a suite finds its tasks' images: decoded once into the results' folder, and linked into every system there."""

from pathlib import Path
from typing import Any

from ramet.base.errors import DataError
from ramet.base.records import Task
from ramet.benchmarks.suite import SuiteTask
from ramet.system import System
from ramet.tasks import cache
from ramet.tasks import data as task_data
from ramet.tasks.sources import KINDS, open_source
from ramet.tasks.sources.papers import own_splits

PAPERS = "papers:"


def prepare(output: Path, task: SuiteTask, data: Path | None, max_side: int) -> Task:
    """The task's record, its images in the cache of the results' folder.

    Raises:
        DataError: there is no data of that task, or it cannot be used.
    """
    cached = cache.read_task(cache.folder_of(output, task.name))
    if cached is not None:
        return cached
    source, options = locate(task, data)
    return task_data.add(output, task.name, source, max_side=max_side, validation=task.validation, **options)


def check(output: Path, task: SuiteTask, data: Path | None) -> None:
    """Find out whether there is data, before anything is made for it.

    Raises:
        DataError: there is none; the error says how to get it.
    """
    if cache.read_task(cache.folder_of(output, task.name)) is None:
        source, options = locate(task, data)
        open_source(source, **options)


def locate(task: SuiteTask, data: Path | None) -> tuple[str, dict[str, Any]]:
    """A task's source and its options.

    In the data folder it is an .npz file or a folder of the task's name, with `_` for `/`,
    else what TFDS prepared there.

    Raises:
        DataError: the folder of data does not exist.
    """
    if data is None or not task.source.startswith(PAPERS):
        return task.source, {}
    if not data.is_dir():
        raise DataError(f"{data} is no folder", "name the one that holds the data by --data")
    name = task.name.replace("/", "_")
    if (data / f"{name}.npz").is_file():
        return task.source, {"file": str(data / f"{name}.npz")}
    if (data / name / "train").is_dir():
        return f"folder:{data / name}", {}
    return task.source, {"data_dir": str(data)}


def described(task: SuiteTask, read: Task) -> str:
    """What was read, as records say it: `tfds`, `npz`, `npz, own split`, `folder`, ..."""
    name, file = task.source.removeprefix(PAPERS), read.options["source"].get("file")
    if file:
        return "npz, own split" if own_splits(name, file) else "npz"
    kind = read.source.partition(":")[0]
    return {"papers": "tfds"}.get(kind, kind if kind in KINDS else "folder")  # a folder's uri is its path alone


def link(system: System, output: Path) -> None:
    """Let a system read the images that the results' folder holds."""
    place = system.store.folder / "cache"
    if not place.exists():
        place.symlink_to((output / "cache").resolve(), target_is_directory=True)
