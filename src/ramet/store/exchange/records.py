"""What a catalog gives to another system, and takes from one, each in one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, insert, select

from ramet.base.errors import Conflict, InvalidValue
from ramet.base.records import Commit, Path, Task
from ramet.store.catalog import rows
from ramet.store.catalog.agents import Agent, count_earlier
from ramet.store.catalog.codec import task_of, task_record
from ramet.store.catalog.database import Database
from ramet.store.catalog.schema import agents, branches, commit_changes, commits, paths, roots, tags, tasks
from ramet.store.exchange.parcel import Parcel, moved_to
from ramet.store.versions import commits as versions
from ramet.store.versions import refs
from ramet.store.versions.graph import graph
from ramet.store.versions.history import Versions
from ramet.store.versions.refs import Tag


class Exchange:
    """The part of a catalog that other systems talk to."""

    def __init__(self, database: Database, versions: Versions) -> None:
        self._database = database
        self._versions = versions

    def known(self, ids: Iterable[str]) -> set[str]:
        """Return those of these ids that are commits here."""
        with self._database.reading() as connection:
            return {
                id
                for some in rows.chunks(list(ids))
                for id in connection.execute(select(commits.c.id).where(commits.c.id.in_(some))).scalars()
            }

    def kept(self, ids: Iterable[str]) -> set[str]:
        """Return those of these ids that a branch or a tag leads to, so that their objects are here.

        Of a commit that is only known, gc may have deleted them.
        """
        with self._database.reading() as connection:
            return refs.reached(connection) & set(ids)

    def led_to(self, tip: str, ids: Iterable[str]) -> set[str]:
        """Return those of these ids that are a commit or what it follows."""
        with self._database.reading() as connection:
            return graph(connection, tip).keys() & set(ids)

    def parcel(self, tip: str, known: Iterable[str] = ()) -> Parcel:
        """Return the records that a commit leads to and that some other commits, known here, do not lead to."""
        with self._database.reading() as connection:
            left_out = {id for other in known for id in graph(connection, other)}
            new = [id for id in graph(connection, tip) if id not in left_out]
            lineage = _lineage(connection, new) - _lineage(connection, list(left_out))
            made = {path.id: path for path in _paths(connection, lineage)}
            history = {commit.id: commit for commit in versions.read(connection, new)}
            names = {name for commit in history.values() for name in commit.changes}
            names |= {path.task for path in made.values() if path.task is not None}
            return Parcel(
                {name: rows.find_task(connection, name, removed=True) for name in sorted(names)},
                rows.all_roots(connection),
                made,
                {agent.id: agent for agent in _agents(connection, {path.agent for path in made.values()})},
                history,
            )

    def receive(self, parcel: Parcel, branch: str, tip: str, *, old: str | None, new_tags: Sequence[Tag] = ()) -> None:
        """Take records in, and move a branch to a commit of theirs, wholly or not at all.

        Args:
            parcel: the records; their objects are here.
            branch: the branch; it is made if it is not there.
            tip: where it is afterwards.
            old: where it was when the parcel was made (None: not there).
            new_tags: tags to add; those whose name is taken are left out.

        Raises:
            InvalidValue: there is another task of the same name here, or the branch's name cannot be used.
            Conflict: the branch is elsewhere by now.
        """
        with self._database.writing() as connection:
            self._take(connection, parcel, tip)
            now = connection.execute(select(branches.c.commit).where(branches.c.name == branch)).scalar_one_or_none()
            if now != old:
                raise Conflict(
                    f"branch {branch!r} has just been moved by somebody else", "run the same command again", ()
                )
            if now is None:
                refs.add_branch(connection, branch, tip)
            elif now != tip:
                versions.move(connection, branch, now, tip, _changes(connection, now, tip))
                versions.bring_back(connection, branch)
            taken = set(connection.execute(select(tags.c.name).union(select(branches.c.name))).scalars())
            for tag in new_tags:
                if tag.name not in taken:
                    refs.add_tag(connection, tag)

    def known_paths(self, ids: Iterable[str]) -> set[str]:
        """Return those of these ids that are paths on record here."""
        with self._database.reading() as connection:
            return {
                id
                for some in rows.chunks(list(ids))
                for id in connection.execute(select(paths.c.id).where(paths.c.id.in_(some))).scalars()
            }

    def take_path(self, task: Task, path: Path, agent: Agent | None, *, message: str, branch: str) -> Commit:
        """Publish another system's path as a task's by a commit; the task is added, or brought back, if need be.

        Raises:
            InvalidValue: there is a task of that name with other classes.
        """

        def prepare(connection: Connection) -> None:
            _add_task(connection, task, same_images=False)
            rows.put_paths(connection, [path])
            if agent is not None:
                _add_agent(connection, agent, task=task.name, base=versions.head_id(connection, branch))

        return self._versions.move(
            branch,
            lambda _: {task.name: path.id},
            message,
            path.method,
            prepare=prepare,
            then=lambda connection, _: versions.bring_back(connection, branch),
        )

    def _take(self, connection: Connection, parcel: Parcel, tip: str) -> None:
        """Add the records that are not there; the tasks that no branch publishes are removed ones."""
        for task in parcel.tasks.values():
            _add_task(connection, task)
        for some in rows.chunks(parcel.ordered_paths()):
            rows.put_paths(connection, some)
        _add_roots(connection, parcel.roots)
        for commit in parcel.ordered_commits():
            versions.put(connection, commit)
        for agent in sorted(parcel.agents.values(), key=lambda agent: (agent.task, agent.branch, agent.number)):
            _add_agent(connection, agent, task=agent.task, base=tip)


def _add_agent(connection: Connection, agent: Agent, *, task: str, base: str) -> None:
    """Put another system's agent on record as one that is done, unless it is there."""
    if connection.execute(select(agents.c.id).where(agents.c.id == agent.id)).first():
        return
    number = count_earlier(connection, task, agent.branch)
    here = moved_to(agent, task=task, number=number, base=base)
    connection.execute(insert(agents).values({field: getattr(here, field) for field in Agent.__dataclass_fields__}))


def _add_task(connection: Connection, task: Task, *, same_images: bool = True) -> None:
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
            taken = name in there.values()
            there[path.id] = f"{name}@{path.id}" if taken else name
            connection.execute(insert(roots).values(name=there[path.id], path=path.id))


def _changes(connection: Connection, start: str, end: str) -> dict[str, str | None]:
    """Return the changes that make one commit's state another's."""
    before, after = versions.paths_at(connection, start), versions.paths_at(connection, end)
    both = sorted(before.keys() | after.keys())
    return {task: after.get(task) for task in both if before.get(task) != after.get(task)}


def _lineage(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Return the paths that commits published, and all that these descend from."""
    found: set[str] = set()
    for some in rows.chunks(ids):
        published = select(commit_changes.c.path.label("id")).where(
            commit_changes.c.commit.in_(some), commit_changes.c.path.is_not(None)
        )
        line = published.cte("line", recursive=True)
        parents = select(paths.c.parent).join(line, paths.c.id == line.c.id).where(paths.c.parent.is_not(None))
        found |= set(connection.execute(select(line.union(parents).c.id)).scalars())
    return found


def _paths(connection: Connection, ids: Iterable[str]) -> Iterator[Path]:
    for some in rows.chunks(sorted(ids)):
        yield from rows.read_paths(connection, select(*rows.columns).where(paths.c.id.in_(some)))


def _agents(connection: Connection, ids: Iterable[str]) -> Iterator[Agent]:
    for some in rows.chunks(sorted(ids)):
        yield from (Agent(**row) for row in connection.execute(select(agents).where(agents.c.id.in_(some))).mappings())
