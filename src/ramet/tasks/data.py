"""A task's data: added once from a source, then opened as memory-mapped arrays as often as needed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ramet.base.errors import DataError
from ramet.base.files import whole_folder
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Task
from ramet.tasks import cache
from ramet.tasks.build import Reading, assign, build, fingerprint_of
from ramet.tasks.cache import Split
from ramet.tasks.sources import open_source
from ramet.tasks.sources.base import SPLITS, check_text

__all__ = ["Split", "add", "check_source", "open_splits", "remove_cache", "side_for"]


def side_for(image_size: int) -> int:
    """Return the longest side at which images are cached for networks that see image_size pixels a side.

    A seventh more, 256 for 224: a crop is one of a picture that still has more to show than the network sees.
    """
    return -(-image_size * 8 // 7)


def add(
    system_folder: Path,
    name: str,
    source: str | Path,
    *,
    max_side: int,
    validation: float | None = None,
    test: float | None = None,
    skip_bad_images: bool = False,
    progress: Progress = QUIET,
    **options: Any,
) -> Task:
    """Read a source, decode every image once into the system's cache, and return the task's record.

    Stopped at any moment, it leaves nothing that counts, and the same call finishes; done, the same call is quick.
    `ramet.tasks.build.build` says what the record's options tell.

    Args:
        system_folder: the system; images go to its `cache/`.
        name: the task's name. What was cached for another task of this name is replaced.
        source: what `open_source` takes, with the source's own options.
        max_side: larger images are made smaller; see `side_for`.
        validation: the fraction of train for a validation split that the source lacks (else 0.05), and test alike.
        skip_bad_images: leave out images that cannot be decoded, instead of refusing.
        progress: told the images that are read.

    Raises:
        RametError: the name, source, an option, an image or the disk is not as it must be.
    """
    cache.check_name(name)
    reading = Reading(max_side, validation, test, skip_bad_images, options)
    check_text("the options", json.dumps(options, ensure_ascii=False, default=str))
    opened = open_source(source, **options)
    for note in opened.notes:
        progress.noted(note)
    probable = assign(opened.splits, validation=validation, test=test)  # wrong fractions are refused, nothing written
    stamps = opened.stamps()
    folder = cache.folder_of(system_folder, name)
    with cache.locked(folder):
        cached = cache.read_task(folder)
        if cached is not None and Reading.of(cached) == reading:
            # The images are only read again where their files were touched.
            untouched = cached.source == opened.uri and cache.read_stamps(folder) == stamps
            if untouched or cached.fingerprint == fingerprint_of(opened):
                cache.write_stamps(folder, stamps)
                return replace(cached, name=name, source=opened.uri)
        with whole_folder(folder) as partial:
            task = build(partial, name, opened, reading, probable, progress)
            cache.write_stamps(partial, stamps)
            return task


def open_splits(system_folder: Path, task: Task, progress: Progress = QUIET) -> dict[str, Split]:
    """Return the splits "train", "validation" and "test" of a task; the cache is made again where it is gone.

    Raises:
        DataError: the cache is gone, and the source is not what it was.
    """
    folder = cache.folder_of(system_folder, task.name)
    if not _is_of(folder, task):
        with cache.locked(folder):
            if not _is_of(folder, task):  # another process may have made it while this one waited
                reading = Reading.of(task)
                opened = open_source(task.source, **reading.source)
                probable = assign(opened.splits, validation=reading.validation, test=reading.test)
                stamps = opened.stamps()
                with whole_folder(folder) as partial:
                    if _data(build(partial, task.name, opened, reading, probable, progress)) != _data(task):
                        raise _changed(task, None, stamps)
                    cache.write_stamps(partial, stamps)
    return {split: cache.open_split(folder, split) for split in SPLITS}


def check_source(system_folder: Path, task: Task) -> None:
    """Compare a task's source with what it was when the task was added; what is cached is used all the same.

    Names, sizes and times of the files are compared first, and contents only where these differ.

    Raises:
        DataError: files were added, removed or edited since, or the source is gone.
    """
    folder = cache.folder_of(system_folder, task.name)
    opened = open_source(task.source, **task.options["source"])
    before = cache.read_stamps(folder) if _is_of(folder, task) else None
    now = opened.stamps()
    if before == now:
        return
    if fingerprint_of(opened) != task.fingerprint:
        raise _changed(task, before, now)
    if before is not None:
        cache.write_stamps(folder, now)


def remove_cache(system_folder: Path, name: str) -> None:
    """Delete the cached images of a task, if there are any."""
    shutil.rmtree(cache.folder_of(system_folder, cache.check_name(name)), ignore_errors=True)


def _is_of(folder: Path, task: Task) -> bool:
    """Return true where a cache folder holds the images of this very task: of equal data, read in the same way."""
    cached = cache.read_task(folder)
    return cached is not None and _data(cached) == _data(task)


def _data(task: Task) -> tuple[object, ...]:
    return tuple(task.classes), dict(task.splits), task.fingerprint, Reading.of(task), list(task.options["size"])


def _changed(task: Task, before: Mapping[str, str] | None, now: Mapping[str, str]) -> DataError:
    changes = []
    if before is not None:
        kinds = {
            "added": now.keys() - before.keys(),
            "removed": before.keys() - now.keys(),
            "edited": {key for key in before.keys() & now.keys() if before[key] != now[key]},
        }
        changes = [f"{len(keys)} {kind} ({min(keys)})" for kind, keys in kinds.items() if keys]
    return DataError(
        f"{task.source} is not what it was when task {task.name!r} was added{': ' if changes else ''}"
        f"{', '.join(changes)}",
        "put it back as it was, or add it as a task of another name",
    )
