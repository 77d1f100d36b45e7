"""A task's data: added once from a source, then opened as memory-mapped arrays as often as needed."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ramet.base.errors import DataError
from ramet.base.records import Task, to_json
from ramet.tasks import cache
from ramet.tasks.build import Progress, Reading, build, reading_of
from ramet.tasks.cache import Split
from ramet.tasks.names import check_name
from ramet.tasks.sources import Source, open_source
from ramet.tasks.sources.base import SPLITS
from ramet.tasks.survey import survey

__all__ = ["Progress", "Split", "add", "check_source", "open_splits", "remove_cache"]


def add(
    system_folder: Path,
    name: str,
    source: str,
    *,
    max_side: int,
    validation: float | None = None,
    test: float | None = None,
    skip_bad_images: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Task:
    """Reads a source, decodes every image once into the system's cache, and returns the task's record.

    Stopped at any moment, it leaves nothing that counts, and the same call finishes; done, the same call is quick.
    The record's options say how the data was read, and what was found: `size` (height, width of the images),
    `bad_images` (how many were skipped), `train_test_duplicates` (test images that equal a training image).

    Args:
        system_folder: the system; images go to its `cache/`.
        name: the task's name. What was cached for another task of this name is replaced.
        source: what `open_source` takes.
        max_side: larger images are made smaller; the largest image size that a method may ask for is a good value.
        validation: the fraction of train for a validation split that the source lacks (else 0.05).
        test: the same for the test split.
        skip_bad_images: leave out images that cannot be decoded, instead of refusing.
        progress: is told (done, total) as images are read twice: once for hash and size, once to decode.
        options: the source's own options.

    Raises:
        RametError: the name, source, an option, an image or the disk is not as it must be.
    """
    check_name(name)
    reading = Reading(max_side, validation, test, skip_bad_images, options)
    return build(cache.folder_of(system_folder, name), name, open_source(source, **options), reading, progress)


def open_splits(system_folder: Path, task: Task, progress: Progress | None = None) -> dict[str, Split]:
    """The splits "train", "validation" and "test" of a task; the cache is made again where it is gone.

    Raises:
        DataError: the cache is gone, and the source is not what it was.
    """
    folder = cache.folder_of(system_folder, task.name)
    if not _is_of(folder, task):
        opened = _reopen(task)
        if survey(opened, lambda _: None).fingerprint != task.fingerprint:
            raise _changed(task, None, opened.stamps())
        build(folder, task.name, opened, reading_of(task), progress)
    return {split: cache.open_split(folder, split) for split in SPLITS}


def check_source(system_folder: Path, task: Task) -> None:
    """Compares a task's source with what it was when the task was added; what is cached is used all the same.

    Names, sizes and times of the files are compared first, and contents only where these differ.

    Raises:
        DataError: files were added, removed or edited since, or the source is gone.
    """
    folder = cache.folder_of(system_folder, task.name)
    opened = _reopen(task)
    before = cache.read_stamps(folder) if _is_of(folder, task) else None
    now = opened.stamps()
    if before == now:
        return
    if survey(opened, lambda _: None).fingerprint != task.fingerprint:
        raise _changed(task, before, now)
    if before is not None:
        with cache.writing(folder):
            cache.write_stamps(folder, now)


def remove_cache(system_folder: Path, name: str) -> None:
    """Deletes the cached images of a task, if there are any."""
    shutil.rmtree(cache.folder_of(system_folder, check_name(name)), ignore_errors=True)


def _reopen(task: Task) -> Source:
    return open_source(task.source, **task.options["source"])


def _is_of(folder: Path, task: Task) -> bool:
    """Whether a cache folder holds the images of this very task: of equal data, read in the same way."""
    cached = cache.read_task(folder)
    return cached is not None and _data(cached) == _data(task)


def _data(task: Task) -> tuple[object, ...]:
    return task.fingerprint, json.dumps(to_json(task)["options"], sort_keys=True)


def _changed(task: Task, before: Mapping[str, str] | None, now: Mapping[str, str]) -> DataError:
    changes = "" if before is None else f": {_difference(before, now)}"
    return DataError(
        f"{task.source} is not what it was when task {task.name!r} was added{changes}",
        "put it back as it was, or add it as a task of another name",
    )


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    kinds: dict[str, Iterable[str]] = {
        "added": sorted(now.keys() - before.keys()),
        "removed": sorted(before.keys() - now.keys()),
        "edited": sorted(key for key in before.keys() & now.keys() if before[key] != now[key]),
    }
    return ", ".join(
        f"{len(keys)} {kind} ({next(iter(keys))})" for kind, found in kinds.items() if (keys := list(found))
    )
