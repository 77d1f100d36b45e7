"""The packaged methods, and the one way to a method: a name, or a document that extends one; then overrides.

A name is METHOD@CONFIGURATION. A method's file says how a task is learnt, a configuration's (`@NAME.yaml`) at what
size: root, budget, ranges. The method is laid over the configuration.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.base.text import did_you_mean
from ramet.method.document.assembly import library_of
from ramet.method.document.lines import line_of
from ramet.method.document.reading import Document, from_yaml, overlay, setting, validated
from ramet.method.document.schema import Method
from ramet.method.parts import Library

DEFAULT_METHOD = "mu2net-plus"
DEFAULT_CONFIGURATION = "standard"

_NAME = re.compile(r"[\w.:@+/-]+")
_PARAMETER = re.compile(r"\{([A-Z])\}")


def load(source: str | FilePath | Mapping[str, Any], overrides: Mapping[str, str] | None = None) -> Method:
    """The method of a name, of a YAML file or text, or of a document as to_yaml or model_dump wrote it.

    Args:
        source: a name of `names`, METHOD@CONFIGURATION, or a document; a document may say `extends: NAME` and then only
            holds what differs. Files that its `parts` name are relative to its own file, or to the current folder.
        overrides: settings by their dotted keys, each as YAML: `{"budget.cycles": "3", "opt.lr": "[0.01, 0.02]"}`.

    Raises:
        UnknownName: a method, a part, a field or a hyperparameter does not exist.
        InvalidValue: a value is missing, out of range, or a default that is not one of its values.
        PartError: the code of a part cannot be run.
    """
    if not isinstance(source, FilePath):
        return _load(source, FilePath(), overrides or {})
    text = _read(source)
    try:
        return _load(from_yaml(text, "the method"), source.parent, overrides or {})
    except RametError as error:
        line = None if any(key in error.problem for key in overrides or ()) else line_of(text, error.problem)
        place = f"{source}:{line}" if line else str(source)
        raise type(error)(f"{place}: {error.problem}", error.remedy) from error


def names() -> dict[str, str]:
    """Every name that load takes, with a line on what it is: methods, then configurations (each its mu2net-plus)."""
    files = sorted((stem.startswith("@"), stem, text) for stem, text in _files().items())
    return {_title(stem, text): str(_parse(stem, text)["description"]) for _, stem, text in files}


def _load(source: Any, folder: FilePath, overrides: Mapping[str, str]) -> Method:
    own = _own(source)
    if "parts" in overrides:
        own = {**own, "parts": from_yaml(overrides["parts"], "the value of 'parts'")}
    library = library_of(own, folder)
    document = _extended({**own, "parts": tuple(library.sources)}, library)
    for key, text in overrides.items():
        if key != "parts":
            document = overlay(document, setting(key, text, library), library)
    return validated(document)


def _read(file: FilePath) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidValue(f"cannot read the method {file}: {reason}", "name a YAML file or a preset") from error


def _own(source: Any) -> Document:
    """The document that is meant, before what it extends is laid under it."""
    if isinstance(source, str) and _NAME.fullmatch(source.strip()):
        return _named(source.strip())
    document = from_yaml(source, "the method") if isinstance(source, str) else source
    if not isinstance(document, Mapping):
        raise InvalidValue("the method's text is no mapping of fields", "begin it with `extends: mu2net-plus`")
    return document


def _extended(document: Document, library: Library) -> Document:
    base = document.get("extends")
    rest = {key: value for key, value in document.items() if key != "extends"}
    return rest if base is None else overlay(_named(str(base)), rest, library)


def _named(name: str) -> Document:
    """The document of METHOD@CONFIGURATION, of METHOD alone, or of CONFIGURATION alone."""
    method, at, configuration = name.partition("@")
    if not at:
        bare = f"@{name}" in _files()
        method, configuration = (DEFAULT_METHOD, name) if bare else (name, DEFAULT_CONFIGURATION)
    above, below = _method(method), _configuration(configuration)
    description = f"{above['description']} {below['description']}"
    return {**overlay(below, above), "name": f"{above['name']}@{configuration}", "description": description}


def _method(name: str) -> Document:
    stem, _, argument = name.partition(":")
    if stem not in _files() or stem.startswith("@"):
        raise UnknownName(f"no method is called {name!r}", did_you_mean(stem, names()))
    text = _files()[stem]
    if bool(argument) != bool(_PARAMETER.search(text)):
        raise InvalidValue(f"no method is called {name!r}", f"write {_title(stem, text)}")
    if argument and not argument.isdecimal():
        raise InvalidValue(f"the method {name!r} has the argument {argument!r}", "give a whole number of at least 0")
    return _parse(stem, _PARAMETER.sub(argument, text))


def _configuration(name: str) -> Document:
    known = {stem.removeprefix("@"): text for stem, text in _files().items() if stem.startswith("@")}
    if name not in known:
        raise UnknownName(f"no configuration is called {name!r}", did_you_mean(name, known))
    document = dict(_parse(name, known[name]))
    base = document.pop("extends", None)
    return document if base is None else overlay(_configuration(base), document)


def _title(stem: str, text: str) -> str:
    """A file's name as a user writes it, with the letter of its argument."""
    parameter = _PARAMETER.search(text)
    return f"{stem}:{parameter[1]}" if parameter else stem.removeprefix("@")


@cache
def _parse(stem: str, text: str) -> Document:
    document: Document = from_yaml(_PARAMETER.sub(r"\1", text), stem)
    return document


@cache
def _files() -> dict[str, str]:
    """The packaged documents' texts, by file name without `.yaml`."""
    folder = resources.files("ramet.method") / "presets"
    files = (file for file in folder.iterdir() if file.name.endswith(".yaml"))
    return {file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8") for file in files}
