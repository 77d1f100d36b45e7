"""Every task of a branch at a glance: quality, size, compute, and what it shares."""

import json
import math
from collections.abc import Mapping, Sequence

from ramet.base.errors import RametError
from ramet.base.records import Path, Task
from ramet.method.document.schema import score_part
from ramet.method.protocols import Score
from ramet.method.score import SizeAndCompute, path_flops
from ramet.method.world import World
from ramet.results import TaskStatus
from ramet.store.catalog.catalog import Catalog


def statuses(catalog: Catalog, branch: str) -> list[TaskStatus]:
    """Return the status of every task, by name."""
    published = catalog.versions.published(branch)
    world = World.of(published, catalog.paths.roots().values())
    texts = catalog.agents.score_terms()
    read = {text: _score_part(text) for text in set(texts.values())}
    terms = {agent: read[text] for agent, text in texts.items()}
    unfinished, sharing = catalog.agents.evolving(branch=branch), world.sharing()
    return [
        _status(task, published.get(task.name), world, terms, sharing.get(task.name, ()), task.name in unfinished)
        for task in catalog.tasks.all()
    ]


def _score_part(text: str) -> Score | None:
    """Return the score of a recorded method; None where its code is not here any more, so that all else can be told."""
    try:
        return score_part(json.loads(text))
    except RametError:
        return None


def _status(
    task: Task,
    path: Path | None,
    world: World,
    terms: Mapping[str, Score | None],
    sharing: Sequence[str],
    unfinished: bool,
) -> TaskStatus:
    if path is None:
        return TaskStatus(task.name, len(task.classes), unfinished=unfinished)
    score = terms.get(path.agent, SizeAndCompute())  # of elsewhere they are not known
    return TaskStatus(
        task=task.name,
        classes=len(task.classes),
        path=path.id,
        quality=path.metrics["quality"],
        test_quality=path.metrics["test_quality"],
        score=world.score(score, path) if score else math.nan,
        params=path.params,
        trained_params=path.trained_params,
        accounted_params=world.accounted_params(path),
        flops=path_flops(path, len(task.classes)),
        layers=int(path.hyperparameters["layers"]),
        image_size=int(path.hyperparameters["data.image_size"]),
        parent_task=path.parent_task,
        shares_with=sharing,
        method=path.method,
        unfinished=unfinished,
    )
