"""Which objects a system needs, and for what: those of its living paths.

A path lives while it is a root, in the population of a running agent, or published at a commit that a branch, a tag or
the base of a running agent leads to.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import CompoundSelect, Connection, Select, Table, select, union

from ramet.store.catalog.codec import path_of
from ramet.store.catalog.rows import columns
from ramet.store.catalog.schema import (
    agents,
    branch_state,
    branches,
    commit_changes,
    holds,
    paths,
    population,
    roots,
    tags,
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
    """Where the paths that hold an object are published: on which branches now, at which tags, by which commits."""

    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()


def needed(connection: Connection) -> dict[str, Need]:
    """The needed objects and what needs them."""
    needs: defaultdict[str, Need] = defaultdict(Need)
    held = select(holds.c.digest, paths.c.task).join(paths).where(paths.c.id.in_(_living()), paths.c.task.is_not(None))
    for digest, task in connection.execute(held.distinct()).all():
        needs[digest].tasks.add(task)
    of_roots = select(holds.c.digest, roots.c.name).join(roots, roots.c.path == holds.c.path)
    for digest, name in connection.execute(of_roots).all():
        needs[digest].roots.add(name)
    return dict(needs)


def users(connection: Connection, digest: str) -> Users:
    """Where the paths that hold an object are published."""
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

    return Users(
        holding(branches),
        holding(tags),
        tuple(sorted(connection.execute(by.distinct()).scalars())),
    )


def altered(connection: Connection) -> list[str]:
    """The living paths whose record is not the one that their id was made from."""
    living = connection.execute(select(*columns).where(paths.c.id.in_(_living())).order_by(paths.c.id))
    found = ((row.id, path_of(row.record, row.metrics)) for row in living)
    return [
        f"the record of path {id} of task {path.task!r} was altered" for id, path in found if path.identified().id != id
    ]


def _living() -> CompoundSelect[str]:
    published = (commit_changes.c.commit.in_(_reached()), commit_changes.c.path.is_not(None))
    return union(
        select(branch_state.c.path),
        select(commit_changes.c.path).where(*published),
        select(roots.c.path),
        select(population.c.path),
    )


def _reached() -> Select[str]:
    """The commits that a branch, a tag or a running agent's base leads to."""
    heads = union(
        select(branches.c.commit.label("id")),
        select(tags.c.commit),
        select(agents.c.base).where(agents.c.state == "running"),
    ).subquery()
    return select(behind(select(heads.c.id)).c.id)
