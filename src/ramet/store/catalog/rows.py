"""Tasks and paths in and out of their tables, for all parts of the catalog."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Select, String, cast, insert, select, true, update

from ramet.base.errors import UnknownName
from ramet.base.records import Path, Task
from ramet.base.text import did_you_mean
from ramet.store.catalog.codec import Json, measurements, path_of, path_record, task_of
from ramet.store.catalog.schema import holds, paths, roots, tasks

T = TypeVar("T")

path_text = cast(paths.c.record, String)
"""What codec.path_of reads a path from."""

task_text = cast(tasks.c.record, String)
"""What codec.task_of reads a task from."""

columns = (paths.c.id, path_text.label("record"), paths.c.metrics)
"""What a path is read from, with its measurements."""

_CHUNK = 500
"""Values a statement: databases limit how many one may have."""

_PATHS = "`ramet status` and `ramet history` list the ids"


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
    holding = [{"path": id, "digest": digest} for id, path in by_id.items() for digest in sorted(kept_objects(path))]
    for table, rows in ((paths, [_row(path) for path in by_id.values()]), (holds, holding)):
        if rows:
            connection.execute(insert(table), rows)


def _row(path: Path) -> Json:
    return {
        "id": path.id,
        "task": path.task,
        "parent": path.parent,
        "record": path_record(path),
        "metrics": measurements(path.metrics),
    }


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
    for id in ids:
        if id not in found:
            raise unknown_path(id)
    return [found[id] for id in ids]


def all_roots(connection: Connection) -> dict[str, Path]:
    """Return the roots by their names."""
    chosen = select(roots.c.name, *columns).join(paths, paths.c.id == roots.c.path).order_by(roots.c.name)
    return {row.name: path_of(row.record, row.metrics) for row in connection.execute(chosen)}


def unknown_path(path: str) -> UnknownName:
    """Return the error for an id that is not there."""
    return UnknownName(f"no path is called {path!r}", _PATHS)


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield items in as many parts as statements need."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
