"""The packaged methods, and the one way to a method: a name, or a document that extends one; then overrides.

A name is METHOD@SIZE. A method's file says how a task is learned, a size's how much of it there is: root, budget,
ranges. The method is laid over the size.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

from ramet.base.errors import InvalidValue, RametError, UnknownName, within
from ramet.base.text import did_you_mean
from ramet.base.yaml import Field, Yaml, read_yaml
from ramet.method.document.assembly import library_of
from ramet.method.document.reading import Document, nested, overlay, setting, validated
from ramet.method.document.schema import Method

DEFAULT_METHOD = "mu2net-plus"
DEFAULT_SIZE = "minutes"

_NAME = re.compile(r"[\w.:@+/-]+")
_PARAMETER = re.compile(r"\{([A-Z])\}")


def load(source: str | FilePath | Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Method:
    """Return the method of a name, of a YAML file or text, or of a document as to_yaml or model_dump wrote it.

    What is wrong in a file or text is located there by its line. The field of an error is one of this function's
    arguments as an experiment writes them: ("method", ...) for the source, ("settings", KEY) for an override.

    Args:
        source: a name, METHOD@SIZE, METHOD or SIZE (see methods and sizes), or a document; a document may say
            `extends: NAME` and then only holds what differs. Files that its `parts` name are relative to its own file,
            or to the current folder.
        overrides: settings by their dotted keys, as values or as YAML: `{"budget.cycles": 3, "opt.lr": "[0.1, 0.2]"}`.
            The text `VALUE!` fixes a hyperparameter: all children have that value.

    Raises:
        UnknownName: a method, a part, a field or a hyperparameter does not exist.
        InvalidValue: a value is missing, out of range, or a default that is not one of its values.
        PartError: the code of a part cannot be run.
    """
    text, folder, document = None, FilePath(), source
    if isinstance(source, FilePath):
        text, folder = read_yaml(source, "the method"), source.parent
    elif isinstance(source, str) and _NAME.fullmatch(source.strip()):
        document = {"extends": source.strip()}
    elif isinstance(source, str):
        text = Yaml(source, "the method")
    return _load(text.value if text else document, text, folder, overrides or {})


def methods() -> dict[str, str]:
    """Return the name of every packaged method, `:N` after one that takes a number, with a line on what it is."""
    return {_title(name, text): _parsed(name, text)["description"] for name, text in sorted(_files("methods").items())}


def sizes() -> dict[str, str]:
    """Return the name of every packaged size with a line on what it is, from the smallest up, the papers' last."""
    documents = {name: _parsed(name, text) for name, text in _files("sizes").items()}
    order = [*_OWN, *sorted(documents.keys() - set(_OWN))]
    return {name: documents[name]["description"] for name in order}


_OWN = ("seconds", "minutes", "hour")
"""The sizes that are not of the papers."""


def _load(document: Any, text: Yaml | None, folder: FilePath, overrides: Mapping[str, Any]) -> Method:
    with _of_source(text):
        if not isinstance(document, Mapping):
            name = text.name if text else "the method"
            raise InvalidValue(f"{name} is no mapping of fields", "begin it with `extends: mu2net-plus`")
        library = library_of({} if "parts" in overrides else document, folder)
    if "parts" in overrides:
        with within("settings"):
            library = library_of({"parts": setting("parts", overrides["parts"])[1]}, folder)
    with _of_source(text):
        whole = {key: value for key, value in document.items() if key != "extends"}
        if "extends" in document:
            with within("extends"):
                base = _named(str(document["extends"]))
            whole = overlay(base, whole, library)
        whole["parts"] = tuple(library.sources)
    fields: dict[str, Field] = {}
    for key, raw in overrides.items():
        if key != "parts":
            with within("settings", key):
                fields[key], value = setting(key, raw, library)
            whole = overlay(whole, nested(fields[key], value), library)
    try:
        return validated(whole)
    except RametError as error:
        about = next((key for key, field in fields.items() if _is_about(error.field, field)), None)
        if about is not None:  # its value stands in no file
            error.field = ("settings", about)
            raise
        with _of_source(text):
            raise


@contextmanager
def _of_source(text: Yaml | None) -> Iterator[None]:
    """Locate errors in the source's text, if it has one."""
    with within("method"):
        if text is None:
            yield
        else:
            with text.located():
                yield


def _is_about(error: Field, override: Field) -> bool:
    """Return True where an error's field is the override's, one around it or one inside it.

    A default and the values of a hyperparameter are one: either can make the other wrong.
    """
    field = tuple(override[:2] if override[0] == "hyperparameters" else override)
    least = min(len(field), len(error))
    return least > 0 and tuple(error[:least]) == field[:least]


def _named(name: str) -> Document:
    """Return the document of METHOD@SIZE, of METHOD alone, or of SIZE alone."""
    method, at, size = name.partition("@")
    if not at:
        method, size = (DEFAULT_METHOD, name) if name in _files("sizes") else (name, DEFAULT_SIZE)
    above, below = _method(method, alone=not at), _size(size)
    description = f"{above['description']} {below['description']}"
    return {**overlay(below, above), "name": f"{above['name']}@{size}", "description": description}


def _method(name: str, alone: bool) -> Document:
    """Return a method's document; alone says that a size could have been meant too."""
    stem, _, argument = name.partition(":")
    if stem not in _files("methods"):
        what, known = ("method or size", {**methods(), **sizes()}) if alone else ("method", methods())
        raise UnknownName(f"no {what} is called {name!r}", did_you_mean(stem, known))
    text = _files("methods")[stem]
    if bool(argument) != bool(_PARAMETER.search(text)):
        raise InvalidValue(f"no method is called {name!r}", f"write {_title(stem, text)}")
    if argument and not argument.isdecimal():
        raise InvalidValue(f"the method {name!r} has the argument {argument!r}", "give a whole number of at least 0")
    return _parsed(stem, _PARAMETER.sub(argument, text))


def _size(name: str) -> Document:
    known = _files("sizes")
    if name not in known:
        raise UnknownName(f"no size is called {name!r}", did_you_mean(name, known))
    document = dict(_parsed(name, known[name]))
    base = document.pop("extends", None)
    return document if base is None else overlay(_size(base), document)


def _title(name: str, text: str) -> str:
    """Return a method's name as a user writes it, with the letter of its argument."""
    parameter = _PARAMETER.search(text)
    return f"{name}:{parameter[1]}" if parameter else name


@cache
def _parsed(name: str, text: str) -> Document:
    document: Document = Yaml(_PARAMETER.sub(r"\1", text), name).value
    return document


@cache
def _files(folder: str) -> dict[str, str]:
    """Return the texts of the packaged documents of a folder, by file name without `.yaml`."""
    files = (resources.files("ramet.method") / "presets" / folder).iterdir()
    return {file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8") for file in files}
