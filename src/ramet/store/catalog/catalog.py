"""The catalog of a system: its tasks, paths, history, agents and the published state, as transactions.

Every method is one transaction: it is done wholly or not at all, and may be called from several threads and processes
at once. Names that are not there raise UnknownName; a database that cannot be used raises StoreError.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ramet.base.errors import InvalidValue, StoreError
from ramet.base.records import Child, Path, Task, to_json
from ramet.store.catalog import agents, leases, migrations, needs, rows
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.codec import path_of, task_of
from ramet.store.catalog.database import Address, Database
from ramet.store.catalog.experiments import Experiments
from ramet.store.catalog.leases import Clock, Lease
from ramet.store.catalog.needs import Need, Users
from ramet.store.catalog.schema import REVISION, metadata, paths, revision, roots, tasks
from ramet.store.versions import commits as versions
from ramet.store.versions import refs
from ramet.store.versions.commits import MAIN

LEASE_SECONDS = 60.0


class Catalog(Experiments):
    """A system's catalog in a SQLite file or a PostgreSQL database.

    Args:
        address: the file or the URL; the catalog must be there (see create).
        clock: seconds since 1970, for the times of commits and leases.
        wait: seconds that a write waits for another process's.
    """

    def __init__(self, address: Address, *, clock: Clock = time.time, wait: float = 30.0) -> None:
        super().__init__(Database(address, wait=wait), clock)

    @classmethod
    def create(cls, address: Address, *, clock: Clock = time.time) -> "Catalog":
        """A new catalog with the branch `main`, where nothing is published.

        Raises:
            StoreError: there is one already, or it cannot be made.
        """
        catalog = cls(address, clock=clock)
        with catalog._database.writing() as connection:
            metadata.create_all(connection, checkfirst=False)
            connection.execute(insert(revision).values(version_num=REVISION))
            versions.start_branch(connection, MAIN, catalog._commit((), {}, "a new system", ""))
        return catalog

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def migrate(self) -> None:
        """Bring the tables to those of this ramet.

        Raises:
            Busy: a process works on the system.
        """
        with self._database.reading() as connection:
            leases.ensure_none(connection, self._clock())
        migrations.upgrade(self._database)

    def discard(self) -> None:
        """Take all its tables away."""
        with self._database.writing() as connection:
            metadata.drop_all(connection)

    # Tasks

    def add_task(self, task: Task) -> None:
        """Add a task; the name of one that was removed may be used again for the same classes: its paths may come back.

        Raises:
            InvalidValue: there is a task of that name, or there was one with other classes.
        """
        with self._database.writing() as connection:
            same = tasks.c.name == task.name
            removed = connection.execute(select(tasks.c.removed).where(same)).scalar_one_or_none()
            if removed is None:
                connection.execute(insert(tasks).values(name=task.name, record=to_json(task), removed=False))
            elif removed:
                _check_classes(rows.find_task(connection, task.name, removed=True), task)
                connection.execute(update(tasks).where(same).values(record=to_json(task), removed=False))
            else:
                raise InvalidValue(f"there is a task {task.name!r} already", "remove it first, or take another name")

    def task(self, name: str) -> Task:
        """The task of that name."""
        with self._database.reading() as connection:
            return rows.find_task(connection, name)

    def tasks(self, *, removed: bool = False) -> list[Task]:
        """All tasks, by name; with those that were removed, if asked for."""
        with self._database.reading() as connection:
            chosen = select(rows.task_text).order_by(tasks.c.name)
            chosen = chosen if removed else chosen.where(~tasks.c.removed)
            return [task_of(record) for record in connection.execute(chosen).scalars()]

    def remove_task(self, name: str, *, branch: str = MAIN) -> None:
        """Take a task off a branch by a commit; its agent there, if one runs, is done. Its history stays.

        The task itself is removed unless another branch publishes or evolves it.

        Raises:
            InvalidValue: it is only on other branches.
        """

        def forget(connection: Connection, _commit: str) -> None:
            agent = agents.running(connection, name, branch)
            if agent is not None:
                agents.finish(connection, agent.id)
            if not refs.using(connection, name):
                connection.execute(update(tasks).where(tasks.c.name == name).values(removed=True))

        def prepare(connection: Connection) -> None:
            rows.find_task(connection, name)
            users = refs.using(connection, name)
            if users and branch not in users:
                raise InvalidValue(
                    f"task {name!r} is not on branch {branch!r} but on {', '.join(users)}",
                    f"take it off there: `ramet -b {users[0]} task remove {name}`",
                )

        self._move(branch, lambda _: {name: None}, f"remove {name}", "", prepare=prepare, then=forget)

    # Roots and paths

    def add_root(self, name: str, path: Path) -> None:
        """Add a path that others may start from.

        Raises:
            InvalidValue: there is a root of that name.
        """
        with self._database.writing() as connection:
            if connection.execute(select(roots).where(roots.c.name == name)).first():
                raise InvalidValue(f"there is a root {name!r} already", "take another name")
            rows.put_paths(connection, [path])
            connection.execute(insert(roots).values(name=name, path=path.id))

    def roots(self) -> dict[str, Path]:
        """All roots by their names."""
        with self._database.reading() as connection:
            chosen = select(roots.c.name, *rows.columns).join(paths, paths.c.id == roots.c.path).order_by(roots.c.name)
            return {row.name: path_of(row.record, row.metrics) for row in connection.execute(chosen)}

    def path(self, id: str) -> Path:
        """The path of an id, or of the start of one that no other id shares."""
        with self._database.reading() as connection:
            return rows.find_path(connection, id)

    def paths(self, ids: Sequence[str]) -> list[Path]:
        """The paths of these ids, in their order."""
        with self._database.reading() as connection:
            return rows.paths_in_order(connection, ids)

    def ancestors(self, id: str) -> list[Path]:
        """A path and those it descends from, nearest first.

        Only a root, a path that was published, or one in a population is sure to have its objects: `gc` may have
        deleted another ancestor's.
        """
        with self._database.reading() as connection:
            return rows.ancestors(connection, id)

    def set_metric(self, id: str, name: str, value: float) -> None:
        """Add or replace one measurement of a path."""
        with self._database.writing() as connection:
            rows.set_metric(connection, id, name, value)

    # Agents

    def start_agent(
        self,
        task: str,
        *,
        method: Mapping[str, Any],
        label: str,
        seed: int,
        cycles: int,
        samples: int,
        branch: str = MAIN,
    ) -> Agent:
        """A new run of a method on a task, in cycle 0 from the branch's last commit.

        Its population is the task's published path, if there is one.

        Args:
            task: its name.
            method: the resolved method.
            label: the method's name and version.
            seed: of all its draws.
            cycles: how many cycles it runs.
            samples: how many children a cycle has.
            branch: the branch it publishes on.

        Raises:
            InvalidValue: the task has an agent that is not done.
        """
        with self._database.writing() as connection:
            rows.find_task(connection, task)
            return agents.start(
                connection,
                task,
                branch=branch,
                method=method,
                label=label,
                seed=seed,
                cycles=cycles,
                samples=samples,
            )

    def agent(self, id: str) -> Agent:
        """The agent of an id, as it is now."""
        with self._database.reading() as connection:
            return agents.get(connection, id)

    def agents(self, task: str | None = None) -> list[Agent]:
        """All agents, or a task's, by task and number."""
        with self._database.reading() as connection:
            if task is not None:
                rows.find_task(connection, task, removed=True)
            return agents.listed(connection, task)

    def score_terms(self) -> dict[str, str]:
        """What the paths of each agent are judged by, by the agent's id: the `score` of its method, as JSON text."""
        with self._database.reading() as connection:
            return agents.score_terms(connection)

    def evolving(self, *, branch: str = MAIN) -> set[str]:
        """The tasks with an agent on a branch that is not done."""
        with self._database.reading() as connection:
            return agents.evolving(connection, branch)

    def running_agent(self, task: str, *, branch: str = MAIN) -> Agent | None:
        """The task's agent that is not done, if there is one: the same command goes on with it."""
        with self._database.reading() as connection:
            rows.find_task(connection, task, removed=True)
            return agents.running(connection, task, branch)

    def begin_cycle(self, id: str) -> Agent:
        """Start an agent's cycle from what is published now on its branch.

        A cycle that has a generation on record goes on from the commit that it began with.
        """
        with self._database.writing() as connection:
            return agents.begin_cycle(connection, id)

    def finish_agent(self, id: str) -> None:
        """Make an agent done, wherever it is, and drop its population."""
        with self._database.writing() as connection:
            agents.finish(connection, agents.get(connection, id).id)

    def record_generation(
        self,
        agent_id: str,
        cycle: int,
        generation: int,
        children: Sequence[Child],
        population: Sequence[str],
    ) -> None:
        """Put a generation on record, wholly or not at all.

        Args:
            agent_id: the agent that made it.
            cycle: the cycle that the agent is in.
            generation: its number in the cycle: the number of generations on record before it.
            children: all its children, joined or not.
            population: the ids of the paths that are alive after it, in any order that shall be kept.

        Raises:
            Busy: another process has recorded it, or has ended the cycle.
        """
        with self._database.writing() as connection:
            agents.record_generation(connection, agent_id, cycle, generation, children, population)

    def generations_done(self, agent_id: str, cycle: int) -> int:
        """How many generations of a cycle are on record."""
        with self._database.reading() as connection:
            return agents.generations_done(connection, agent_id, cycle)

    def children(
        self,
        agent_id: str | None = None,
        *,
        task: str | None = None,
        cycle: int | None = None,
        branch: str | None = None,
    ) -> list[Child]:
        """The children on record, in the order in which they were recorded; of an agent, a task, ..., or all."""
        with self._database.reading() as connection:
            if task is not None:
                rows.find_task(connection, task, removed=True)
            return agents.made_children(connection, agent_id, task, cycle, branch)

    def population(self, agent_id: str) -> list[Path]:
        """The agent's living paths, in the order in which they were recorded."""
        with self._database.reading() as connection:
            return agents.living(connection, agent_id)

    def lease(self, task: str, *, branch: str = MAIN, seconds: float = LEASE_SECONDS) -> AbstractContextManager[Lease]:
        """Hold the right to work on a task during a `with` block; a thread renews it.

        Args:
            task: its name.
            branch: the branch it is worked on.
            seconds: how long the lease outlives a holder that dies on another machine; one that dies on this machine
                loses it at once.

        Raises:
            Busy: another process holds it (on entering the block).
        """
        return leases.held(self._database, branch, task, seconds=seconds, clock=self._clock)

    def workers(self, task: str) -> list[str]:
        """The branches on which somebody holds the lease of a task, by name."""
        with self._database.reading() as connection:
            return leases.branches_of(connection, task, self._clock())

    # What is in use

    def needed(self) -> dict[str, Need]:
        """The objects of all living paths, by digest, and what needs them.

        A path lives while it is a root, in a running agent's population, or published at a commit that a branch, a tag
        or the base of a running agent leads to.
        """
        with self._database.reading() as connection:
            return needs.needed(connection)

    def users(self, digest: str) -> Users:
        """Where the paths that hold an object are published."""
        with self._database.reading() as connection:
            return needs.users(connection, digest)

    def leased_since(self) -> float | None:
        """Since when the oldest living lease is held (seconds since 1970), or None if there is none."""
        with self._database.reading() as connection:
            return leases.oldest(connection, self._clock())

    def check(self) -> list[str]:
        """What is wrong with the database and with the records of living paths."""
        with self._database.reading() as connection:
            try:
                return [
                    *self._database.damage(connection),
                    *needs.altered(connection),
                    *rows.untold(connection, versions.living(connection)),
                    *versions.untrue_states(connection),
                ]
            except StoreError as error:
                return [error.problem]


def _check_classes(old: Task, new: Task) -> None:
    if old.classes != new.classes:
        raise InvalidValue(
            f"history has another task {old.name!r}, with other classes",
            "take another name, as its paths may come back",
        )
