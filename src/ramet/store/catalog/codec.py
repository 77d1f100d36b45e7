"""Records as the catalog's JSON and back. What is written is known to be readable.

A record leaves out the fields that have their defaults (records.canonical) and is read with the defaults filled in, so
that a class may get a field. JSON has no NaN and no infinity, and other programs refuse Python's spelling of them; a
diverged child measures both. Measurements that are no finite number are kept as the strings "nan", "inf" and "-inf".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, replace
from functools import lru_cache, partial
from math import isfinite
from typing import Any, Literal, ParamSpec, TypeVar, get_type_hints

import msgspec
from msgspec import Raw

from ramet.base.errors import InvalidValue, StoreError
from ramet.base.records import Architecture, Child, Commit, Component, Path, Task, canonical

Json = dict[str, Any]
JsonText = str | bytes | Raw
Measured = float | Literal["nan", "inf", "-inf"]
T = TypeVar("T")
P = ParamSpec("P")


def dumps(value: Any) -> str:
    """Return canonical JSON text.

    Raises:
        InvalidValue: a number is not finite, or a text is none that can be read again.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise InvalidValue(f"a record holds a number that is not finite: {value!r}", "only metrics may") from error
    try:
        msgspec.json.decode(text)
    except ValueError as error:
        raise InvalidValue(f"{_unreadable(value)!r} is no text that can be kept", "rename it, in UTF-8") from error
    return text


def measurements(values: Mapping[str, float]) -> Json:
    """Return measurements as JSON."""
    return {name: _measurement(value) for name, value in values.items()}


def measured(plain: Mapping[str, Measured]) -> dict[str, float]:
    """Return the measurements that `measurements` wrote."""
    return {name: float(value) for name, value in plain.items()}


def path_record(path: Path) -> Json:
    """Return a path as JSON, without its metrics, which are kept apart because they grow (see _checked)."""
    return _checked(path, canonical(replace(path, metrics={})), read_path)


def path_json(path: Path) -> Json:
    """Return a path with its measurements as JSON."""
    return {**path_record(path), "metrics": measurements(path.metrics)}


def task_record(task: Task) -> Json:
    """Return a task as JSON (see _checked)."""
    return _checked(task, canonical(task), read_task)


def child_record(child: Child) -> Json:
    """Return what a child's row holds beside its key and its path.

    Its metrics are there too: two children that were dropped may be one path (components are no part of it then).
    """
    return {
        "status": child.status,
        "mutations": list(child.mutations),
        "curve": [_measurement(quality) for quality in child.curve],
        "cost": measurements(child.cost),
        "metrics": measurements(child.path.metrics),
        **({"error": child.error} if child.error else {}),
    }


class _ChildRead(msgspec.Struct):
    """A child's record as child_record wrote it."""

    status: Any
    mutations: tuple[str, ...]
    curve: tuple[Measured, ...]
    cost: dict[str, Measured]
    metrics: dict[str, Measured]
    error: str = ""


def child_of(key: tuple[int, int, int], record: Mapping[str, Any], path: str, metrics: Json) -> Child:
    """Return the child of a row: its key (cycle, generation, number), its record, and its path's record and metrics."""
    read = read_child(record)
    curve, whole = tuple(map(float, read.curve)), path_of(path, metrics, read.metrics)
    return Child(whole, read.status, *key, read.mutations, curve, measured(read.cost), read.error)


def _fields_of(record: type[Any], **unread: Any) -> Callable[[JsonText], Json]:
    """Return what reads the fields of a record, defaults filled in, and refuses those that the class does not have.

    unread names other types to read some of the fields as.
    """

    def default(field: Field[Any]) -> tuple[Any, ...]:
        if field.default_factory is not MISSING:
            return (msgspec.field(default_factory=field.default_factory),)
        return () if field.default is MISSING else (field.default,)

    hints = {**get_type_hints(record), **unread}
    known = [(f.name, hints[f.name], *default(f)) for f in fields(record)]
    decode = msgspec.json.Decoder(msgspec.defstruct(record.__name__, known, gc=False)).decode
    keys = msgspec.json.Decoder(dict[str, Raw]).decode

    def read(text: JsonText) -> Json:
        found = decode(text)
        for name in keys(text).keys() - hints.keys():
            problem = f"a {record.__name__.lower()} has a field {name!r} that this ramet does not know"
            raise StoreError(problem, "it was made by a newer ramet: use that one")
        return msgspec.structs.asdict(found)

    return read


def reader(record: type[T]) -> Callable[[JsonText], T]:
    """Return what reads a record's text.

    It raises ValueError for a text that is no such record, and StoreError for one that a newer ramet has made.
    """
    read = _fields_of(record)
    return lambda text: record(**read(text))


def read_path(text: JsonText, *metrics: Mapping[str, float | str]) -> Path:
    """Return the path of a record's text, with its metrics (later ones win).

    Raises:
        ValueError: it is no path's record.
        StoreError: it is a newer ramet's.
    """
    read = _path(text)
    read["architecture"] = _architecture(bytes(read["architecture"]))
    read["components"] = tuple([_component(bytes(component)) for component in read["components"]])
    read["metrics"] = {name: float(value) for some in (read["metrics"], *metrics) for name, value in some.items()}
    return Path(**read)


read_task = reader(Task)
read_commit = reader(Commit)
# What many paths have in common stays text until it is known whether it was read before.
_path = _fields_of(
    Path, architecture=Raw, components=list[Raw], mu=dict[str, int | float], metrics=dict[str, float | str]
)
_architecture = lru_cache(maxsize=64)(reader(Architecture))
# Most components of a system's paths are the same: each is read and held once, which is quicker, too.
_component = lru_cache(maxsize=4096)(reader(Component))


# Of records in the catalog: what is damaged there raises StoreError.


def _of_catalog(read: Callable[P, T]) -> Callable[P, T]:
    """Return what reads records of the catalog, where one that is damaged raises StoreError."""

    def read_whole(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except ValueError as error:
            problem = f"a record of the catalog is damaged: {str(args[0])[:40]!r}"
            raise StoreError(problem, "bring it back from a copy of the system") from error

    return read_whole


path_of, task_of, _loads = _of_catalog(read_path), _of_catalog(read_task), _of_catalog(msgspec.json.decode)
read_child = _of_catalog(partial(msgspec.convert, type=_ChildRead))


def loads(text: str) -> Any:
    """Return the value of JSON text."""
    return _loads(text)  # psycopg warns of closures


def _measurement(value: float) -> float | str:
    number = float(value)
    return number if isfinite(number) else str(number)


def _checked(record: object, plain: Json, read: Callable[[str], object]) -> Json:
    """Return a record's JSON.

    Raises:
        InvalidValue: it would be read as another one.
    """
    try:
        text = dumps(plain)
        if dumps(canonical(read(text))) == text:
            return plain
        problem = "it would be read as another one"
    except (ValueError, StoreError) as error:
        problem = str(error)
    kind = type(record).__name__.lower()
    raise InvalidValue(f"a {kind} cannot be kept: {problem}", "give it values of the types that its fields have")


def _unreadable(value: Any) -> str:
    """Return the first text in a value that UTF-8 cannot say."""
    if isinstance(value, str):
        return "" if value.isascii() or value.encode(errors="ignore").decode() == value else value
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    inside = map(_unreadable, value if isinstance(value, list | tuple) else ())
    return next(filter(None, inside), "")
