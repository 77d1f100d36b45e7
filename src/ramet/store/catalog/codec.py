"""Records as the catalog's JSON and back.

JSON has no NaN and no infinity, and other programs refuse Python's spelling of them; a diverged child measures both.
Measurements that are no finite number are kept as the strings "nan", "inf" and "-inf". Nothing else may be one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec
from msgspec import Raw, Struct

from ramet.base.errors import InvalidValue, StoreError
from ramet.base.records import Architecture, Child, Component, Path, Task, to_json

Json = dict[str, Any]
JsonText = str | bytes | Raw


def dumps(value: Any) -> str:
    """Canonical JSON text.

    Raises:
        InvalidValue: a number is not finite.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise InvalidValue(f"a record holds a number that is not finite: {value!r}", "only metrics may") from error


def loads(text: str) -> Any:
    """The value of JSON text.

    Raises:
        StoreError: it is no JSON.
    """
    try:
        return msgspec.json.decode(text)
    except ValueError as error:
        raise _damaged(text) from error


def measurement(value: float) -> float | str:
    """A measurement as JSON."""
    number = float(value)
    return number if isfinite(number) else str(number)


def measurements(values: Mapping[str, float]) -> Json:
    """Measurements as JSON."""
    return {name: measurement(value) for name, value in values.items()}


def measured(plain: Mapping[str, float | str]) -> dict[str, float]:
    """The measurements that `measurements` wrote."""
    return {name: float(value) for name, value in plain.items()}


def path_record(path: Path) -> Json:
    """A path without its metrics, which are kept apart because they grow."""
    record = to_json(replace(path, metrics={}))
    del record["metrics"]
    return record


def read_path(text: JsonText, *metrics: Mapping[str, float | str]) -> Path:
    """The path of a record's text, with its metrics (later ones win).

    Raises:
        ValueError: it is no path's record.
    """
    read = _record(text)
    return Path(
        id=read.id,
        task=read.task,
        architecture=_architecture(bytes(read.architecture)),
        components=tuple([_component(bytes(component)) for component in read.components]),
        hyperparameters=read.hyperparameters,
        mu=read.mu,
        parent=read.parent,
        parent_task=read.parent_task,
        agent=read.agent,
        trained=read.trained,
        method=read.method,
        metrics={name: float(value) for some in (read.metrics, *metrics) for name, value in some.items()},
    )


def read_task(text: JsonText) -> Task:
    """The task of a record's text.

    Raises:
        ValueError: it is no task's record.
    """
    return _task(text)


def path_of(record: str, *metrics: Mapping[str, float | str]) -> Path:
    """The path of a record in the catalog, as read_path reads it.

    Raises:
        StoreError: it is damaged.
    """
    try:
        return read_path(record, *metrics)
    except ValueError as error:
        raise _damaged(record) from error


def task_of(record: str) -> Task:
    """The task of a record in the catalog.

    Raises:
        StoreError: it is damaged.
    """
    try:
        return read_task(record)
    except ValueError as error:
        raise _damaged(record) from error


class _Record(Struct, forbid_unknown_fields=True):
    """A path as JSON. What many paths have in common stays text until it is known whether it was read before."""

    id: str
    task: str | None
    architecture: Raw
    components: list[Raw]
    hyperparameters: dict[str, Any]
    mu: dict[str, Any]
    parent: str | None
    parent_task: str | None
    agent: str
    trained: tuple[str, ...]
    method: str
    metrics: dict[str, float | str] = {}


_record = msgspec.json.Decoder(_Record).decode
_task = msgspec.json.Decoder(Task).decode
_architecture = lru_cache(maxsize=64)(msgspec.json.Decoder(Architecture).decode)
# Most components of a system's paths are the same: each is read and held once, which is quicker, too.
_component = lru_cache(maxsize=4096)(msgspec.json.Decoder(Component).decode)


def child_record(child: Child) -> Json:
    """What a child's row holds beside its key and its path.

    Its metrics are there too: two children that were dropped may be one path (components are no part of it then).
    """
    return {
        "status": child.status,
        "mutations": list(child.mutations),
        "curve": [measurement(quality) for quality in child.curve],
        "cost": measurements(child.cost),
        "metrics": measurements(child.path.metrics),
        **({"error": child.error} if child.error else {}),
    }


def child_of(key: tuple[int, int, int], record: Mapping[str, Any], path: str, metrics: Json) -> Child:
    """The child of a row: its key (cycle, generation, number), its record, and its path's record and metrics."""
    cycle, generation, number = key
    return Child(
        path=path_of(path, metrics, record["metrics"]),
        status=record["status"],
        cycle=cycle,
        generation=generation,
        number=number,
        mutations=tuple(record["mutations"]),
        curve=tuple(_numbers(record["curve"])),
        cost=measured(record["cost"]),
        error=record.get("error", ""),
    )


def _damaged(text: str) -> StoreError:
    remedy = "bring the catalog back from a copy of the system"
    return StoreError(f"a record of the catalog is damaged: {text[:40]!r}", remedy)


def _numbers(values: Iterable[float | str]) -> list[float]:
    return [float(value) for value in values]
