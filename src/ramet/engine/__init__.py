"""Where children are trained: plans and digests go in, digests and measurements come out.

    with open_engine("local", store, workers=2) as engine:
        engine.train(generation)

An engine of your own is a function of (store, device, **settings) under the entry point group `ramet.engines`.
"""

import inspect
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.text import did_you_mean

if TYPE_CHECKING:
    from ramet.engine.contract import Engine
    from ramet.store.folder import Store

GROUP = "ramet.engines"
"""The entry points by which an installed package, ramet itself among them, says what its engines are."""


def engine_names() -> list[str]:
    """Return the names of all engines that are installed."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def open_engine(name: str, store: "Store", device: str = "auto", **settings: Any) -> "Engine":
    """Return an engine for an open system; it is closed by whoever opened it.

    Args:
        name: `local`, or that of an installed one.
        store: the system's.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        settings: the engine's own.

    Raises:
        UnknownName: there is no such engine.
        InvalidValue: it has no such setting, or the device is not there.
    """
    point = next((point for point in entry_points(group=GROUP) if point.name == name), None)
    if point is None:
        raise UnknownName(f"no engine is called {name!r}", did_you_mean(name, engine_names()))
    make = point.load()
    try:
        inspect.signature(make).bind(store, device, **settings)
    except TypeError as error:
        raise InvalidValue(f"engine {name!r}: {error}", "see docs/engines.md") from error
    made: Engine = make(store, device, **settings)
    return made
