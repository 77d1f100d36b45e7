"""Puts a method's parts in place: finds every part that a document names, and builds it with its settings."""

from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from ramet.base.errors import InvalidValue, UnknownName, within
from ramet.base.text import did_you_mean
from ramet.base.yaml import Field
from ramet.method.document.code import located
from ramet.method.document.hyperparameters import DOMAINS, Hyperparameter, parse
from ramet.method.parts import Library, Part, dotted
from ramet.method.protocols import Score

PLACES: Mapping[str, str] = {
    "parents": "parents",
    "pruning": "pruning",
    "score": "score",
    "training.schedule": "schedule",
}
"""The fields that hold one part, with its kind."""

LISTS: Mapping[str, str] = {"mutation.steps": "mutation", "training.augmentations": "augmentation"}
"""The fields that hold parts in a row."""


def library_of(document: Mapping[str, Any], folder: FilePath | None = None) -> Library:
    """Return the parts that a document can name.

    Args:
        document: a method's; only its `parts` are read.
        folder: what relative files are relative to.

    Raises:
        RametError: a source is not there, is not what it was, or its code cannot be run.
    """
    named, library = document.get("parts") or (), Library()
    for i, raw in enumerate([named] if isinstance(named, str) else named):
        with within("parts", i):
            library.add(located(raw, folder or FilePath()))
    return library


def score_part(document: Mapping[str, Any]) -> Score:
    """Return the score of a recorded method; only its `score` and its `parts` are read.

    Raises:
        RametError: it is of others, and its code is not here, or is not what it was.
    """
    part: Any = library_of(document).build("score", document["score"], ("score",))
    found: Score = part
    return found


def assembled(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with every part that it names built.

    Raises:
        RametError: a part is not known or wrong.
    """
    library = library_of(document)
    found = dict(document)
    for place, kind in {**PLACES, **LISTS}.items():
        _build(library, found, place, kind)
    if "hyperparameters" in found:
        found["hyperparameters"] = _hyperparameters(library, found["hyperparameters"], _bring(found))
    return {**found, "parts": tuple(library.sources)}


def _build(library: Library, document: dict[str, Any], place: str, kind: str) -> None:
    """Put what a field names in its place, built."""
    section, _, field = place.rpartition(".")
    if section and isinstance(document.get(section), Mapping):
        document[section] = dict(document[section])
    holder = document.get(section) if section else document
    if isinstance(holder, dict) and field in holder:
        build = _row if place in LISTS else Library.build
        holder[field] = build(library, kind, holder[field], place.split("."))


def _row(library: Library, kind: str, raw: Any, at: Field) -> tuple[Part, ...]:
    if not isinstance(raw, list | tuple):
        remedy = "write a list of parts: `[NAME, {part: NAME, SETTING: VALUE}]`"
        raise InvalidValue(f"{dotted(at)} is {raw!r}", remedy, field=at)
    return tuple(library.build(kind, item, (*at, i)) for i, item in enumerate(raw))


def _bring(document: Mapping[str, Any]) -> Iterable[type[Hyperparameter]]:
    """Yield the hyperparameters that the parts of a document bring along."""
    sections = [(document.get("training"), ("schedule", "augmentations")), (document.get("mutation"), ("steps",))]
    for section, fields in sections:
        for field in fields:
            parts = section.get(field, ()) if isinstance(section, Mapping) else getattr(section, field, ())
            for part in parts if isinstance(parts, tuple) else (parts,):
                yield from part.hyperparameters


def _hyperparameters(library: Library, raw: Any, brought: Iterable[type[Hyperparameter]]) -> dict[str, Hyperparameter]:
    """Return a method's in the order mutation decides on them: ramet's own, then its parts', then others named."""
    if not isinstance(raw, Mapping):
        remedy = "write one line a hyperparameter, `name: {default, values}`"
        raise InvalidValue("hyperparameters is not a mapping", remedy, field=("hyperparameters",))
    declared = {part.part: part for part in brought}
    for name in raw:
        if name not in DOMAINS and name not in declared:
            declared[name] = _declared(library, name)
    for name in DOMAINS:
        if name not in raw:
            remedy = "give it, or take all from another method: `extends: mu2net-plus`"
            raise InvalidValue(f"hyperparameters.{name} is missing", remedy, field=("hyperparameters", name))
    return {
        **{name: parse(name, raw[name]) for name in DOMAINS},
        **{name: parse(name, raw.get(name, {}), part) for name, part in declared.items()},
    }


def _declared(library: Library, name: Any) -> type[Hyperparameter]:
    at = ("hyperparameters", str(name))
    try:
        found = library.find("hyperparameter", str(name), at)
    except UnknownName:
        known = [*DOMAINS, *library.names("hyperparameter")]
        raise UnknownName(f"hyperparameters has no {name!r}", did_you_mean(str(name), known), field=at) from None
    assert issubclass(found, Hyperparameter)
    return found
