"""Finds and imports the parts that are not ramet's own: of a Python file, a module, an installed package.

A source is named with the digest of its code, which is part of a method's fingerprint: a run is not continued with
other code. Code is never stored in a system, so nothing that was pulled or copied can run.
"""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict

from ramet.base.errors import InvalidValue, PartError, RametError, UnknownName

GROUP = "ramet.methods"
"""The entry points by which an installed package says which of its modules hold parts."""


class Source(BaseModel):
    """A file or module that declares parts, and the SHA-256 of its code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    digest: str


def located(raw: Any, folder: FilePath) -> Source:
    """Return the source that a method's `parts:` names.

    Args:
        raw: a `.py` file, relative to the folder; a module; or a recorded source, with the digest that it must have.
        folder: of the method's own file.

    Raises:
        UnknownName: there is no such file or module.
        InvalidValue: its code is not what the digest says.
    """
    if isinstance(raw, Source):
        return raw
    wanted = raw.get("digest") if isinstance(raw, dict) else None
    name = raw.get("source") if isinstance(raw, dict) else raw
    if not isinstance(name, str) or (isinstance(raw, dict) and set(raw) - {"source", "digest"}):
        raise InvalidValue(f"parts is {raw!r}", "name Python files or modules: `parts: [mine.py, package.module]`")
    if wanted and name.endswith(".py") and not FilePath(name).is_absolute():
        # it may have been pulled from anywhere: what lies in the current folder is not run for its sake
        raise InvalidValue(f"parts: the place of {name} is not absolute", "name it alone: `parts: [mine.py]`")
    file = (folder / FilePath(name).expanduser()).resolve() if name.endswith(".py") else None
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
    name = source.source
    if not name.endswith(".py"):
        with failing(_module_file(name), f"parts: {name}"):
            importlib.import_module(name)
        return name
    module = f"ramet_part_{source.digest[:16]}"
    if module not in sys.modules:
        _run(FilePath(name), module)
    return module


def installed() -> Iterator[tuple[str, str]]:
    """Yield the name and the module of every entry point of GROUP: ramet's own first, then by name."""
    found = {(point.name, point.module) for point in entry_points(group=GROUP)}
    yield from sorted(found, key=lambda pair: (not pair[1].startswith("ramet."), pair))


@contextmanager
def failing(file: FilePath | str | None, what: str) -> Iterator[None]:
    """Turn what is raised inside, at the border to others' code, into an error that names the file's line."""
    try:
        yield
    except Exception as error:
        problem = f"{error.problem}; {error.remedy}" if isinstance(error, RametError) else str(error) or "no message"
        kind = "" if isinstance(error, RametError) else f"{type(error).__name__}: "
        line = _line(error, str(file))
        place = f"{file}:{line}" if line else str(file)
        raise PartError(f"{what} failed at {place}: {kind}{' '.join(problem.split())}", f"mend {file}") from error


def _run(file: FilePath, name: str) -> None:
    # compiled here: an importer would trust a cached .pyc where a file was mended within a second
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        with failing(file, f"parts: {file.name}"):
            exec(compile(_code(file, str(file)), str(file), "exec"), module.__dict__)
    except PartError:
        del sys.modules[name]
        raise


def _code(file: FilePath, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnknownName(
            f"parts: cannot read {name}: {error.strerror}", "name a Python file beside the method's, or a module"
        ) from error


def _module_file(name: str) -> FilePath:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a package on the way to it is not there; a name that is none
        found = None
    if found is None or found.origin is None:
        raise UnknownName(f"parts: there is no module {name!r}", "install its package, or name a file that ends in .py")
    return FilePath(found.origin)


def _line(error: Exception, file: str) -> int | None:
    """Return the last line of the file that the error passed through."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None
