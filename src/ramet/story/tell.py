"""The history of a branch, told commit by commit and segment by segment.

A segment is a run of commits under one method version, along the branch's first parents: what was merged counts where
it was merged, as what it published. The method version of a commit is the label that it carries, whose fingerprint
changes with every setting, the budget too, since all of them decide; a commit without one is under those that made its
paths, and one that publishes nothing stays in the segment that it is in. The states are kept up from change to change,
so that a long history costs no more than its length.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from ramet.base.records import Commit, Path
from ramet.story.tally import Tally
from ramet.system import System

_CHUNK = 5000
"""Paths a query."""


@dataclass(frozen=True)
class State:
    """The system after a commit.

    The qualities and flops are means over its tasks, accounted_params too: a task's parameters, each divided by the
    tasks and roots that hold it. params are those of all tasks together, each once.
    """

    commit: str
    time: str
    method: str
    tasks: int
    quality: float | None
    test_quality: float | None
    accounted_params: float | None
    params: int
    flops: float | None


@dataclass(frozen=True)
class Segment:
    """A run of commits under one method version, and what it did to the system it began with.

    added and removed are the tasks that are there after it and were not before, or the other way round; revisited those
    with another path. after is the state at its end.
    """

    method: str
    commits: int
    began: str
    added: tuple[str, ...]
    revisited: tuple[str, ...]
    removed: tuple[str, ...]
    after: State


@dataclass(frozen=True)
class Story:
    """A branch's history from its first change on; both are empty where nothing was ever published."""

    segments: tuple[Segment, ...]
    states: tuple[State, ...]


def tell(system: System) -> Story:
    """The story of the branch that a system is on."""
    commits = [commit for commit in first_parents(system) if commit.changes]
    paths = _paths(system, commits)
    classes = {task.name: len(task.classes) for task in system.tasks.listed(removed=True)}
    tally = Tally(system.roots().values(), classes)
    states: list[State] = []
    segments = []
    for method, run in groupby(_with_methods(commits, paths), itemgetter(0)):
        before, start = dict(tally.published), len(states)
        for _, commit in run:
            for task, id in commit.changes.items():
                tally.publish(task, None if id is None else paths[id])
            states.append(_state(commit, method, tally))
        segments.append(_segment(before, tally.published, states[start:]))
    return Story(tuple(segments), tuple(states))


def first_parents(system: System) -> list[Commit]:
    """The commits of a system's branch along first parents, the first one first."""
    known = {commit.id: commit for commit in system.versions.log()}
    line = [system.versions.commit()]
    while line[-1].parents:
        line.append(known[line[-1].parents[0]])
    return line[::-1]


def _paths(system: System, commits: Sequence[Commit]) -> dict[str, Path]:
    """All paths that were published, by id."""
    ids = sorted({id for commit in commits for id in commit.changes.values() if id is not None})
    chunks = (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
    return {path.id: path for chunk in chunks for path in system.paths(chunk)}


def _with_methods(commits: Sequence[Commit], paths: Mapping[str, Path]) -> Iterator[tuple[str, Commit]]:
    """Each commit after the method version that it is under."""
    method = ""
    for commit in commits:
        made_by = {paths[id].method for id in commit.changes.values() if id is not None}
        method = commit.method or "; ".join(sorted(made_by - {""})) or method
        yield method, commit


def _state(commit: Commit, method: str, tally: Tally) -> State:
    return State(
        commit=commit.id,
        time=commit.time,
        method=method,
        tasks=len(tally.published),
        quality=tally.quality.value,
        test_quality=tally.test_quality.value,
        accounted_params=tally.accounted_params,
        params=tally.params,
        flops=tally.flops.value,
    )


def _segment(before: Mapping[str, Path], after: Mapping[str, Path], states: Sequence[State]) -> Segment:
    both = before.keys() & after.keys()
    return Segment(
        method=states[-1].method,
        commits=len(states),
        began=states[0].time,
        added=tuple(sorted(after.keys() - both)),
        revisited=tuple(sorted(task for task in both if before[task].id != after[task].id)),
        removed=tuple(sorted(before.keys() - both)),
        after=states[-1],
    )
