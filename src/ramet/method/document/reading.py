"""How text becomes a method: documents laid over one another, and `--set` overrides."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ramet.base.errors import InvalidValue, UnknownName
from ramet.method.document.assembly import PLACES
from ramet.method.document.hyperparameters import DOMAINS, changed
from ramet.method.document.schema import Method
from ramet.method.document.words import in_words
from ramet.method.parts import DEFAULTS, Library

Document = Mapping[str, Any]


def from_yaml(text: str, what: str) -> Any:
    """The value of YAML text; what names it in an error."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        reason = " ".join(str(getattr(error, "problem", error)).split())
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise InvalidValue(
            f"{what} is not YAML: {reason}{line}", "quote texts that hold any of : { } [ ] # *"
        ) from error


def overlay(base: Document, top: Document, library: Library | None = None) -> dict[str, Any]:
    """A method's document with another laid over it, field by field.

    Clone rules that are laid over come before those of the base. A part that takes another's place keeps those of its
    settings that it has too.

    Args:
        base: the document below.
        top: the one above.
        library: the parts that it can name; by default ramet's own and those of installed packages.
    """
    library = library or Library()
    merged = {**base, **top}
    for section, value in top.items():
        below = base.get(section)
        if section in PLACES:
            merged[section] = _part(library, PLACES[section], below, value)
        if section in PLACES or not isinstance(value, Mapping) or not isinstance(below, Mapping):
            continue
        if section == "hyperparameters":
            merged[section] = {**below, **{k: changed(below.get(k, {}), v) for k, v in value.items()}}
        else:
            merged[section] = {**below, **value}
        if section == "mutation" and "clone" in value and "clone" in below:
            merged[section]["clone"] = _rules(below["clone"], value["clone"])
        if section == "training" and "schedule" in value:
            merged[section]["schedule"] = _part(library, "schedule", below.get("schedule"), value["schedule"])
    return merged


def setting(key: str, text: str, library: Library | None = None) -> Document:
    """The document that one override stands for.

    Args:
        key: `budget.cycles`, `opt.lr`, `opt.lr.values`, `mutation.clone.block.*`, `score.part`, ...
        text: its value as YAML, or `none`.
        library: the parts that the method can name; by default ramet's own and those of installed packages.

    Raises:
        UnknownName: a method has no such setting.
    """
    library = library or Library()
    value = from_yaml(text, f"the value of {key!r}")
    value = None if isinstance(value, str) and value.lower() == "none" else value
    known = _document(key, value, library)
    if known is None:
        library.listed()
        known = _document(key, value, library)
    if known is None:
        options = list(dict.fromkeys(_settings(library)))
        close = get_close_matches(key, options, n=2, cutoff=0.5)
        remedy = f"did you mean {' or '.join(close)}?" if close else "`ramet method show NAME` shows all there are"
        raise UnknownName(f"a method has no setting {key!r}", remedy)
    return known


def validated(document: Document) -> Method:
    """The method of a complete document.

    Raises:
        RametError: InvalidValue or UnknownName of the first field that is wrong.
    """
    try:
        return Method.model_validate(document)
    except ValidationError as error:
        raise in_words(error, [*Method.model_fields, *_settings(Library())]) from error


def _document(key: str, value: Any, library: Library) -> Document | None:
    """The document of one setting; None where there is none of that key."""
    name = key.removeprefix("hyperparameters.")
    head, _, tail = name.rpartition(".")
    hyperparameters = {*DOMAINS, *library.names("hyperparameter")}
    if name in hyperparameters:
        return {"hyperparameters": {name: value}}
    if head in hyperparameters and tail in ("default", "values"):
        return {"hyperparameters": {head: {tail: value}}}
    section, _, field = key.partition(".")
    if field.startswith("clone."):
        return {section: {"clone": {field.removeprefix("clone."): value}}}
    if key not in set(_settings(library)):
        return None
    if key.startswith("training.schedule."):
        return {"training": {"schedule": {key.removeprefix("training.schedule."): value}}}
    return {section: {field: value}} if field else {section: value}


def _part(library: Library, kind: str, below: Any, above: Any) -> Any:
    """What is written of a part, laid over what is written below it."""
    above = {"part": above} if isinstance(above, str) else above
    if not isinstance(above, Mapping):
        return above
    below = {"part": below} if isinstance(below, str) else below if isinstance(below, Mapping) else {}
    before = below.get("part", DEFAULTS[kind])
    name = above.get("part", before)
    kept = below if name == before else {key: v for key, v in below.items() if key in library.settings(kind, name)}
    return {**kept, **above, "part": name}


def _rules(below: Any, above: Any) -> Any:
    if not isinstance(above, Mapping) or "*" in above:
        return above
    return {**above, **{pattern: action for pattern, action in dict(below).items() if pattern not in above}}


def _settings(library: Library) -> Iterator[str]:
    """Every key that an override may name, clone patterns apart."""
    for name, field in Method.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}.{inner}" for inner in field.annotation.model_fields)
        elif name != "hyperparameters":
            yield name
    for at, kind in PLACES.items():
        yield f"{at}.part"
        for part in library.names(kind):
            yield from (f"{at}.{field}" for field in library.settings(kind, part))
    yield from DOMAINS
    yield from library.names("hyperparameter")
