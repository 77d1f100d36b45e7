"""Records as the catalog's JSON and back.

JSON has no NaN and no infinity, and other programs refuse Python's spelling of them; a diverged child measures both.
Measurements that are no finite number are kept as the strings "nan", "inf" and "-inf". Nothing else may be one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

import orjson

from ramet.errors import InvalidValue, StoreError
from ramet.records import Child, Path, Task, path_from_json, to_json

Json = dict[str, Any]


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
        return orjson.loads(text)
    except ValueError as error:
        remedy = "bring the catalog back from a copy of the system"
        raise StoreError(f"a record of the catalog is damaged: {text[:40]!r}", remedy) from error


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


def path_of(record: Mapping[str, Any], *metrics: Mapping[str, float | str]) -> Path:
    """The path of a record, with its metrics (later ones win)."""
    return path_from_json({**record, "metrics": {k: v for some in metrics for k, v in measured(some).items()}})


def task_of(record: Mapping[str, Any]) -> Task:
    """The task of a record."""
    return Task(**{**record, "classes": tuple(record["classes"])})


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
    }


def child_of(key: tuple[int, int, int], record: Mapping[str, Any], path: Json, metrics: Json) -> Child:
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
    )


def _numbers(values: Iterable[float | str]) -> list[float]:
    return [float(value) for value in values]
