"""Every task of a branch at a glance, and what lies between two states of a system: quality, size, compute."""

import json
import math
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Literal

from ramet.base.errors import RametError
from ramet.base.records import Path
from ramet.method.document.schema import score_part
from ramet.method.protocols import Score
from ramet.method.world import SizeAndCompute, World, agent_of, path_flops
from ramet.results import Diff, Figures, TaskDiff, TaskStatus, Total
from ramet.store.catalog.catalog import Catalog


def statuses(catalog: Catalog, branch: str) -> list[TaskStatus]:
    """Return the status of every task, by name."""
    world = World.of(catalog.versions.published(branch), catalog.paths.roots().values())
    terms = catalog.agents.score_terms()
    scores = {text: _score_part(text) for text in set(terms.values())}
    unfinished, sharing = catalog.agents.evolving(branch=branch), world.sharing()
    found = []
    for task in catalog.tasks.all():
        path, classes = world.published.get(task.name), len(task.classes)
        if path is None:
            found.append(TaskStatus(task.name, classes, unfinished=task.name in unfinished))
            continue
        score = scores[terms[path.agent]] if path.agent in terms else SizeAndCompute()  # of elsewhere it is not known
        found.append(
            TaskStatus(
                task=task.name,
                classes=classes,
                path=path.id,
                quality=path.metrics["quality"],
                test_quality=path.metrics["test_quality"],
                score=world.score(score, path) if score else math.nan,
                params=path.params,
                trained_params=path.trained_params,
                accounted_params=world.accounted_params(path),
                flops=path_flops(path, classes),
                layers=int(path.hyperparameters["layers"]),
                image_size=int(path.hyperparameters["data.image_size"]),
                parent_task=path.parent_task,
                shares_with=sharing.get(task.name, ()),
                method=path.method,
                unfinished=task.name in unfinished,
            )
        )
    return found


def diff(first: str, before: World, second: str, after: World, classes: Mapping[str, int]) -> Diff:
    """Return the difference of the worlds at two commits; classes: how many every task of either has."""
    old, new = ({task: path.id for task, path in world.published.items()} for world in (before, after))
    changed = [task for task in sorted({**old, **new}) if old.get(task) != new.get(task)]
    tasks = tuple(_task_diff(task, before, after, classes[task]) for task in changed)
    return Diff(first, second, tasks, _total(before, classes), _total(after, classes))


def _score_part(text: str) -> Score | None:
    """Return the score of a recorded method; None where its code is not here any more, so that all else can be told."""
    try:
        return score_part(json.loads(text))
    except RametError:
        return None


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


def _measured(path: Path, name: str) -> float | None:
    value = path.metrics.get(name, math.nan)
    return None if math.isnan(value) else value


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
