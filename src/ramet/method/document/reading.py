"""Lays documents and `--set` overrides over one another, and reads the whole as a method."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from ramet.base.errors import UnknownName
from ramet.base.text import did_you_mean
from ramet.base.yaml import Field, Yaml
from ramet.method.document.assembly import PLACES
from ramet.method.document.hyperparameters import DOMAINS, changed
from ramet.method.document.schema import Method
from ramet.method.parts import DEFAULTS, Library, refused

Document = Mapping[str, Any]


def overlay(base: Document, top: Document, library: Library | None = None) -> dict[str, Any]:
    """Return a method's document with another laid over it, field by field.

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


def setting(key: str, value: Any, library: Library | None = None) -> tuple[Field, Any]:
    """Return the field that an override is about, and the value that it gives it.

    Args:
        key: `budget.cycles`, `opt.lr`, `opt.lr.values`, `mutation.clone.block.*`, `score.part`, ...
        value: a str is YAML, or `none`, and `VALUE!` fixes a hyperparameter; anything else is the value itself.
        library: the parts that the method can name; by default ramet's own and those of installed packages.

    Raises:
        UnknownName: a method has no such setting.
        InvalidValue: the value is no YAML.
    """
    library = library or Library()
    field = _field(key, library)
    if field is None:
        library.listed()
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


def validated(document: Document) -> Method:
    """Return the method of a complete document.

    Raises:
        RametError: InvalidValue or UnknownName of the first field that is wrong.
    """
    try:
        return Method.model_validate(document)
    except ValidationError as error:
        raise refused(error, [*Method.model_fields, *_settings(Library())]) from error


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


def _rules(below: Any, above: Any) -> Any:
    if not isinstance(above, Mapping) or "*" in above:
        return above
    return {**above, **{pattern: action for pattern, action in dict(below).items() if pattern not in above}}


def _settings(library: Library) -> Iterator[str]:
    """Yield every key that an override may name, clone patterns apart."""
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
