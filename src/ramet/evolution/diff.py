"""What lies between two states of a system: per task and in all, quality, size and compute."""

import math
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Literal

from ramet.base.records import Path
from ramet.method.score import agent_of, path_flops
from ramet.method.world import World
from ramet.results import Diff, Figures, TaskDiff, Total


def diff(first: str, before: World, second: str, after: World, classes: Mapping[str, int]) -> Diff:
    """Return the difference of two worlds.

    Args:
        first: the commit of `before`.
        before: what is published there, and the roots.
        second: the commit of `after`.
        after: the same there.
        classes: of every task of either, how many there are.
    """
    changed = [
        _task_diff(task, before, after, classes[task])
        for task in sorted(before.published.keys() | after.published.keys())
        if _id(before, task) != _id(after, task)
    ]
    return Diff(first, second, tuple(changed), _total(before, classes), _total(after, classes))


def _task_diff(task: str, before: World, after: World, classes: int) -> TaskDiff:
    old, new = _figures(before, task, classes), _figures(after, task, classes)
    components = after.published[task].components if task in after.published else ()
    others = {c.digest for c in components if after.held[c.digest] - {task}}
    return TaskDiff(
        task,
        _change(old, new),
        old,
        new,
        added=tuple(c.name for c in components if c.digest not in before.held),
        shared=tuple(c.name for c in components if c.digest in others),
    )


def _change(old: Figures | None, new: Figures | None) -> Literal["added", "removed", "better", "worse", "equal"]:
    if old is None or new is None:
        return "added" if old is None else "removed"
    if old.quality is None or new.quality is None or old.quality == new.quality:
        return "equal"
    return "better" if new.quality > old.quality else "worse"


def _figures(world: World, task: str, classes: int) -> Figures | None:
    path = world.published.get(task)
    if path is None:
        return None
    quality, test_quality = (_measured(path, name) for name in ("quality", "test_quality"))
    return Figures(path.id, quality, test_quality, path.params, world.accounted_params(path), path_flops(path, classes))


def _total(world: World, classes: Mapping[str, int]) -> Total:
    paths = world.published.values()
    return Total(
        tasks=len(paths),
        quality=_mean(_measured(path, "quality") for path in paths),
        test_quality=_mean(_measured(path, "test_quality") for path in paths),
        params=sum({c.digest: c.size for path in paths for c in path.components}.values()),
        flops=_mean(path_flops(path, classes[agent_of(path)]) for path in paths),
    )


def _id(world: World, task: str) -> str | None:
    path = world.published.get(task)
    return None if path is None else path.id


def _measured(path: Path, name: str) -> float | None:
    value = path.metrics.get(name, math.nan)
    return None if math.isnan(value) else value


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
