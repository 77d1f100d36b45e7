"""The tasks and paths of a system, its roots among them, and how they get into their tables and out again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Select, String, Table, cast, insert, literal, select, true, update

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.records import Path, Task
from ramet.base.text import did_you_mean
from ramet.store.catalog.codec import measurements, path_of, path_record, task_of, task_record
from ramet.store.catalog.database import Part
from ramet.store.catalog.schema import holds, paths, roots, tasks

T = TypeVar("T")

path_text, task_text = cast(paths.c.record, String), cast(tasks.c.record, String)
"""What codec.path_of reads a path from, and codec.task_of a task."""

columns = (paths.c.id, path_text.label("record"), paths.c.metrics)
"""What a path is read from, with its measurements."""

_CHUNK = 500  # values a statement: databases limit how many one may have
_PATHS = "`ramet status` and `ramet history` list the ids"


class Tasks(Part):
    """A catalog's tasks. Versions.remove takes one away."""

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
            elif find_task(connection, task.name, removed=True).classes != task.classes:
                problem = f"history has another task {task.name!r}, with other classes"
                raise InvalidValue(problem, "take another name, as its paths may come back")
            else:
                connection.execute(update(tasks).where(same).values(record=task_record(task), removed=False))

    def get(self, name: str) -> Task:
        """Return the task of that name."""
        with self._database.reading() as connection:
            return find_task(connection, name)

    def all(self, *, removed: bool = False) -> list[Task]:
        """Return all tasks, by name; with those that were removed, if asked for."""
        with self._database.reading() as connection:
            chosen = select(task_text).where(true() if removed else ~tasks.c.removed).order_by(tasks.c.name)
            return [task_of(record) for record in connection.execute(chosen).scalars()]


class Paths(Part):
    """A catalog's paths."""

    def add_root(self, name: str, path: Path) -> None:
        """Add a path that others may start from.

        Raises:
            InvalidValue: there is a root of that name.
        """
        with self._database.writing() as connection:
            if connection.execute(select(roots).where(roots.c.name == name)).first():
                raise InvalidValue(f"there is a root {name!r} already", "take another name")
            put_paths(connection, [path])
            connection.execute(insert(roots).values(name=name, path=path.id))

    def roots(self) -> dict[str, Path]:
        """Return all roots by their names."""
        with self._database.reading() as connection:
            return all_roots(connection)

    def get(self, id: str) -> Path:
        """Return the path of an id, or of the start of one that no other id shares."""
        with self._database.reading() as connection:
            return find_path(connection, id)

    def many(self, ids: Sequence[str]) -> list[Path]:
        """Return the paths of these ids, in their order."""
        with self._database.reading() as connection:
            return paths_in_order(connection, ids)

    def ancestors(self, id: str) -> list[Path]:
        """Return a path and those it descends from, nearest first.

        Only a root, a path that was published, or one in a population is sure to have its objects: `gc` may have
        deleted another ancestor's.
        """
        line = select(paths.c.id, literal(0).label("distance")).where(paths.c.id == id).cte("line", recursive=True)
        before = select(paths.c.parent, line.c.distance + 1).join(line, paths.c.id == line.c.id)
        line = line.union_all(before.where(paths.c.parent.is_not(None)))
        with self._database.reading() as connection:
            chosen = select(*columns).join(line, paths.c.id == line.c.id).order_by(line.c.distance)
            return read_paths(connection, chosen) or paths_in_order(connection, [id])


def complete(connection: Connection, ids: Column[str], start: str, *, what: str, remedy: str) -> str:
    """Return the one id of a column that is, or else starts with, `start`."""
    near = ids.between(start, start + "~")  # sorts after every digit of an id; an index answers it
    found: Sequence[str] = connection.execute(select(ids).where(near).order_by(ids).limit(4)).scalars().all()
    if not found or not start:
        raise UnknownName(f"no {what} is called {start!r}", remedy)
    if len(found) > 1 and found[0] != start:
        raise UnknownName(f"{start!r} is the start of several ids: {', '.join(found)}", "give more of it")
    return found[0]


def find_task(connection: Connection, name: str, *, removed: bool = False) -> Task:
    """Return the task of a name; of one that was removed too, if asked for."""
    there = true() if removed else ~tasks.c.removed
    record = connection.execute(select(task_text).where(tasks.c.name == name, there)).scalar_one_or_none()
    if record is None:
        names = connection.execute(select(tasks.c.name).where(~tasks.c.removed)).scalars().all()
        remedy = did_you_mean(name, names, "`ramet task list` shows the tasks, `ramet task add` adds one")
        raise UnknownName(f"no task is called {name!r}", remedy)
    return task_of(record)


def put_paths(connection: Connection, new: Sequence[Path]) -> None:
    """Add the paths that are not there yet; of those that are, measurements."""
    by_id = {path.id: path for path in new}
    there = connection.execute(select(paths.c.id, paths.c.metrics).where(paths.c.id.in_(by_id))).all()
    for row in there:
        merged = {**row.metrics, **measurements(by_id.pop(row.id).metrics)}
        if merged != row.metrics:
            connection.execute(update(paths).where(paths.c.id == row.id).values(metrics=merged))
    added = [
        {"id": p.id, "task": p.task, "parent": p.parent, "record": path_record(p), "metrics": measurements(p.metrics)}
        for p in by_id.values()
    ]
    add_rows(connection, paths, added)
    held = [{"path": id, "digest": digest} for id, path in by_id.items() for digest in sorted(kept_objects(path))]
    add_rows(connection, holds, held)


def kept_objects(path: Path) -> frozenset[str]:
    """Return the objects of a path; of a dropped child nothing is kept."""
    return path.digests() if all(component.digest for component in path.components) else frozenset()


def find_path(connection: Connection, start: str) -> Path:
    """Return the one path whose id is, or else starts with, `start`."""
    id = complete(connection, paths.c.id, start, what="path", remedy=_PATHS)
    return paths_in_order(connection, [id])[0]


def read_paths(connection: Connection, chosen: Select[Any]) -> list[Path]:
    """Return the paths of a query of `columns`."""
    return [path_of(row.record, row.metrics) for row in connection.execute(chosen)]


def paths_in_order(connection: Connection, ids: Sequence[str]) -> list[Path]:
    """Return the paths of these ids, in their order."""
    found = {path.id: path for path in read_paths(connection, select(*columns).where(paths.c.id.in_(ids)))}
    unknown = next((id for id in ids if id not in found), None)
    if unknown is not None:
        raise UnknownName(f"no path is called {unknown!r}", _PATHS)
    return [found[id] for id in ids]


def all_roots(connection: Connection) -> dict[str, Path]:
    """Return the roots by their names."""
    chosen = select(roots.c.name, *columns).join(paths, paths.c.id == roots.c.path).order_by(roots.c.name)
    return {row.name: path_of(row.record, row.metrics) for row in connection.execute(chosen)}


def add_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a table, if there are any."""
    if rows:
        connection.execute(insert(table), rows)


def there(connection: Connection, column: Column[str], ids: Collection[str]) -> set[str]:
    """Return those of some ids that a column has."""
    queries = (select(column).where(column.in_(some)) for some in chunks(sorted(ids)))
    return {id for query in queries for id in connection.execute(query).scalars()}


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield items in as many parts as statements need."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
