"""How text becomes a method: documents laid over one another, `--set` overrides, and errors in a user's words."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ramet.errors import InvalidValue, RametError, UnknownName
from ramet.method.hyperparameters import DOMAINS, did_you_mean
from ramet.method.schema import Method

Document = Mapping[str, Any]


def from_yaml(text: str, what: str) -> Any:
    """The value of YAML text; what names it in an error."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        reason = " ".join(str(getattr(error, "problem", error)).split())
        raise InvalidValue(f"{what} is not YAML: {reason}", "quote texts that hold any of : { } [ ] # *") from error


def overlay(base: Document, top: Document) -> dict[str, Any]:
    """A method's document with another laid over it, field by field.

    A hyperparameter written as one value keeps the list of values and changes the default; written as a list or a range
    it keeps the default. Clone rules that are laid over come before those of the base.
    """
    merged = {**base, **top}
    for section, value in top.items():
        below = base.get(section)
        if not isinstance(value, Mapping) or not isinstance(below, Mapping):
            continue
        if section == "hyperparameters":
            merged[section] = {**below, **{k: _hyperparameter(below.get(k, {}), v) for k, v in value.items()}}
        else:
            merged[section] = {**below, **value}
        if section == "mutation" and "clone" in value and "clone" in below:
            merged[section]["clone"] = _rules(below["clone"], value["clone"])
    return merged


def setting(key: str, text: str) -> Document:
    """The document that one override stands for.

    Args:
        key: `budget.cycles`, `opt.lr`, `opt.lr.values`, `mutation.clone.block.*`, ...
        text: its value as YAML, or `none`.

    Raises:
        UnknownName: a method has no such setting.
    """
    value = from_yaml(text, f"the value of {key!r}")
    value = None if isinstance(value, str) and value.lower() == "none" else value
    name = key.removeprefix("hyperparameters.")
    head, _, tail = name.rpartition(".")
    if name in DOMAINS:
        return {"hyperparameters": {name: value}}
    if head in DOMAINS and tail in ("default", "values"):
        return {"hyperparameters": {head: {tail: value}}}
    section, _, field = key.partition(".")
    if field.startswith("clone."):
        return {section: {"clone": {field.removeprefix("clone."): value}}}
    if key not in set(_settings()):
        close = get_close_matches(key, _settings(), n=2, cutoff=0.5)
        remedy = f"did you mean {' or '.join(close)}?" if close else "`ramet method show NAME` shows all there are"
        raise UnknownName(f"a method has no setting {key!r}", remedy)
    return {section: {field: value}} if field else {section: value}


def validated(document: Document) -> Method:
    """The method of a complete document.

    Raises:
        RametError: InvalidValue or UnknownName of the first field that is wrong.
    """
    try:
        return Method.model_validate(document)
    except ValidationError as error:
        raise _in_words(error) from error


def _hyperparameter(below: Any, value: Any) -> dict[str, Any]:
    below = below if isinstance(below, Mapping) else {"default": below}
    if isinstance(value, Mapping):
        return {**below, **value}
    if isinstance(value, list):
        return {**below, "values": value, **({"default": value[0]} if len(value) == 1 else {})}
    return {**below, ("values" if isinstance(value, str) and ".." in value else "default"): value}


def _rules(below: Any, above: Any) -> Any:
    if not isinstance(above, Mapping) or "*" in above:
        return above
    return {**above, **{pattern: action for pattern, action in dict(below).items() if pattern not in above}}


def _settings() -> Iterator[str]:
    """Every key that an override may name, clone patterns apart."""
    for name, field in Method.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}.{inner}" for inner in field.annotation.model_fields)
        elif name != "hyperparameters":
            yield name
    yield from DOMAINS


def _in_words(error: ValidationError) -> RametError:
    """The first thing that is wrong, as one line."""
    first = error.errors()[0]
    names = [str(part) for part in first["loc"] if isinstance(part, str)]
    key = ".".join(names)
    match first["type"]:
        case "extra_forbidden":
            section = ".".join(names[:-1])
            siblings = [s for s in _settings() if s.rpartition(".")[0] == section] if section else Method.model_fields
            return UnknownName(f"{key!r} is no field of a method", did_you_mean(key, siblings))
        case "missing":
            return InvalidValue(f"{key} is missing", "give it, or take it from another method with `extends: NAME`")
        case "model_type":
            return InvalidValue(f"{key} is {first['input']!r}", "write its fields as a mapping")
        case _:
            return InvalidValue(f"{key} is {first['input']!r}", first["msg"].replace("Input should be", "it should be"))
