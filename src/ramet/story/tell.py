"""The history of a branch, told commit by commit and segment by segment.

A segment is a run of commits under one method version, along the branch's first parents: what was merged counts where
it was merged, as what it published. The method version of a commit is the label that it carries, whose fingerprint
changes with every setting, the budget too, since all of them decide; a commit without one is under those that made its
paths, and one that publishes nothing stays in the segment that it is in.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import isnan, nan
from operator import itemgetter

from ramet.base.records import Commit, Path
from ramet.method.world import path_flops
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
class Change:
    """A commit, counted from 1, that gave a task another path, and that path's qualities; None where it took it out."""

    number: int
    quality: float | None
    test_quality: float | None


@dataclass(frozen=True)
class Story:
    """A branch's history from its first change on; all is empty where nothing was ever published.

    changes are those of every task, in the order in which the tasks first came.
    """

    segments: tuple[Segment, ...]
    states: tuple[State, ...]
    changes: Mapping[str, tuple[Change, ...]]


def tell(system: System) -> Story:
    """Return the story of the branch that a system is on.

    Every state is worked out from the one before it, so that a long history costs no more than its length.
    """
    commits = [commit for commit in first_parents(system) if commit.changes]
    paths = _paths(system, commits)
    classes = {task.name: len(task.classes) for task in system.tasks.listed(removed=True)}
    sums = _Sums(system.roots().values(), classes)
    states: list[State] = []
    segments = []
    changes: defaultdict[str, list[Change]] = defaultdict(list)
    for method, run in groupby(_with_methods(commits, paths), itemgetter(0)):
        before, start = dict(sums.published), len(states)
        for _, commit in run:
            for task, id in commit.changes.items():
                path = None if id is None else paths[id]
                sums.publish(task, path)
                qualities = (_known(path, measure) for measure in ("quality", "test_quality"))
                changes[task].append(Change(len(states) + 1, *qualities))
            states.append(sums.state(commit, method))
        segments.append(_segment(before, sums.published, states[start:]))
    return Story(tuple(segments), tuple(states), {task: tuple(found) for task, found in changes.items()})


def first_parents(system: System) -> list[Commit]:
    """Return the commits of a system's branch along first parents, the first one first."""
    known = {commit.id: commit for commit in system.versions.log()}
    line = [system.versions.commit()]
    while line[-1].parents:
        line.append(known[line[-1].parents[0]])
    return line[::-1]


def _paths(system: System, commits: Sequence[Commit]) -> dict[str, Path]:
    """Return all paths that were published, by id."""
    ids = sorted({id for commit in commits for id in commit.changes.values() if id is not None})
    chunks = (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
    return {path.id: path for chunk in chunks for path in system.paths(chunk)}


def _with_methods(commits: Sequence[Commit], paths: Mapping[str, Path]) -> Iterator[tuple[str, Commit]]:
    """Yield each commit after the method version that it is under."""
    method = ""
    for commit in commits:
        made_by = {paths[id].method for id in commit.changes.values() if id is not None}
        method = commit.method or "; ".join(sorted(made_by - {""})) or method
        yield method, commit


def _known(path: Path | None, measure: str) -> float | None:
    value = nan if path is None else path.metrics.get(measure, nan)
    return None if isnan(value) else value


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


@dataclass
class _Holding:
    """A component's holders: how many tasks and roots, and how often its parameters stand in the tasks' paths."""

    size: int = 0
    roots: int = 0
    tasks: int = 0
    times: int = 0

    @property
    def accounted(self) -> float:
        """The part of it that all tasks together account for."""
        return self.size * self.times / (self.tasks + self.roots) if self.tasks else 0.0


@dataclass
class _Mean:
    """The mean of numbers that come and go; NaN is none."""

    total: float = 0.0
    count: int = 0

    def change(self, value: float, sign: int) -> None:
        if not isnan(value):
            self.total += sign * value
            self.count += sign

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


@dataclass
class _Sums:
    """The published paths of a system, and sums over them: each change costs what its path holds."""

    roots: Iterable[Path]
    classes: Mapping[str, int]
    published: dict[str, Path] = field(default_factory=dict)
    params: int = 0
    accounted: float = 0.0

    def __post_init__(self) -> None:
        self.quality, self.test_quality, self.flops = _Mean(), _Mean(), _Mean()
        self.held: defaultdict[str, _Holding] = defaultdict(_Holding)
        for root in self.roots:
            for digest in {c.digest for c in root.components}:
                self.held[digest].roots += 1

    def publish(self, task: str, path: Path | None) -> None:
        """Give a task another path, or take it out."""
        before = self.published.pop(task, None)
        if before is not None:
            self._count(before, task, -1)
        if path is not None:
            self._count(path, task, 1)
            self.published[task] = path

    def state(self, commit: Commit, method: str) -> State:
        """Return what the system is now."""
        tasks = len(self.published)
        return State(
            commit=commit.id,
            time=commit.time,
            method=method,
            tasks=tasks,
            quality=self.quality.value,
            test_quality=self.test_quality.value,
            accounted_params=self.accounted / tasks if tasks else None,
            params=self.params,
            flops=self.flops.value,
        )

    def _count(self, path: Path, task: str, sign: int) -> None:
        self.quality.change(path.metrics.get("quality", nan), sign)
        self.test_quality.change(path.metrics.get("test_quality", nan), sign)
        self.flops.change(path_flops(path, self.classes[task]), sign)
        sizes = {c.digest: c.size for c in path.components}
        for digest, times in Counter(c.digest for c in path.components).items():
            held = self.held[digest]
            self.accounted -= held.accounted
            held.size, held.times, held.tasks = sizes[digest], held.times + sign * times, held.tasks + sign
            self.accounted += held.accounted
            self.params += sign * held.size * (held.tasks == (1 if sign > 0 else 0))
