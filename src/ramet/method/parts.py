"""The parts of a method that can be replaced: how one is declared, and how a method's text names it.

A part is a frozen model, its fields are its settings, and `protocols` says what each kind must do:

    @register("parents", "oldest")
    class Oldest(Part):
        def choose(self, among: Candidates) -> str: ...

In YAML it is its name, `parents: oldest`, or a mapping with settings, `parents: {part: oldest, setting: 3}`. A method
finds ramet's own parts, those of the sources that it names, and those of installed packages, in this order.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path as FilePath
from typing import Any, ClassVar, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ramet.base.errors import InvalidValue, PartError, UnknownName
from ramet.base.text import did_you_mean
from ramet.method.document.code import Source, failing, imported, installed, located
from ramet.method.document.words import in_words

KINDS: Mapping[str, tuple[str, ...]] = {
    "parents": ("choose",),
    "pruning": ("prune",),
    "score": ("score",),
    "mutation": ("mutate",),
    "hyperparameter": ("choices", "domain"),
    "schedule": ("factor",),
    "augmentation": ("apply", "draws"),
}
"""The kinds of parts, each with what a part of it must have."""

DEFAULTS: Mapping[str, str] = {
    "parents": "mu2net-plus",
    "pruning": "best",
    "score": "size-and-compute",
    "schedule": "cosine",
}
"""The part of a kind that is meant where none is named."""

_OWN = tuple(f"ramet.method.{name}" for name in ("selection", "score", "mutation", "schedule"))
_MOST_SAID = 80
_NAME = re.compile(r"[a-z][a-z0-9_.-]*")


class Part(BaseModel):
    """A part of a method. It decides from what it is given and its settings alone, and changes nothing but a draft."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: ClassVar[str] = ""
    part: ClassVar[str] = ""
    """The name that it is registered by."""
    hyperparameters: ClassVar[tuple[type[Any], ...]] = ()
    """Those that it brings along, as classes of the kind `hyperparameter`."""


P = TypeVar("P", bound=Part)
_Table = dict[tuple[str, str], type[Part]]
_tables: dict[str, _Table] = {}
"""The parts that every module has registered."""


def register(kind: str, name: str) -> Callable[[type[P]], type[P]]:
    """Declare a class to be the part of a kind that a method's text calls by a name.

    Raises:
        UnknownName: there is no such kind.
        InvalidValue: the name is malformed or taken, or the class cannot be a part of the kind.
    """
    if kind not in KINDS:
        raise UnknownName(f"no kind of part is called {kind!r}", did_you_mean(kind, KINDS))
    if not _NAME.fullmatch(name):
        raise InvalidValue(f"a part cannot be called {name!r}", "use small letters, digits, `.`, `_` and `-`")

    def noted(declared: type[P]) -> type[P]:
        if not (isinstance(declared, type) and issubclass(declared, Part)):
            raise InvalidValue(f"{kind} {name!r} is no Part", "derive its class from ramet.method.parts.Part")
        for needed in KINDS[kind]:
            if not hasattr(declared, needed):
                raise InvalidValue(f"{kind} {name!r} has no {needed!r}", "see ramet.method.protocols")
        taken = _tables.setdefault(declared.__module__, {}).get((kind, name))
        if taken is not None and taken.__qualname__ != declared.__qualname__:
            raise InvalidValue(f"there are two parts {name!r} of the kind {kind}", "rename one")
        declared.kind, declared.part = kind, name
        _tables[declared.__module__][kind, name] = declared
        return declared

    return noted


class Library:
    """The parts that a method can name.

    Args:
        sources: where those come from that are not ramet's own, or an installed package's.
    """

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self.sources = list(sources)
        for module in _OWN:
            import_module(module)
        self._known: _Table = {}
        for module in _OWN:
            self._add(module)
        for source in self.sources:
            self._add(imported(source))

    def find(self, kind: str, name: str, at: str) -> type[Part]:
        """The part of a kind and name; a package that is installed is imported only if it has to be.

        Args:
            kind: one of KINDS.
            name: the part's.
            at: the field that names it.

        Raises:
            UnknownName: there is none.
        """
        if (kind, name) not in self._known:
            points = sorted(installed(), key=lambda point: point[0] != name)
            for _, module in points:
                if (kind, name) not in self._known:
                    self._add_installed(module)
        if (kind, name) not in self._known:
            raise UnknownName(f"{at} is {name!r}, and no such part is known", did_you_mean(name, self.names(kind)))
        return self._known[kind, name]

    def build(self, kind: str, raw: Any, at: str) -> Part:
        """The part that a field of a method's text stands for.

        Raises:
            UnknownName, InvalidValue: there is none, or a setting is wrong.
        """
        if isinstance(raw, Part):
            return raw
        settings = dict(raw) if isinstance(raw, Mapping) else {"part": raw}
        name = settings.pop("part", DEFAULTS.get(kind))
        if not isinstance(name, str):
            raise InvalidValue(f"{at} is {raw!r}", "write a part's name, or `{part: NAME, SETTING: VALUE}`")
        declared = self.find(kind, name, at)
        self._note(declared.__module__)
        try:
            return declared.model_validate(settings)
        except ValidationError as error:
            raise in_words(error, [f"{at}.{field}" for field in declared.model_fields], at) from error

    def names(self, kind: str) -> list[str]:
        """The names of the kind's parts, those of installed packages too once one of them was asked for."""
        return [name for of, name in self._known if of == kind]

    def settings(self, kind: str, name: str) -> tuple[str, ...]:
        """The settings of a part; none of one that is not known."""
        try:
            return tuple(self.find(kind, name, kind).model_fields)
        except UnknownName:
            return ()

    def listed(self) -> list[type[Part]]:
        """Every part there is, kind by kind; all installed packages are imported."""
        for _, module in installed():
            self._add_installed(module)
        return sorted(self._known.values(), key=lambda part: [*KINDS].index(part.kind))

    def _add_installed(self, module: str) -> None:
        self._add(imported(Source(source=module, digest="")))

    def _add(self, module: str) -> None:
        for key, part in _tables.get(module, {}).items():
            known = self._known.setdefault(key, part)
            if known is not part:
                raise InvalidValue(
                    f"there are two parts {key[1]!r} of the kind {key[0]}: of {origin(known)} and of {origin(part)}",
                    "rename one",
                )

    def _note(self, module: str) -> None:
        """A package's module, once a part of it is used, is a source like any other; ramet's own go with ramet."""
        if not (is_own(module) or any(imported(source) == module for source in self.sources)):
            self.sources.append(located(module, folder=FilePath()))


def plain(part: Part) -> Any:
    """A part as a method's text names it."""
    settings = part.model_dump(mode="json")
    if not settings:
        return part.part
    return settings if part.part == DEFAULTS.get(part.kind) else {"part": part.part, **settings}


def described(part: type[Part]) -> dict[str, Any]:
    """What a listing says of a part."""
    return {
        "kind": part.kind,
        "name": part.part,
        "settings": list(part.model_fields),
        "description": (part.__doc__ or "").strip().partition("\n")[0],
        "origin": "ramet" if is_own(part.__module__) else origin(part),
    }


def is_own(module: str) -> bool:
    """Whether a module is ramet's."""
    return module.startswith("ramet.")


def origin(part: type[Part]) -> str:
    """The file that declares a part."""
    return str(getattr(sys.modules.get(part.__module__), "__file__", None) or part.__module__)


def working(part: object) -> AbstractContextManager[None]:
    """While a part of others works, what it raises becomes a PartError that names it and its line."""
    if not isinstance(part, Part) or is_own(type(part).__module__):
        return nullcontext()
    return failing(origin(type(part)), f"{part.kind} {part.part!r}")


def refuse(part: object, answer: object, wanted: str) -> NoReturn:
    """Say that a part has answered with what is no answer.

    Raises:
        PartError: always.
    """
    assert isinstance(part, Part)
    said = " ".join(repr(answer).split())
    said = said if len(said) <= _MOST_SAID else f"{said[:_MOST_SAID]}..."
    raise PartError(f"{part.kind} {part.part!r} of {origin(type(part))} answered {said}", f"let it give {wanted}")
