"""Records that travel from one system to another, how they are written, and how a catalog gives and takes them.

A parcel holds commits, and the paths, tasks, agents and roots that they speak of. It is closed but for what its
receiver has: the parents of its commits and paths are in it or there. Images do not travel, nor does what did not come
to be published: children that were dropped, populations, runs that are under way.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from msgspec import Raw, Struct, json
from sqlalchemy import Connection, insert, select

from ramet.base.errors import Conflict, InvalidValue, StoreError
from ramet.base.records import Commit, Path, Task, canonical
from ramet.store.catalog import agents as runs
from ramet.store.catalog import rows
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.codec import Json, path_json, read_commit, read_path, read_task, task_of, task_record
from ramet.store.catalog.schema import agents, branches, commit_changes, commits, paths, roots, tags, tasks
from ramet.store.versions import commits as versions
from ramet.store.versions import refs
from ramet.store.versions.commits import graph, new_commit
from ramet.store.versions.refs import Tag

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Records by what they are called; commits and paths may be in any order.

    roots are paths by their names. Of an agent only what it was started with travels.
    """

    tasks: Mapping[str, Task] = field(default_factory=dict)
    roots: Mapping[str, Path] = field(default_factory=dict)
    paths: Mapping[str, Path] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    commits: Mapping[str, Commit] = field(default_factory=dict)

    def digests(self) -> frozenset[str]:
        """Return the objects that the receiver needs: those of published paths and of roots."""
        published = _published(self.commits.values()) & self.paths.keys()
        needed = (*(self.paths[id] for id in published), *self.roots.values())
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
        paths = _reached(_published(commits.values()), self.paths, lambda path: (path.parent,) if path.parent else ())
        names = {name for commit in commits.values() for name in commit.changes} | {p.task for p in paths.values()}
        made_by = {path.agent for path in paths.values()}
        tasks = {name: task for name, task in self.tasks.items() if name in names}
        agents = {id: agent for id, agent in self.agents.items() if id in made_by}
        return Parcel(tasks, self.roots, paths, agents, commits)

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


def merged(parcels: Collection[Parcel]) -> Parcel:
    """Return all records of several parcels; of tasks, roots and measurements the later ones."""
    kinds = ([getattr(parcel, kind.name) for parcel in parcels] for kind in fields(Parcel))
    return Parcel(*({id: record for some in kind for id, record in some.items()} for kind in kinds))


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
    """Return the parcel that parcel_json wrote; a text that is none is a StoreError."""
    try:
        read = _decode(text)
        return Parcel(
            {task.name: task for task in map(read_task, read.tasks)},
            {name: read_path(path) for name, path in read.roots.items()},
            {path.id: path for path in map(read_path, read.paths)},
            {agent.id: agent for agent in map(agent_of_json, read.agents)},
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


def agent_json(agent: Agent) -> Json:
    """Return an agent's start as JSON: its method, with the terms of the score that its paths are judged by."""
    return {name: value for name, value in asdict(agent).items() if name not in ("state", "cycle", "base")}


def agent_of_json(plain: Mapping[str, Any]) -> Agent:
    """Return the agent that agent_json wrote, as one that is done; its base is known to who takes it in."""
    return Agent(**plain, state="done", cycle=plain["cycles"], base="")


# What a catalog gives and takes, each in one transaction


def known(catalog: Catalog, ids: Iterable[str]) -> set[str]:
    """Return those of these ids that are commits of a catalog."""
    with catalog.database.reading() as connection:
        return rows.there(connection, commits.c.id, set(ids))


def kept(catalog: Catalog, ids: Iterable[str]) -> set[str]:
    """Return those of these ids that a branch or a tag leads to, so that their objects are here.

    Of a commit that is only known, gc may have deleted them.
    """
    with catalog.database.reading() as connection:
        return set(connection.execute(refs.reached()).scalars()) & set(ids)


def led_to(catalog: Catalog, tip: str, ids: Iterable[str]) -> set[str]:
    """Return those of these ids that are a commit or what it follows."""
    with catalog.database.reading() as connection:
        return graph(connection, tip).keys() & set(ids)


def parcel_of(catalog: Catalog, tip: str, known: Iterable[str] = ()) -> Parcel:
    """Return the records that a commit leads to and that some other commits, known here, do not lead to."""
    with catalog.database.reading() as connection:
        left_out = {id for other in known for id in graph(connection, other)}
        new = [id for id in graph(connection, tip) if id not in left_out]
        lineage = sorted(_lineage(connection, new) - _lineage(connection, list(left_out)))
        chosen = (select(*rows.columns).where(paths.c.id.in_(some)) for some in rows.chunks(lineage))
        made = {path.id: path for query in chosen for path in rows.read_paths(connection, query)}
        ids = rows.chunks(sorted({path.agent for path in made.values()}))
        made_by = {agent.id: agent for some in ids for agent in runs.read(connection, agents.c.id.in_(some))}
        history = {commit.id: commit for commit in versions.read(connection, new)}
        names = {name for commit in history.values() for name in commit.changes}
        names |= {path.task for path in made.values() if path.task is not None}
        spoken_of = {name: rows.find_task(connection, name, removed=True) for name in sorted(names)}
        return Parcel(spoken_of, rows.all_roots(connection), made, made_by, history)


def receive(
    catalog: Catalog, parcel: Parcel, branch: str, tip: str, *, old: str | None, new_tags: Sequence[Tag] = ()
) -> None:
    """Take records in, whose objects are here, and move a branch to a commit of theirs, wholly or not at all.

    old is where the branch was when the parcel was made (None: not there; it is made then), tip where it is afterwards.
    Of the new tags those whose name is taken are left out.

    Raises:
        InvalidValue: there is another task of the same name here, or the branch's name cannot be used.
        Conflict: the branch is elsewhere by now.
    """
    with catalog.database.writing() as connection:
        for task in parcel.tasks.values():
            add_task(connection, task)
        for some in rows.chunks(parcel.ordered_paths()):
            rows.put_paths(connection, some)
        _add_roots(connection, parcel.roots)
        for commit in parcel.ordered_commits():
            versions.put(connection, commit)
        for agent in sorted(parcel.agents.values(), key=lambda agent: (agent.task, agent.branch, agent.number)):
            add_agent(connection, agent, base=tip)
        now = connection.execute(select(branches.c.commit).where(branches.c.name == branch)).scalar_one_or_none()
        if now != old:
            problem = f"branch {branch!r} has just been moved by somebody else"
            raise Conflict(problem, "run the same command again", ())
        if now is None:
            refs.add_branch(connection, branch, tip)
        elif now != tip:
            changes = versions.between(versions.paths_at(connection, now), versions.paths_at(connection, tip))
            versions.move(connection, branch, now, tip, changes)
            versions.bring_back(connection, branch)
        taken = set(connection.execute(select(tags.c.name).union(select(branches.c.name))).scalars())
        for tag in new_tags:
            if tag.name not in taken:
                refs.add_tag(connection, tag)


def add_agent(connection: Connection, agent: Agent, *, base: str) -> None:
    """Put another system's agent on record as one that is done, the last of its task and branch, unless it is there."""
    if not connection.execute(select(agents.c.id).where(agents.c.id == agent.id)).first():
        number = runs.count_earlier(connection, agent.task, agent.branch)
        here = replace(agent, number=number, state="done", cycle=agent.cycles, base=base)
        connection.execute(insert(agents).values({column.name: getattr(here, column.name) for column in agents.c}))


def add_task(connection: Connection, task: Task, *, same_images: bool = True) -> None:
    """Put a task on record as a removed one, which is brought back by publishing it; one that is there stays."""
    record = connection.execute(select(rows.task_text).where(tasks.c.name == task.name)).scalar_one_or_none()
    if record is None:
        connection.execute(insert(tasks).values(name=task.name, record=task_record(task), removed=True))
        return
    here = task_of(record)
    if here.classes != task.classes or (same_images and here.fingerprint != task.fingerprint):
        what = "images" if here.classes == task.classes else "classes"
        raise InvalidValue(
            f"task {task.name!r} is another one here: it has other {what}",
            "take its path over under another name: `ramet export TASK DIR` there, `ramet import DIR --name NAME` here",
        )


def _add_roots(connection: Connection, new: Mapping[str, Path]) -> None:
    there = {row.path: row.name for row in connection.execute(select(roots))}
    for name, path in new.items():
        if path.id not in there:
            there[path.id] = f"{name}@{path.id}" if name in there.values() else name
            connection.execute(insert(roots).values(name=there[path.id], path=path.id))


def _lineage(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Return the paths that commits published, and all that these descend from."""
    found: set[str] = set()
    for some in rows.chunks(ids):
        by = (commit_changes.c.commit.in_(some), commit_changes.c.path.is_not(None))
        published = select(commit_changes.c.path.label("id")).where(*by)
        line = published.cte("line", recursive=True)
        parents = select(paths.c.parent).join(line, paths.c.id == line.c.id).where(paths.c.parent.is_not(None))
        found |= set(connection.execute(select(line.union(parents).c.id)).scalars())
    return found


def _published(commits: Iterable[Commit]) -> set[str]:
    """Return the ids of the paths that commits publish."""
    return {id for commit in commits for id in commit.changes.values() if id is not None}


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
    remedy = "bring the remote back from a copy, or push it anew elsewhere"
    return StoreError(f"{what} is not as it was written", remedy)
