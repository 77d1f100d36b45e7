"""Makes a task's cache and record from its source: look over, split, decode, and count."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ramet.base.errors import DataError, InvalidValue
from ramet.base.records import Task
from ramet.tasks import cache
from ramet.tasks.sources.base import SPLITS, Source, without
from ramet.tasks.splits import assign
from ramet.tasks.survey import Survey, common_size, survey

Progress = Callable[[int, int], None]
"""Is told how much of how much is done."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a task's data is read: kept in Task.options, so that the cache can be made again.

    max_side is the largest side of a cached image; validation and test the fractions of train that the user asked for;
    source the source's own options.
    """

    max_side: int
    validation: float | None
    test: float | None
    skip_bad_images: bool
    source: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.max_side < 1:
            raise InvalidValue(f"max_side = {self.max_side} leaves no image", "take 1 or more pixels, such as 224")


def build(folder: Path, name: str, source: Source, reading: Reading, progress: Progress | None) -> Task:
    """The record of a task whose decoded images are in the cache folder, put there unless they already are.

    Raises:
        DataError: images cannot be decoded, or not be split.
        StoreError: the disk is full or not to be written to.
    """
    # Fractions that cannot be are refused before anything is read.
    assign(source.splits, validation=reading.validation, test=reading.test)
    images = sum(len(examples) for examples in source.splits.values())

    def report(done: int) -> None:
        if progress is not None:
            progress(done, 2 * images)

    found = survey(source, report)
    with cache.writing(folder), cache.locked(folder):
        cached = cache.read_task(folder)
        if cached is not None and cached.fingerprint == found.fingerprint and reading_of(cached) == reading:
            cache.write_stamps(folder, source.stamps())
            return replace(cached, name=name, source=source.uri)
        with cache.replaced(folder) as partial:
            task = _decode(partial, name, source, reading, found, lambda done: report(images + done))
            cache.write_task(partial, task, source.stamps())
    return task


def reading_of(task: Task) -> Reading:
    """How a task's data was read."""
    return Reading(**{field.name: task.options[field.name] for field in fields(Reading)})


def _decode(
    folder: Path, name: str, source: Source, reading: Reading, found: Survey, report: Callable[[int], None]
) -> Task:
    """Writes the images; where some turn out to be bad and may be skipped, the data is split again without them."""
    bad = dict(found.bad)
    while True:
        usable = _usable(source, bad, reading)
        assigned = assign(usable.splits, validation=reading.validation, test=reading.test)
        size = common_size(found.sizes, reading.max_side)
        cache.check_space(folder, sum(map(len, assigned.values())), size)
        written = cache.write_images(folder, usable, assigned, size, report)
        if not written.bad:
            break
        bad |= written.bad
    outcome = {"size": list(size), "bad_images": len(bad), "train_test_duplicates": written.duplicates}
    return Task(
        name=name,
        source=source.uri,
        classes=source.classes,
        splits={split: written.counts[split] for split in SPLITS},
        fingerprint=found.fingerprint,
        options={**asdict(reading), **outcome},
    )


def _usable(source: Source, bad: Mapping[str, str], reading: Reading) -> Source:
    if not bad:
        return source
    if not reading.skip_bad_images:
        identifier, reason = next(iter(bad.items()))
        others = f" (nor can {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise DataError(
            f"{identifier} of {source.uri} cannot be decoded{others}: {reason}",
            "repair it, take it out, or add the task with skip_bad_images (--skip-bad-images)",
        )
    return without(source, bad)
