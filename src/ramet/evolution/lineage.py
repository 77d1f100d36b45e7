"""How a path came about, as the catalog has it: the children that lead to it, and the cycles that made them.

The system that a cycle began from is not on record. It is the last one before the cycle was published in which its
children have the scores that they are recorded with: others may have published in between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.records import Child, Commit, Path
from ramet.evolution.recorded import RecordedCycle, RecordedStep
from ramet.method.document.presets import load
from ramet.method.document.schema import Method
from ramet.method.world import World
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.catalog import Catalog
from ramet.store.objects import Objects

_BACK = 50
"""Commits of others that may have come while a cycle ran."""

_ELSEWHERE = "replay it in the system where it was learnt: only published paths travel, not the children of their runs"


def recorded_steps(catalog: Catalog, objects: Objects, path: Path) -> tuple[Path, list[RecordedStep]]:
    """Where the lineage of a path starts, and its steps from there, the first one first.

    It starts from the nearest ancestor that is a root, or another task's whose objects are all there.

    Raises:
        InvalidValue: the path is a root, or was never published.
        UnknownName: its run, or the children of that, are not on record here.
    """
    roots = {root.id for root in catalog.paths.roots().values()}
    if path.id in roots:
        raise InvalidValue(f"path {path.id} is a root, which no run has made", "name a task, or a path of one")
    lineage: list[Path] = []
    for ancestor in catalog.paths.ancestors(path.id):
        foreign = ancestor.task != path.task and all(digest in objects for digest in ancestor.digests())
        if ancestor.id in roots or foreign:
            return ancestor, [*_steps(catalog, lineage[::-1])]
        lineage.append(ancestor)
    raise UnknownName(f"what path {lineage[-1].id} descends from is not on record", _ELSEWHERE)


def _steps(catalog: Catalog, lineage: list[Path]) -> Iterator[RecordedStep]:
    """The children that made these paths; those of one cycle share its record."""
    known = {path.agent for path in lineage}
    made = {child.path.id: child for agent in sorted(known) for child in catalog.agents.children(agent)}
    for path in lineage:
        if path.id not in made:
            raise UnknownName(f"the run that made path {path.id} is not on record", _ELSEWHERE)
    ends = {(path.agent, made[path.id].cycle): path for path in lineage}
    cycles = {key: _cycle(catalog, catalog.agents.get(key[0]), key[1], end) for key, end in ends.items()}
    return (RecordedStep(cycles[path.agent, made[path.id].cycle], made[path.id]) for path in lineage)


def _cycle(catalog: Catalog, agent: Agent, number: int, end: Path) -> RecordedCycle:
    """A cycle by the last path of it that counts: the one that it published."""
    commits = [commit for commit in catalog.versions.publishing(end.id) if commit.method == agent.label]
    if not commits:
        raise InvalidValue(f"path {end.id} was never published", "`ramet log` shows what was")
    method, children = load(agent.method), catalog.agents.children(agent.id, cycle=number)
    worlds = _worlds_before(catalog, commits[0], agent.task)
    first = next(worlds)
    agreeing = (world for world in (first, *worlds) if _has_scores(world, method, children))
    return RecordedCycle(catalog, agent, number, method, next(agreeing, first), children)


def _worlds_before(catalog: Catalog, commit: Commit, task: str) -> Iterator[World]:
    """What the system was before a commit, and before those before it, back to the last one that changed the task."""
    roots = catalog.paths.roots().values()
    for _ in range(_BACK):
        if not commit.parents:
            return
        commit = catalog.versions.commit(commit.parents[0])
        yield World.of(catalog.versions.published(commit.id), roots)
        if task in commit.changes:
            return


def _has_scores(world: World, method: Method, children: Sequence[Child]) -> bool:
    """Whether children had the scores in a world that are on record; as they were judged before they were stored."""
    joined = (child.path for child in children if child.status == "joined")
    judged = (
        replace(path, components=tuple(replace(c, digest="") if c.name in path.trained else c for c in path.components))
        for path in joined
    )
    return all(world.score(method.score, path) == path.metrics["score"] for path in judged)
