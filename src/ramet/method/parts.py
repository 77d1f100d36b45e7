"""The parts of a method that can be replaced: how one is declared, how a method's text names it, where its code lies.

A part is a frozen model, its fields are its settings, and `protocols` says what each kind must do:

    @register("parents", "oldest")
    class Oldest(Part):
        def choose(self, among: Candidates) -> str: ...

In YAML it is its name, `parents: oldest`, or a mapping with settings, `parents: {part: oldest, setting: 3}`. A method
finds ramet's own parts, those of the sources that it names, and those of installed packages, in this order.

A source is a Python file or a module. It is named with the digest of its code, which is part of a method's fingerprint:
a run is not continued with other code. Code is never stored in a system, so nothing that was pulled or copied can run.
"""

import hashlib
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any, ClassVar, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ramet.base.errors import InvalidValue, PartError, RametError, UnknownName, within
from ramet.base.text import did_you_mean
from ramet.base.yaml import Field

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

GROUP = "ramet.methods"
"""The entry points by which an installed package says which of its modules hold parts."""

_OWN = tuple(f"ramet.method.{name}" for name in ("selection", "world", "mutation", "schedule"))
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


class Source(BaseModel):
    """A file or module that declares parts, and the SHA-256 of its code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    digest: str


class Library:
    """The parts that a method can name.

    Args:
        named: the sources of those that are not ramet's own or an installed package's, as a method's `parts` writes
            them: one or a list (see located).
        folder: what relative files are relative to; by default the current one.

    Raises:
        UnknownName, InvalidValue: a source is not there or not what it was, or a part has the name of another.
        PartError: the code of one cannot be run.
    """

    def __init__(self, named: Any = (), folder: FilePath | None = None) -> None:
        named = named or ()
        self.sources: list[Source] = []
        self._known: _Table = {}
        for module in _OWN:
            import_module(module)
            self._add(module)
        for i, raw in enumerate(named if isinstance(named, list | tuple) else [named]):
            with within("parts", i):
                self.sources.append(located(raw, folder))
                self._add(imported(self.sources[-1]))

    def find(self, kind: str, name: str, at: Field) -> type[Part]:
        """Return the part of a kind and name; a package that is installed is imported only if it has to be.

        Raises:
            UnknownName: there is none; `at` is the field that names it.
        """
        if (kind, name) not in self._known:
            for _, module in sorted(installed(), key=lambda point: point[0] != name):
                if (kind, name) not in self._known:
                    self._add(_import(module))
        if (kind, name) not in self._known:
            remedy = did_you_mean(name, self.names(kind))
            raise UnknownName(f"{dotted(at)} is {name!r}, and no such part is known", remedy, field=at)
        return self._known[kind, name]

    def build(self, kind: str, raw: Any, at: Field) -> Part:
        """Return the part that a field of a method's text stands for.

        Raises:
            UnknownName, InvalidValue: there is none, or a setting is wrong.
            PartError: a part of others fails to check its settings.
        """
        if isinstance(raw, Part):
            return raw
        settings = dict(raw) if isinstance(raw, Mapping) else {"part": raw}
        name = settings.pop("part", DEFAULTS.get(kind))
        if not isinstance(name, str):
            remedy = "write a part's name, or `{part: NAME, SETTING: VALUE}`"
            raise InvalidValue(f"{dotted(at)} is {raw!r}", remedy, field=at)
        declared = self.find(kind, name, at)
        module = declared.__module__
        if not (_is_own(module) or any(imported(source) == module for source in self.sources)):
            self.sources.append(located(module))  # a package's module is a source once a part of it is used
        with within(*at):
            try:
                return declared.model_validate(settings)
            except ValidationError as error:
                raise refused(error, declared.model_fields, dotted(at)) from error
            except Exception as error:
                if isinstance(error, RametError) or _is_own(module):
                    raise
                with _failing(origin(declared), f"{kind} {name!r}"):
                    raise

    def names(self, kind: str) -> list[str]:
        """Return the names of the kind's parts, those of installed packages too once one of them was asked for."""
        return [name for of, name in self._known if of == kind]

    def settings(self, kind: str, name: str) -> tuple[str, ...]:
        """Return the settings of a part; none of one that is not known."""
        try:
            return tuple(self.find(kind, name, (kind,)).model_fields)
        except UnknownName:
            return ()

    def listed(self) -> list[type[Part]]:
        """Return every part there is, kind by kind; all installed packages are imported."""
        for _, module in installed():
            self._add(_import(module))
        return sorted(self._known.values(), key=lambda part: [*KINDS].index(part.kind))

    def _add(self, module: str) -> None:
        for key, part in _tables.get(module, {}).items():
            known = self._known.setdefault(key, part)
            if known is not part:
                raise InvalidValue(
                    f"there are two parts {key[1]!r} of the kind {key[0]}: of {origin(known)} and of {origin(part)}",
                    "rename one",
                )


def located(raw: Any, folder: FilePath | None = None) -> Source:
    """Return the source that a method's `parts:` names.

    Args:
        raw: a `.py` file, relative to the folder; a module; or a recorded source, with the digest that it must have.
        folder: of the method's own file; by default the current one.

    Raises:
        UnknownName: there is no such file or module.
        InvalidValue: its code is not what the digest says.
    """
    if isinstance(raw, Source):
        return raw
    given = raw if isinstance(raw, dict) else {"source": raw}
    name, wanted = given.get("source"), given.get("digest")
    if not isinstance(name, str) or given.keys() - {"source", "digest"}:
        raise InvalidValue(f"parts is {raw!r}", "name Python files or modules: `parts: [mine.py, package.module]`")
    if wanted and name.endswith(".py") and not FilePath(name).is_absolute():
        # it may have been pulled from anywhere: what lies in the current folder is not run for its sake
        raise InvalidValue(f"parts: the place of {name} is not absolute", "name it alone: `parts: [mine.py]`")
    file = ((folder or FilePath()) / FilePath(name).expanduser()).resolve() if name.endswith(".py") else None
    digest = hashlib.sha256(_code(file or _module_file(name), name)).hexdigest()
    if wanted not in (None, digest):
        raise InvalidValue(
            f"parts: {name} is other code than the method was made with ({digest[:8]}, not {str(wanted)[:8]})",
            "bring it back as it was, or begin anew with --restart",
        )
    return Source(source=str(file or name), digest=digest)


def imported(source: Source) -> str:
    """Import a source, and return the name that its module has in this process.

    Raises:
        PartError: its code cannot be run; the line is named.
    """
    file = source.source
    if not file.endswith(".py"):
        return _import(file)
    name = f"ramet_part_{source.digest[:16]}"
    if name not in sys.modules:
        module = sys.modules[name] = ModuleType(name)
        module.__file__ = file
        try:
            with _failing(file, f"parts: {FilePath(file).name}"):
                # compiled here: an importer would trust a cached .pyc where a file was mended within a second
                exec(compile(_code(FilePath(file), file), file, "exec"), module.__dict__)
        except PartError:
            del sys.modules[name]
            raise
    return name


def installed() -> list[tuple[str, str]]:
    """Return the name and the module of every entry point of GROUP: ramet's own first, then by name."""
    found = {(point.name, point.module) for point in entry_points(group=GROUP)}
    return sorted(found, key=lambda pair: (not _is_own(pair[1]), pair))


def _import(module: str) -> str:
    with _failing(_module_file(module), f"parts: {module}"):
        import_module(module)
    return module


def _code(file: FilePath, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        remedy = "name a Python file beside the method's, or a module"
        raise UnknownName(f"parts: cannot read {name}: {error.strerror}", remedy) from error


def _module_file(name: str) -> FilePath:
    try:
        found = find_spec(name)
    except (ImportError, ValueError):  # a package on the way to it is not there; a name that is none
        found = None
    if found is None or found.origin is None:
        raise UnknownName(f"parts: there is no module {name!r}", "install its package, or name a file that ends in .py")
    return FilePath(found.origin)


@contextmanager
def _failing(file: FilePath | str, what: str) -> Iterator[None]:
    """Turn what is raised inside, at the border to others' code, into an error that names the file's line."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SyntaxError) and error.filename == str(file):
            lines = [error.lineno]
        else:
            lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == str(file)]
        place = f"{file}:{lines[-1]}" if lines and lines[-1] else str(file)
        problem = f"{error.problem}; {error.remedy}" if isinstance(error, RametError) else str(error) or "no message"
        kind = "" if isinstance(error, RametError) else f"{type(error).__name__}: "
        raise PartError(f"{what} failed at {place}: {kind}{' '.join(problem.split())}", f"mend {file}") from error


def working(part: object) -> AbstractContextManager[None]:
    """Turn what a part of others raises inside into a PartError that names it and its line."""
    if not isinstance(part, Part) or _is_own(type(part).__module__):
        return nullcontext()
    return _failing(origin(type(part)), f"{part.kind} {part.part!r}")


def refuse(part: object, answer: object, wanted: str) -> NoReturn:
    """Raise the PartError of a part that has answered with what is no answer."""
    assert isinstance(part, Part)
    said = " ".join(repr(answer).split())
    said = said if len(said) <= _MOST_SAID else f"{said[:_MOST_SAID]}..."
    raise PartError(f"{part.kind} {part.part!r} of {origin(type(part))} answered {said}", f"let it give {wanted}")


def refused(error: ValidationError, known: Iterable[str], at: str = "") -> RametError:
    """Return the first thing that pydantic found wrong, as one line, with its field in what was read.

    Args:
        error: what it found.
        known: every setting there is, by its dotted name.
        at: the dotted name of what was read, if it was a part of a document.
    """
    first = error.errors()[0]
    field = first["loc"]
    name, key = dotted(field), ".".join(filter(None, (at, dotted(field))))
    shown = f"{key} is {first['input']!r}"
    match first["type"]:
        case "extra_forbidden":
            section = name.rpartition(".")[0]
            siblings = [f"{at}.{one}" if at else one for one in known if one.rpartition(".")[0] == section]
            remedy = did_you_mean(key, siblings) if siblings else "it has no settings: leave it out"
            return UnknownName(f"{key!r} is no field of a method", remedy, field=field)
        case "missing":
            remedy = "give it, or take it from another method with `extends: NAME`"
            return InvalidValue(f"{key} is missing", remedy, field=field)
        case "model_type":
            return InvalidValue(shown, "write its fields as a mapping", field=field)
        case _:
            said = first["msg"].replace("Input should be", "it should be").removeprefix("Value error, ")
            return InvalidValue(shown, " ".join(said.split()), field=field)


def dotted(field: Field) -> str:
    """Return a field's name as people write it, without places in lists: `mutation.steps`."""
    return ".".join(name for name in field if isinstance(name, str))


def plain(part: Part, exclude_defaults: bool = False) -> Any:
    """Return a part as a method's text names it, with all its settings or with those that have not their defaults."""
    settings = part.model_dump(mode="json", exclude_defaults=exclude_defaults)
    if not settings:
        return part.part
    return settings if part.part == DEFAULTS.get(part.kind) else {"part": part.part, **settings}


def described(part: type[Part]) -> dict[str, Any]:
    """Return what a listing says of a part."""
    return {
        "kind": part.kind,
        "name": part.part,
        "settings": list(part.model_fields),
        "description": (part.__doc__ or "").strip().partition("\n")[0],
        "origin": "ramet" if _is_own(part.__module__) else origin(part),
    }


def origin(part: type[Part]) -> str:
    """Return the file that declares a part."""
    return str(getattr(sys.modules.get(part.__module__), "__file__", None) or part.__module__)


def _is_own(module: str) -> bool:
    return module.startswith("ramet.")
