"""Which objects a system needs, and for what: those of its living paths.

A path lives while it is a root, in the population of a running agent, or published at a commit that a branch, a tag or
the base of a running agent leads to.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, CompoundSelect, Connection, Select, String, Table, cast, select, union

from ramet.base.errors import StoreError
from ramet.store.catalog import rows
from ramet.store.catalog.codec import loads, path_of, read_child, task_of
from ramet.store.catalog.database import Database
from ramet.store.catalog.schema import (
    agents,
    branch_state,
    branches,
    children,
    commit_changes,
    experiments,
    holds,
    paths,
    population,
    roots,
    tags,
    tasks,
)
from ramet.store.versions import commits as versions
from ramet.store.versions.graph import behind


@dataclass(frozen=True, slots=True)
class Need:
    """The tasks and the roots that need an object."""

    tasks: set[str] = field(default_factory=set)
    roots: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Users:
    """The branches, tags and commits at which paths that hold an object are published."""

    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()


class Care:
    """The part of a catalog that cares for objects: which are needed, by whom, and whether all is as it was written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def needed(self) -> dict[str, Need]:
        """Return the objects of all living paths, by digest, and what needs them."""
        needs: defaultdict[str, Need] = defaultdict(Need)
        living = paths.c.id.in_(_living())
        held = select(holds.c.digest, paths.c.task).join(paths).where(living, paths.c.task.is_not(None))
        of_roots = select(holds.c.digest, roots.c.name).join(roots, roots.c.path == holds.c.path)
        with self._database.reading() as connection:
            for digest, task in connection.execute(held.distinct()).all():
                needs[digest].tasks.add(task)
            for digest, name in connection.execute(of_roots).all():
                needs[digest].roots.add(name)
        return dict(needs)

    def unheld(self, digests: Collection[str]) -> list[str]:
        """Return those of some objects that no path on record holds."""
        held: set[str] = set()
        with self._database.reading() as connection:
            for some in rows.chunks(sorted(digests)):
                held |= set(connection.execute(select(holds.c.digest).where(holds.c.digest.in_(some))).scalars())
        return [digest for digest in digests if digest not in held]

    def users(self, digest: str) -> Users:
        """Return where the paths that hold an object are published."""
        holders = select(holds.c.path).where(holds.c.digest == digest)
        by = select(commit_changes.c.commit).where(
            commit_changes.c.path.in_(holders), commit_changes.c.commit.in_(_reached())
        )

        def holding(refs: Table) -> tuple[str, ...]:
            found = []
            for ref in connection.execute(select(refs.c.name, refs.c.commit).order_by(refs.c.name)).all():
                now = versions.state(connection, ref.commit)
                if connection.execute(select(now.c.path).where(now.c.path.in_(holders)).limit(1)).first():
                    found.append(ref.name)
            return tuple(found)

        with self._database.reading() as connection:
            commits = tuple(sorted(connection.execute(by.distinct()).scalars()))
            return Users(holding(branches), holding(tags), commits)

    def check(self) -> list[str]:
        """Return what is wrong with the database and with the records in it."""
        with self._database.reading() as connection:
            found = self._database.damage(connection)
            return [*found, *_wrong_paths(connection), *_undecodable(connection), *_untrue_states(connection)]


def _wrong_paths(connection: Connection) -> Iterator[str]:
    """Yield the paths that cannot be read, were altered, or of which the tables say another thing than their record."""
    living = set(connection.execute(_living()).scalars())
    held: defaultdict[str, set[str]] = defaultdict(set)
    for id, digest in connection.execute(select(holds.c.path, holds.c.digest)).all():
        held[id].add(digest)
    for row in connection.execute(select(*rows.columns, paths.c.task, paths.c.parent).order_by(paths.c.id)):
        of = f"the record of path {row.id} of task {row.task!r}"
        try:
            path = path_of(row.record, row.metrics)
        except StoreError as error:
            yield f"{of}: {error.problem}"
            continue
        if row.id in living and path.identified().id != row.id:
            yield f"{of} was altered"
        same = held[row.id] == rows.kept_objects(path)
        if not same or (path.id, path.task, path.parent) != (row.id, row.task, row.parent):
            yield f"{of} says other than the tables"


def _undecodable(connection: Connection) -> Iterator[str]:
    """Yield the tasks, children, runs and experiments whose records cannot be read."""
    chosen: tuple[tuple[str, Column[Any], Column[Any], Callable[[str], object]], ...] = (
        ("task", tasks.c.name, tasks.c.record, task_of),
        ("run", agents.c.id, agents.c.method, loads),
        ("experiment", experiments.c.name, experiments.c.design, loads),
        ("child", children.c.sequence, children.c.record, lambda text: read_child(loads(text))),
    )
    for kind, name, column, read in chosen:
        for row in connection.execute(select(name.label("name"), cast(column, String).label("text"))):
            try:
                read(row.text)
            except StoreError as error:
                yield f"the record of {kind} {row.name!r}: {error.problem}"


def _untrue_states(connection: Connection) -> list[str]:
    """Return the branches whose kept state is not what their commits add up to."""
    found = []
    for branch in connection.execute(select(branches).order_by(branches.c.name)).all():
        tables = versions.kept_state(branch.name), versions.replayed(branch.commit)
        kept, told = (versions.as_dict(connection, table) for table in tables)
        if kept and kept != told:
            found.append(f"what branch {branch.name!r} publishes is not what its commits say")
    return found


def _living() -> CompoundSelect[str]:
    published = (commit_changes.c.commit.in_(_reached()), commit_changes.c.path.is_not(None))
    return union(
        select(branch_state.c.path),
        select(commit_changes.c.path).where(*published),
        select(roots.c.path),
        select(population.c.path),
    )


def _reached() -> Select[str]:
    """Return the commits that a branch, a tag or a running agent's base leads to."""
    heads = union(
        select(branches.c.commit.label("id")),
        select(tags.c.commit),
        select(agents.c.base).where(agents.c.state == "running"),
    ).subquery()
    return select(behind(select(heads.c.id)).c.id)
