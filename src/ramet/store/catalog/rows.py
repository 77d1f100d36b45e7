"""Tasks and paths in and out of their tables."""

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import Column, Connection, String, cast, insert, literal, select, true, update

from ramet.base.errors import UnknownName
from ramet.base.records import Path, Task
from ramet.store.catalog.codec import Json, measurement, measurements, path_of, path_record, task_of
from ramet.store.catalog.schema import holds, paths, tasks

path_text = cast(paths.c.record, String)
"""What codec.path_of reads a path from."""

task_text = cast(tasks.c.record, String)
"""What codec.task_of reads a task from."""

columns = (paths.c.id, path_text.label("record"), paths.c.metrics)
"""What a path is read from, with its measurements."""

_PATHS = "`ramet status` and `ramet history` list the ids"


def complete(connection: Connection, ids: Column[str], start: str, *, what: str, remedy: str) -> str:
    """The one id of a column that is, or else starts with, `start`."""
    near = ids.between(start, start + "~")  # sorts after every digit of an id; an index answers it
    found: Sequence[str] = connection.execute(select(ids).where(near).order_by(ids).limit(4)).scalars().all()
    if not found or not start:
        raise UnknownName(f"no {what} is called {start!r}", remedy)
    if len(found) > 1 and found[0] != start:
        raise UnknownName(f"{start!r} is the start of several ids: {', '.join(found)}", "give more of it")
    return found[0]


def find_task(connection: Connection, name: str, *, removed: bool = False) -> Task:
    """The task of a name; of one that was removed too, if asked for."""
    there = true() if removed else ~tasks.c.removed
    record = connection.execute(select(task_text).where(tasks.c.name == name, there)).scalar_one_or_none()
    if record is None:
        names = connection.execute(select(tasks.c.name).where(~tasks.c.removed)).scalars().all()
        near = ", ".join(difflib.get_close_matches(name, names))
        remedy = f"did you mean {near}?" if near else "`ramet task list` shows the tasks, `ramet task add` adds one"
        raise UnknownName(f"no task is called {name!r}", remedy)
    return task_of(record)


def put_paths(connection: Connection, new: Sequence[Path], *, gone: Collection[str] = ()) -> None:
    """Add the paths that are not there yet; of those that are, measurements and objects that had been let go.

    Args:
        connection: a transaction.
        new: the paths.
        gone: objects of theirs that are not here.
    """
    by_id = {path.id: path for path in new}
    there = connection.execute(select(paths.c.id, paths.c.metrics).where(paths.c.id.in_(by_id))).all()
    held = {(row.path, row.digest) for row in connection.execute(select(holds).where(holds.c.path.in_(by_id)))}
    holding = [row for row in _held(by_id.values()) if (row["path"], row["digest"]) not in held]
    for row in there:
        merged = {**row.metrics, **measurements(by_id.pop(row.id).metrics)}
        if merged != row.metrics:
            connection.execute(update(paths).where(paths.c.id == row.id).values(metrics=merged))
    holding = [row for row in holding if row["digest"] not in gone]
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


def _held(new: Iterable[Path]) -> Iterator[Json]:
    for path in new:
        yield from ({"path": path.id, "digest": digest} for digest in sorted(_kept(path)))


def _kept(path: Path) -> frozenset[str]:
    """The objects of a path; of a dropped child nothing is kept."""
    return path.digests() if all(component.digest for component in path.components) else frozenset()


def set_metric(connection: Connection, path: str, name: str, value: float) -> None:
    """Add or replace one measurement of a path."""
    row = connection.execute(select(paths.c.metrics).where(paths.c.id == path).with_for_update()).one_or_none()
    if row is None:
        raise unknown_path(path)
    merged = {**row.metrics, name: measurement(value)}
    connection.execute(update(paths).where(paths.c.id == path).values(metrics=merged))


def find_path(connection: Connection, start: str) -> Path:
    """The one path whose id is, or else starts with, `start`."""
    id = complete(connection, paths.c.id, start, what="path", remedy=_PATHS)
    return paths_in_order(connection, [id])[0]


def paths_in_order(connection: Connection, ids: Sequence[str]) -> list[Path]:
    """The paths of these ids, in their order."""
    found = {
        row.id: path_of(row.record, row.metrics)
        for row in connection.execute(select(*columns).where(paths.c.id.in_(ids)))
    }
    for id in ids:
        if id not in found:
            raise unknown_path(id)
    return [found[id] for id in ids]


def ancestors(connection: Connection, path: str) -> list[Path]:
    """A path and those it descends from, nearest first."""
    line = select(paths.c.id, literal(0).label("distance")).where(paths.c.id == path).cte("line", recursive=True)
    line = line.union_all(
        select(paths.c.parent, line.c.distance + 1)
        .join(line, paths.c.id == line.c.id)
        .where(paths.c.parent.is_not(None))
    )
    rows = connection.execute(select(*columns).join(line, paths.c.id == line.c.id).order_by(line.c.distance)).all()
    if not rows:
        raise unknown_path(path)
    return [path_of(row.record, row.metrics) for row in rows]


def untold(connection: Connection, in_use: Collection[str]) -> list[str]:
    """The paths of which the tables say another thing than their own record; those in use hold all their objects."""
    held: defaultdict[str, set[str]] = defaultdict(set)
    for id, digest in connection.execute(select(holds.c.path, holds.c.digest)).all():
        held[id].add(digest)
    found = []
    for row in connection.execute(select(*columns, paths.c.task, paths.c.parent)):
        path = path_of(row.record, row.metrics)
        recorded = _kept(path)
        # Of history, objects may have been let go (Exchange.let_go); of what is in use, none.
        kept = held[row.id] <= recorded if row.id not in in_use else held[row.id] == recorded
        if not kept or (path.id, path.task, path.parent) != (row.id, row.task, row.parent):
            found.append(f"the record of path {row.id} of task {row.task!r} says other than the tables")
    return found


def unknown_path(path: str) -> UnknownName:
    """The error for an id that is not there."""
    return UnknownName(f"no path is called {path!r}", _PATHS)
