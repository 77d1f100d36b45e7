"""The one way to a method: a name, or a document that extends one, laid over each other; then overrides.

A name is METHOD@SIZE. A packaged method's file says how a task is learned, a size's how much of it there is: root,
budget, ranges. The method is laid over the size.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import cache
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError

from ramet.base.errors import InvalidValue, RametError, UnknownName, within
from ramet.base.text import did_you_mean
from ramet.base.yaml import Field, Yaml, read_yaml
from ramet.method.document.hyperparameters import DOMAINS, changed
from ramet.method.document.schema import PARTS, Method
from ramet.method.parts import DEFAULTS, Library, refused

Document = Mapping[str, Any]

DEFAULT_METHOD = "lean"
OF_A_SIZE = "mu2net-plus"
"""The method that a size alone is of: sizes are how much a search has."""
DEFAULT_SIZE = "minutes"

_OWN_SIZES = ("seconds", "minutes", "hour")
"""Those that are not of the papers."""

_NAME = re.compile(r"[\w.:@+/-]+")
_PARAMETER = re.compile(r"\{([A-Z])\}")


def load(source: str | FilePath | Document, overrides: Mapping[str, Any] | None = None) -> Method:
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
    text, folder = None, FilePath()
    if isinstance(source, FilePath):
        text, folder = read_yaml(source, "the method"), source.parent
    elif isinstance(source, str) and _NAME.fullmatch(source.strip()):
        source = {"extends": source.strip()}
    elif isinstance(source, str):
        text = Yaml(source, "the method")
    document, fields = text.value if text else source, dict[str, Field]()
    try:
        if not isinstance(document, Mapping):
            name = text.name if text else "the method"
            raise InvalidValue(f"{name} is no mapping of fields", "begin it with `extends: mu2net-plus`")
        return _read(document, folder, overrides or {}, fields)
    except RametError as error:
        if error.field[:1] == ("settings",) and len(error.field) > 1:  # it is no field of a method
            raise
        about = next((key for key, field in fields.items() if _is_about(error.field, field)), None)
        if about is not None:  # its value stands in no file
            error.field = ("settings", about)
            raise
        with within("method"), text.located() if text else nullcontext():
            raise


def methods() -> dict[str, str]:
    """Return the name of every packaged method, `:N` after one that takes a number, with a line on what it is."""
    return {_title(name, text): _parsed(name, text)["description"] for name, text in sorted(_files("methods").items())}


def sizes() -> dict[str, str]:
    """Return the name of every packaged size with a line on what it is, from the smallest up, the papers' last."""
    documents = {name: _parsed(name, text) for name, text in _files("sizes").items()}
    order = [*_OWN_SIZES, *sorted(documents.keys() - set(_OWN_SIZES))]
    return {name: documents[name]["description"] for name in order}


def overlay(base: Document, top: Document, library: Library | None = None, at: str = "") -> dict[str, Any]:
    """Return a method's document with another laid over it, field by field; of a section, `at` is its name and a dot.

    Clone rules that are laid over come before those of the base. A part that takes another's place keeps those of its
    settings that it has too. Without a library, parts are ramet's own and those of installed packages.
    """
    library = library or Library()
    merged = dict(base)
    for name, above in top.items():
        below, field = base.get(name), f"{at}{name}"
        if field in PARTS:
            merged[name] = _part(library, PARTS[field], below, above)
        elif at == "hyperparameters.":
            merged[name] = changed(base.get(name, {}), above)
        elif field == "mutation.clone":
            first = isinstance(above, Mapping) and "*" not in above
            merged[name] = {**above, **dict(below or ()), **above} if first else above
        elif isinstance(below, Mapping) and isinstance(above, Mapping):
            merged[name] = overlay(below, above, library, f"{field}.")
        else:
            merged[name] = above
    return merged


def setting(key: str, value: Any, library: Library | None = None) -> tuple[Field, Any]:
    """Return the field that an override is about, and the value that it gives it.

    Args:
        key: `budget.cycles`, `opt.lr`, `opt.lr.values`, `mutation.clone.block.*`, `score.part`, ...
        value: a str is YAML, or `none`, and `VALUE!` fixes a hyperparameter; anything else is the value itself.
        library: the parts that the method can name (see overlay).

    Raises:
        UnknownName: a method has no such setting.
        InvalidValue: the value is no YAML.
    """
    library = library or Library()
    field = _field(key, library)
    if field is None:
        library.listed()  # an installed package may know it
        field = _field(key, library)
    if field is None:
        remedy = did_you_mean(key, _settings(library), "`ramet method show NAME` shows all there are")
        raise UnknownName(f"a method has no setting {key!r}", remedy)
    fixed = isinstance(value, str) and value.endswith("!") and field[0] == "hyperparameters" and len(field) == 2
    if isinstance(value, str):
        value = Yaml(value.removesuffix("!") if fixed else value, f"the value of {key!r}").value
        value = None if isinstance(value, str) and value.lower() == "none" else value
    value = list(value) if isinstance(value, tuple) else value
    return field, [value] if fixed else value


def nested(field: Field, value: Any) -> Any:
    """Return the document that has a value in one field and nothing else."""
    for name in reversed(field):
        value = {name: value}
    return value


def _read(document: Document, folder: FilePath, overrides: Mapping[str, Any], fields: dict[str, Field]) -> Method:
    """Return the method of a document; note in `fields` which field each of the overrides is about."""
    if "parts" in overrides:
        with within("settings", "parts"):
            fields["parts"], parts = setting("parts", overrides["parts"])
        document = {**document, "parts": parts}
    library = Library(document.get("parts"), folder)
    whole = {name: value for name, value in document.items() if name != "extends"}
    if "extends" in document:
        with within("extends"):
            base = _named(str(document["extends"]))
        whole = overlay(base, whole, library)
    for key, raw in overrides.items():
        with within("settings", key):
            fields[key], value = setting(key, raw, library)
        whole = overlay(whole, nested(fields[key], value), library)
    try:
        return Method.model_validate({**whole, "parts": library.sources})
    except ValidationError as error:
        raise refused(error, [*Method.model_fields, *_settings(Library())]) from error


def _is_about(error: Field, override: Field) -> bool:
    """Return True where an error's field is the override's, one around it or one inside it.

    A default and the values of a hyperparameter are one: either can make the other wrong.
    """
    field = tuple(override[:2] if override[0] == "hyperparameters" else override)
    least = min(len(field), len(error))
    return least > 0 and tuple(error[:least]) == field[:least]


def _field(key: str, library: Library) -> Field | None:
    """Return the field that an override's key means; None where there is none."""
    name = key.removeprefix("hyperparameters.")
    head, _, tail = name.rpartition(".")
    hyperparameters = {*DOMAINS, *library.names("hyperparameter")}
    if name in hyperparameters:
        return "hyperparameters", name
    if head in hyperparameters and tail in ("default", "values"):
        return "hyperparameters", head, tail
    if key.startswith("mutation.clone."):
        return "mutation", "clone", key.removeprefix("mutation.clone.")
    return key.split(".") if key in set(_settings(library)) else None


def _settings(library: Library) -> Iterator[str]:
    """Yield every key that an override may name, clone patterns apart."""
    for name, field in Method.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}.{inner}" for inner in field.annotation.model_fields)
        elif name != "hyperparameters":
            yield name
    for at, kind in PARTS.items():
        yield f"{at}.part"
        for part in library.names(kind):
            yield from (f"{at}.{field}" for field in library.settings(kind, part))
    yield from DOMAINS
    yield from library.names("hyperparameter")


def _part(library: Library, kind: str, below: Any, above: Any) -> Any:
    """Return what is written of a part laid over what is written below it."""
    above = {"part": above} if isinstance(above, str) else above
    if not isinstance(above, Mapping):
        return above
    below = {"part": below} if isinstance(below, str) else below if isinstance(below, Mapping) else {}
    before = below.get("part", DEFAULTS[kind])
    name = above.get("part", before)
    kept = below if name == before else {key: v for key, v in below.items() if key in library.settings(kind, name)}
    return {**kept, **above, "part": name}


def _named(name: str) -> Document:
    """Return the document of METHOD@SIZE, of METHOD alone, or of SIZE alone."""
    method, at, size = name.partition("@")
    if not at:
        method, size = (OF_A_SIZE, name) if name in _files("sizes") else (name, DEFAULT_SIZE)
    above, below = _method(method, alone=not at), _size(size)
    description = f"{above['description']} {below['description']}"
    return {**overlay(below, above), "name": f"{above['name']}@{size}", "description": description}


def _method(name: str, alone: bool) -> Document:
    """Return a method's document; alone says that a size could have been meant too."""
    stem, _, argument = name.partition(":")
    text = _files("methods").get(stem)
    if text is None:
        what, known = ("method or size", {**methods(), **sizes()}) if alone else ("method", methods())
        raise UnknownName(f"no {what} is called {name!r}", did_you_mean(stem, known))
    if bool(argument) != bool(_PARAMETER.search(text)):
        raise InvalidValue(f"no method is called {name!r}", f"write {_title(stem, text)}")
    if argument and not argument.isdecimal():
        raise InvalidValue(f"the method {name!r} has the argument {argument!r}", "give a whole number of at least 0")
    return _parsed(stem, _PARAMETER.sub(argument, text))


def _size(name: str) -> Document:
    known = _files("sizes")
    if name not in known:
        raise UnknownName(f"no size is called {name!r}", did_you_mean(name, known))
    document = {**_parsed(name, known[name])}
    base = document.pop("extends", None)
    return overlay(_size(base), document) if base else document


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
