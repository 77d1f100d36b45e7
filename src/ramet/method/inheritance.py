"""Finds settings without effect: a default is for children of a root, all others inherit their parents' values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ramet.base.records import Path
from ramet.method.document.hyperparameters import Number, changed, is_shared, shown
from ramet.method.document.presets import setting
from ramet.method.document.schema import Method
from ramet.method.draft import start
from ramet.method.parts import Library
from ramet.method.selection import Root


@dataclass(frozen=True, slots=True)
class Inherited:
    """A default that was set, and what children inherit instead of it.

    rarely: there are roots among the parents, whose children begin with it.
    """

    name: str
    wanted: Number
    instead: tuple[Number, ...]
    rarely: bool

    def __str__(self) -> str:
        said = f"{self.name}={shown(self.wanted)}"
        reach = "is only for children of a root: all others" if self.rarely else "changes nothing: children"
        values = " or ".join(map(shown, self.instead))
        return f"{said} {reach} inherit {values} from their parents; {said}! fixes it for all"


def ineffective(method: Method, overrides: Mapping[str, Any], task: str, parents: Sequence[Path]) -> list[Inherited]:
    """Return the overridden defaults that children will not begin with, in the order of the overrides.

    Args:
        method: what `load` made of the overrides.
        overrides: settings by their dotted keys, as `load` takes them.
        task: what is to be evolved.
        parents: the paths that children can descend from when the run begins: the task's own, other tasks', roots.
    """
    library = Library(method.parts)
    found: dict[str, None] = {}
    for key, raw in overrides.items():
        field, value = setting(key, raw, library)
        if field[0] == "hyperparameters":
            written = value if field[2:] else changed({}, value)
            if field[2:] == ("default",) or (not field[2:] and "default" in written):
                found[str(field[1])] = None
    return [lost for name in found if (lost := _inherited(method, name, task, parents)) is not None]


def _inherited(method: Method, name: str, task: str, parents: Sequence[Path]) -> Inherited | None:
    roots = [path for path in parents if path.task is None]
    heirs = [path for path in parents if path.task is not None]
    if isinstance(method.parents, Root):
        heirs = []
    if is_shared(name):  # a generation has those of the task's best path, and the defaults while there is none
        roots, heirs = [], [path for path in parents if path.task == task]
    wanted = {path.id: method.space(path.architecture)[name].default for path in heirs}
    given = {path.id: start(method.space(path.architecture), path)[name] for path in heirs}
    instead = sorted({given[id] for id in given if given[id] != wanted[id]})
    return Inherited(name, next(iter(wanted.values())), tuple(instead), bool(roots)) if instead else None
