"""ramet grows one multitask image classification system for ever (µ2Net+, arXiv 2209.07326).

    with ramet.init("colony", root="hf:timm/vit_tiny_patch16_224.augreg_in21k") as system:    # or ramet.open("colony")
        system.tasks.add("flowers", "~/data/flowers")
        system.evolve("flowers")
        system.predict("flowers", "rose.jpg")

Importing the package is quick: the facade, and all that it stands on, is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ramet.base import __version__
from ramet.base.errors import (
    Busy,
    CheckpointError,
    Conflict,
    DataError,
    InvalidValue,
    ObjectError,
    PartError,
    RametError,
    StoreError,
    UnknownName,
)

__all__ = [
    "Busy", "CheckpointError", "Conflict", "DataError", "InvalidValue", "ObjectError", "Observer", "PartError",
    "RametError", "StoreError", "System", "UnknownName", "__version__", "init", "open",
]  # fmt: skip

if TYPE_CHECKING:
    from ramet.evolution.observer import Observer
    from ramet.system import System, init, open
else:  # unseen by type checkers, so that a mistyped name stays an error to them

    def __getattr__(name: str) -> object:
        home = {"Observer": "ramet.evolution.observer"}.get(name, "ramet.system")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(home), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
