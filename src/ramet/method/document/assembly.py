"""Where a method's document names parts, and how they are put in place there."""

from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.text import did_you_mean
from ramet.method.document.code import located
from ramet.method.document.hyperparameters import DOMAINS, Hyperparameter, parse
from ramet.method.parts import Library, Part
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
    """The parts that a document can name.

    Args:
        document: a method's; only its `parts` are read.
        folder: that relative files are in.
    """
    named = document.get("parts") or ()
    return Library(located(raw, folder or FilePath()) for raw in ([named] if isinstance(named, str) else named))


def score_part(document: Mapping[str, Any]) -> Score:
    """The score of a recorded method; only its `score` and its `parts` are read.

    Raises:
        RametError: it is of others, and its code is not here, or is not what it was.
    """
    part: Any = library_of(document).build("score", document["score"], "score")
    found: Score = part
    return found


def assembled(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with every part that it names built.

    Raises:
        RametError: a part is not known or wrong.
    """
    library = library_of(document)
    found = dict(document)
    for at, kind in PLACES.items():
        _put(found, at, lambda raw, at=at, kind=kind: library.build(kind, raw, at))
    for at, kind in LISTS.items():
        _put(found, at, lambda raw, at=at, kind=kind: _row(library, kind, raw, at))
    if "hyperparameters" in found:
        found["hyperparameters"] = _hyperparameters(library, found["hyperparameters"], _bring(found))
    return {**found, "parts": tuple(library.sources)}


def _put(document: dict[str, Any], at: str, build: Any) -> None:
    """Put what is built of a field's value in its place."""
    section, _, field = at.rpartition(".")
    if section and isinstance(document.get(section), Mapping):
        document[section] = dict(document[section])
    holder = document.get(section) if section else document
    if isinstance(holder, dict) and field in holder:
        holder[field] = build(holder[field])


def _row(library: Library, kind: str, raw: Any, at: str) -> tuple[Part, ...]:
    if not isinstance(raw, list | tuple):
        raise InvalidValue(f"{at} is {raw!r}", "write a list of parts: `[NAME, {part: NAME, SETTING: VALUE}]`")
    return tuple(library.build(kind, item, at) for item in raw)


def _bring(document: Mapping[str, Any]) -> Iterable[type[Hyperparameter]]:
    """The hyperparameters that the parts of a document bring along."""
    sections = [(document.get("training"), ("schedule", "augmentations")), (document.get("mutation"), ("steps",))]
    for section, fields in sections:
        for field in fields:
            parts = section.get(field, ()) if isinstance(section, Mapping) else getattr(section, field, ())
            for part in parts if isinstance(parts, tuple) else (parts,):
                yield from part.hyperparameters


def _hyperparameters(library: Library, raw: Any, brought: Iterable[type[Hyperparameter]]) -> dict[str, Hyperparameter]:
    """All of a method's, in the order mutation decides on them: ramet's, then those of its parts, then others named."""
    if not isinstance(raw, Mapping):
        raise InvalidValue(
            "hyperparameters is not a mapping", "write one line a hyperparameter, `name: {default, values}`"
        )
    declared = {part.part: part for part in brought}
    for name in raw:
        if name not in DOMAINS and name not in declared:
            declared[name] = _declared(library, name)
    for name in DOMAINS:
        if name not in raw:
            raise InvalidValue(
                f"hyperparameters.{name} is missing",
                "give it, or take all from another method: `extends: mu2net-plus`",
            )
    return {
        **{name: parse(name, raw[name]) for name in DOMAINS},
        **{name: parse(name, raw.get(name, {}), part) for name, part in declared.items()},
    }


def _declared(library: Library, name: Any) -> type[Hyperparameter]:
    try:
        found = library.find("hyperparameter", str(name), "hyperparameters")
    except UnknownName:
        known = [*DOMAINS, *library.names("hyperparameter")]
        raise UnknownName(f"hyperparameters has no {name!r}", did_you_mean(str(name), known)) from None
    assert issubclass(found, Hyperparameter)
    return found
