"""The tasks of a system."""

from sqlalchemy import Connection, insert, select, update

from ramet.base.errors import InvalidValue
from ramet.base.records import Task
from ramet.store.catalog import agents, rows
from ramet.store.catalog.codec import task_of, task_record
from ramet.store.catalog.database import Database
from ramet.store.catalog.schema import agents as runs
from ramet.store.catalog.schema import branches, tasks
from ramet.store.versions import commits as versions
from ramet.store.versions.commits import MAIN
from ramet.store.versions.history import Versions


class Tasks:
    """A catalog's tasks."""

    def __init__(self, database: Database, versions: Versions) -> None:
        self._database = database
        self._versions = versions

    def add(self, task: Task) -> None:
        """Add a task; the name of one that was removed may be used again for the same classes: its paths may come back.

        Raises:
            InvalidValue: there is a task of that name, or there was one with other classes.
        """
        with self._database.writing() as connection:
            same = tasks.c.name == task.name
            removed = connection.execute(select(tasks.c.removed).where(same)).scalar_one_or_none()
            if removed is None:
                connection.execute(insert(tasks).values(name=task.name, record=task_record(task), removed=False))
            elif not removed:
                raise InvalidValue(f"there is a task {task.name!r} already", "remove it first, or take another name")
            elif rows.find_task(connection, task.name, removed=True).classes != task.classes:
                problem = f"history has another task {task.name!r}, with other classes"
                raise InvalidValue(problem, "take another name, as its paths may come back")
            else:
                connection.execute(update(tasks).where(same).values(record=task_record(task), removed=False))

    def get(self, name: str) -> Task:
        """Return the task of that name."""
        with self._database.reading() as connection:
            return rows.find_task(connection, name)

    def has(self, name: str) -> bool:
        """Say whether there is a task of that name."""
        with self._database.reading() as connection:
            there = select(tasks.c.name).where(tasks.c.name == name, ~tasks.c.removed)
            return connection.execute(there).first() is not None

    def names(self) -> list[str]:
        """Return the names of all tasks, in order."""
        with self._database.reading() as connection:
            chosen = select(tasks.c.name).where(~tasks.c.removed).order_by(tasks.c.name)
            return list(connection.execute(chosen).scalars())

    def all(self, *, removed: bool = False) -> list[Task]:
        """Return all tasks, by name; with those that were removed, if asked for."""
        with self._database.reading() as connection:
            chosen = select(rows.task_text).order_by(tasks.c.name)
            chosen = chosen if removed else chosen.where(~tasks.c.removed)
            return [task_of(record) for record in connection.execute(chosen).scalars()]

    def remove(self, name: str, *, branch: str = MAIN) -> None:
        """Take a task off a branch by a commit; its agent there, if one runs, is done. Its history stays.

        The task itself is removed unless another branch publishes or evolves it.

        Raises:
            InvalidValue: it is only on other branches.
        """

        def prepare(connection: Connection) -> None:
            rows.find_task(connection, name)
            users = _using(connection, name)
            if users and branch not in users:
                raise InvalidValue(
                    f"task {name!r} is not on branch {branch!r} but on {', '.join(users)}",
                    f"take it off there: `ramet -b {users[0]} task remove {name}`",
                )

        def forget(connection: Connection, _commit: str) -> None:
            agent = agents.running(connection, name, branch)
            if agent is not None:
                agents.finish(connection, agent.id)
            if not _using(connection, name):
                connection.execute(update(tasks).where(tasks.c.name == name).values(removed=True))

        self._versions.move(branch, lambda _: {name: None}, f"remove {name}", "", prepare=prepare, then=forget)


def _using(connection: Connection, task: str) -> list[str]:
    """Return the branches that publish or evolve a task, by name."""
    evolving = select(runs.c.branch).where((runs.c.task == task) & (runs.c.state == "running"))
    found = set(connection.execute(evolving).scalars())
    for row in connection.execute(select(branches)).all():
        if versions.path_at(connection, row.commit, task) is not None:
            found.add(row.name)
    return sorted(found)
