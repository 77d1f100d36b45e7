"""Which objects a system needs, and for what: those of its living paths."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, Select, select

from ramet.store import versions
from ramet.store.codec import path_of
from ramet.store.rows import columns
from ramet.store.schema import agents, branch_state, holds, paths, population, roots


@dataclass(frozen=True, slots=True)
class Need:
    """The tasks and the roots that need an object."""

    tasks: set[str] = field(default_factory=set)
    roots: set[str] = field(default_factory=set)


def needed(connection: Connection) -> dict[str, Need]:
    """The needed objects and what needs them."""
    needs: defaultdict[str, Need] = defaultdict(Need)
    for living in _living(connection):
        held = select(holds.c.digest, paths.c.task).join(paths).where(paths.c.id.in_(living), paths.c.task.is_not(None))
        for row in connection.execute(held.distinct()):
            needs[row.digest].tasks.add(row.task)
    of_roots = select(holds.c.digest, roots.c.name).join(roots, roots.c.path == holds.c.path)
    for row in connection.execute(of_roots):
        needs[row.digest].roots.add(row.name)
    return dict(needs)


def altered(connection: Connection) -> list[str]:
    """The living paths whose record is not the one that their id was made from."""
    found = {
        row.id: path_of(row.record, row.metrics)
        for living in _living(connection)
        for row in connection.execute(select(*columns).where(paths.c.id.in_(living)))
    }
    return [
        f"the record of path {id} of task {path.task!r} was altered"
        for id, path in found.items()
        if path.identified().id != id
    ]


def _living(connection: Connection) -> Iterator[Select[str]]:
    yield select(branch_state.c.path)
    yield select(roots.c.path)
    yield select(population.c.path)
    for base in connection.execute(select(agents.c.base).where(agents.c.state == "running").distinct()).scalars().all():
        yield select(versions.state(connection, base).c.path)
