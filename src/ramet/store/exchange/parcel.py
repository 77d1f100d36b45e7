"""Records that travel from one system to another: commits, and the paths, tasks, agents and roots that they speak of.

A parcel is closed but for what its receiver has: the parents of its commits and paths are in it or there. Images do not
travel, nor does what did not come to be published: children that were dropped, populations, runs that are under way.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from msgspec import Raw, Struct, json

from ramet.base.errors import StoreError
from ramet.base.records import Commit, Path, Task, canonical
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.codec import Json, measurements, path_record, read_commit, read_path, read_task, task_record
from ramet.store.versions.commits import new_commit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Records by what they are called; commits and paths may be in any order.

    roots are paths by their names. Of an agent only what it was started with travels.
    """

    tasks: Mapping[str, Task]
    roots: Mapping[str, Path]
    paths: Mapping[str, Path]
    agents: Mapping[str, Agent]
    commits: Mapping[str, Commit]

    def published(self) -> dict[str, Path]:
        """Return the paths that the commits publish, by id."""
        ids = {id for commit in self.commits.values() for id in commit.changes.values() if id is not None}
        return {id: self.paths[id] for id in sorted(ids & self.paths.keys())}

    def digests(self) -> frozenset[str]:
        """Return the objects that the receiver needs: those of published paths and of roots."""
        needed = (*self.published().values(), *self.roots.values())
        return frozenset(digest for path in needed for digest in path.digests())

    def ordered_commits(self) -> list[Commit]:
        """Return the commits, each after its parents."""
        return _in_order(self.commits, lambda commit: commit.parents)

    def ordered_paths(self) -> list[Path]:
        """Return the paths, each after its parent, the roots included."""
        known = {**{path.id: path for path in self.roots.values()}, **self.paths}
        return _in_order(known, lambda path: (path.parent,) if path.parent else ())

    def boundary(self) -> set[str]:
        """Return the commits that the receiver must have: parents that are not in the parcel."""
        return {parent for c in self.commits.values() for parent in c.parents} - self.commits.keys()

    def limited_to(self, tip: str) -> "Parcel":
        """Only what a commit leads to."""
        commits = _reached([tip], self.commits, lambda commit: commit.parents)
        ids = [id for commit in commits.values() for id in commit.changes.values() if id is not None]
        paths = _reached(ids, self.paths, lambda path: (path.parent,) if path.parent else ())
        names = {name for commit in commits.values() for name in commit.changes} | {p.task for p in paths.values()}
        made_by = {path.agent for path in paths.values()}
        return Parcel(
            {name: task for name, task in self.tasks.items() if name in names},
            self.roots,
            paths,
            {id: agent for id, agent in self.agents.items() if id in made_by},
            commits,
        )

    def check(self) -> None:
        """Make sure that each record is the one that its id was made from.

        Raises:
            StoreError: one was altered on its way, or names a path that is not there.
        """
        for id, path in (*self.paths.items(), *((path.id, path) for path in self.roots.values())):
            if path.identified().id != id:
                raise _altered(f"path {id}")
        for id, commit in self.commits.items():
            fields = {name: getattr(commit, name) for name in ("message", "method", "time", "author", "code")}
            if new_commit(commit.parents, commit.changes, **fields).id != id:
                raise _altered(f"commit {id}")
        for path in self.paths.values():
            if path.task is not None and path.task not in self.tasks:
                raise _altered(f"task {path.task!r} of path {path.id}")


NOTHING = Parcel({}, {}, {}, {}, {})
"""A parcel without records."""


def merged(parcels: Iterable[Parcel]) -> Parcel:
    """Return all records of several parcels; of tasks, roots and measurements the later ones."""
    joined = NOTHING
    for parcel in parcels:
        joined = Parcel(
            {**joined.tasks, **parcel.tasks},
            {**joined.roots, **parcel.roots},
            {**joined.paths, **parcel.paths},
            {**joined.agents, **parcel.agents},
            {**joined.commits, **parcel.commits},
        )
    return joined


def parcel_json(parcel: Parcel) -> Json:
    """Return a parcel as JSON."""
    return {
        "tasks": [task_record(task) for _, task in sorted(parcel.tasks.items())],
        "roots": {name: path_json(path) for name, path in parcel.roots.items()},
        "paths": [path_json(path) for path in parcel.ordered_paths() if path.id in parcel.paths],
        "agents": [agent_json(agent) for _, agent in sorted(parcel.agents.items())],
        "commits": [canonical(commit) for commit in parcel.ordered_commits()],
    }


def read_parcel(text: bytes) -> Parcel:
    """Return the parcel that parcel_json wrote.

    Raises:
        StoreError: it is none.
    """
    try:
        read = _decode(text)
        paths, tasks = map(read_path, read.paths), map(read_task, read.tasks)
        agents = [agent_of_json(agent) for agent in read.agents]
        return Parcel(
            {task.name: task for task in tasks},
            {name: read_path(path) for name, path in read.roots.items()},
            {path.id: path for path in paths},
            {agent.id: agent for agent in agents},
            {commit.id: commit for commit in map(read_commit, read.commits)},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _altered("what was read") from error


class _Read(Struct):
    """A parcel as JSON, whose paths and tasks are text still."""

    tasks: list[Raw]
    roots: dict[str, Raw]
    paths: list[Raw]
    agents: list[dict[str, Any]]
    commits: list[Raw]


_decode = json.Decoder(_Read).decode


def path_json(path: Path) -> Json:
    """Return a path with its measurements as JSON."""
    return {**path_record(path), "metrics": measurements(path.metrics)}


def agent_json(agent: Agent) -> Json:
    """Return an agent's start as JSON: its method, with the terms of the score that its paths are judged by."""
    plain = asdict(agent)
    for moving in ("state", "cycle", "base"):
        del plain[moving]
    return plain


def agent_of_json(plain: Mapping[str, Any]) -> Agent:
    """Return the agent that agent_json wrote, as one that is done; its base is known to who takes it in."""
    return Agent(**plain, state="done", cycle=plain["cycles"], base="")


def moved_to(agent: Agent, *, task: str, number: int, base: str) -> Agent:
    """Return an agent as one of another system's: done, counted after those of its task and branch that are there."""
    return replace(agent, task=task, number=number, state="done", cycle=agent.cycles, base=base)


def _reached(start: Iterable[str], known: Mapping[str, T], before: Callable[[T], Iterable[str]]) -> dict[str, T]:
    """Return what is reached from some ids, among what is known."""
    found: dict[str, T] = {}
    waiting = list(start)
    while waiting:
        id = waiting.pop()
        if id in known and id not in found:
            found[id] = known[id]
            waiting.extend(before(known[id]))
    return found


def _in_order(known: Mapping[str, T], before: Callable[[T], Iterable[str]]) -> list[T]:
    """Each after those that it follows, as far as they are known."""
    done: dict[str, T] = {}
    waiting = sorted(known, reverse=True)
    entered = set()
    while waiting:
        id = waiting[-1]
        first = [other for other in before(known[id]) if other in known and other not in done]
        if first and id not in entered:
            entered.add(id)
            waiting.extend(first)
        else:
            done.setdefault(id, known[id])
            waiting.pop()
    return list(done.values())


def _altered(what: str) -> StoreError:
    return StoreError(
        f"{what} is not as it was written", "bring the remote back from a copy, or push it anew elsewhere"
    )
