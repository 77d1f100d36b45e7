"""Merging a branch: which side's path each task takes, and where both changed it, the better one by the score.

Test quality decides nothing: the score is the method's, on validation quality, in the merged system (METHOD section 6).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from ramet.base.errors import Conflict, InvalidValue
from ramet.method.document.schema import score_part
from ramet.method.world import SizeAndCompute, World
from ramet.results import Choice, Merged
from ramet.store.catalog.catalog import Catalog
from ramet.store.versions.commits import Changes, Moved
from ramet.store.versions.history import Fork, State

Policy = Literal["best", "theirs", "ours"]
"""What settles a task that both sides changed."""

POLICIES: tuple[Policy, ...] = get_args(Policy)

_NAMED_CONFLICTS = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """A merge of two states: what to take from theirs (None: the task is out there), and the tasks both changed."""

    taken: Changes
    conflicts: tuple[str, ...]


def plan(bases: Iterable[State], ours: State, theirs: State) -> Plan:
    """Return what each side changed since the states at their nearest common commits.

    A path is news where no base has it. News of one side are taken; news of both, or of neither (two bases, each side
    kept another one's), are a conflict, unless they are the same.
    """
    bases = tuple(bases) or ({},)
    taken: dict[str, str | None] = {}
    conflicts = []
    for task in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(task), theirs.get(task)
        before = {base.get(task) for base in bases}
        if mine == other or (mine not in before and other in before):
            continue
        if mine in before and other not in before:
            taken[task] = other
        else:
            conflicts.append(task)
    return Plan(taken, tuple(conflicts))


def merge(catalog: Catalog, name: str, *, branch: str, policy: Policy | None = None) -> Merged:
    """Merge the commit of a name into a branch, as one commit; where somebody moves either meanwhile, anew.

    policy is what settles conflicts; None refuses them.

    Raises:
        Conflict: both sides changed a task, and there is no policy.
        InvalidValue: there is no such policy.
    """
    if policy is not None and policy not in POLICIES:
        raise InvalidValue(f"no policy is called {policy!r}", f"use one of {', '.join(POLICIES)}")
    while True:
        fork = catalog.versions.fork(name, branch=branch)
        if fork.is_merged:
            return Merged(fork.ours, "nothing")
        bases = [fork.our_state] if fork.is_ahead else fork.bases.values()
        planned = plan(bases, fork.our_state, fork.their_state)
        choices = _settled(catalog, fork, planned, policy)
        changes = {**planned.taken, **{c.task: c.theirs for c in choices if c.taken == "theirs"}}
        try:
            message = f"merge {name} into {branch}{f' ({policy})' if choices else ''}"
            commit = catalog.versions.merge(fork, changes, message=message)
        except Moved:
            continue
        return Merged(commit.id, "forward" if fork.is_ahead else "merge", tuple(planned.taken), choices)


def choose(ours: float | None, theirs: float | None) -> Literal["ours", "theirs"]:
    """Return the side of the better score; ours if equal. One without a path, or not measured, is the worst."""
    return "theirs" if rank(theirs) > rank(ours) or (ours is None and theirs is not None) else "ours"


def rank(score: float | None) -> float:
    """Return what paths are ordered by: one that is not there, or not measured, is the worst."""
    return -math.inf if score is None or math.isnan(score) else score


def _settled(catalog: Catalog, fork: Fork, planned: Plan, policy: Policy | None) -> tuple[Choice, ...]:
    """Return what becomes of the tasks that both sides changed."""
    tasks = planned.conflicts
    if not tasks:
        return ()
    if policy is None:
        named = ", ".join(tasks[:_NAMED_CONFLICTS])
        left = len(tasks) - _NAMED_CONFLICTS
        raise Conflict(
            f"{fork.branch!r} and {fork.name!r} both changed {named}{f' and {left} more' if left > 0 else ''}",
            f"say which path to keep: --policy {', '.join(POLICIES[:-1])} or {POLICIES[-1]}",
            tasks,
        )
    sides = {task: (fork.our_state.get(task), fork.their_state.get(task)) for task in tasks}
    if policy != "best":
        return tuple(Choice(task, ours, theirs, policy) for task, (ours, theirs) in sides.items())
    # scores are those in the merged system without the tasks that are disputed
    merged = {**fork.our_state, **planned.taken}
    kept = {task: id for task, id in merged.items() if id is not None and task not in tasks}
    disputed = [id for pair in sides.values() for id in pair if id]
    paths = {path.id: path for path in catalog.paths.many([*kept.values(), *disputed])}
    world = World.of({task: paths[id] for task, id in kept.items()}, catalog.paths.roots().values())
    methods = {agent.id: agent.method for agent in catalog.agents.all()}
    choices = []
    for task, ids in sides.items():
        # by the same score: ours', or theirs' where ours has no path
        made_by = next(paths[id].agent for id in ids if id)
        part = score_part(methods[made_by]) if made_by in methods else SizeAndCompute()
        ours, theirs = (world.score(part, paths[id]) if id else None for id in ids)
        choices.append(Choice(task, *ids, choose(ours, theirs), ours, theirs))
    return tuple(choices)
