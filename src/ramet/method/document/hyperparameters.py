"""A method's hyperparameters: their names, what each may be, and the ordered values that mutation steps through.

The word `root` stands for the root's own number of layers or image size: as a default, as a value, or as an end of a
range such as `0..root`. It is filled in when a path's architecture is known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import floor, inf, isfinite
from typing import Any, ClassVar

from ramet.base.errors import InvalidValue, UnknownName, within
from ramet.base.records import Architecture, Value
from ramet.method.parts import Part

Number = bool | int | float

ROOT = "root"

_RANGE = re.compile(r"\s*(\S+?)\.\.(\S+)(?:\s+step\s+(\S+))?\s*")
_MOST_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Domain:
    """The values of a hyperparameter that make sense: their type and inclusive bounds. of_root: it may say `root`."""

    kind: type[bool] | type[int] | type[float]
    low: float = 0.0
    high: float = inf
    of_root: bool = False

    def __str__(self) -> str:
        if self.kind is bool:
            return "true or false"
        noun = "a whole number" if self.kind is int else "a number"
        bounds = f"from {self.low:g} to {self.high:g}" if isfinite(self.high) else f"of at least {self.low:g}"
        return f"{noun} {bounds}{', or root' if self.of_root else ''}"


DOMAINS: Mapping[str, Domain] = {
    "mu": Domain(float, 0.0, 1.0),
    "layers": Domain(int, 0, of_root=True),
    "adapter_width": Domain(int, 1),
    "data.image_size": Domain(int, 1, of_root=True),
    "data.crop_area_min": Domain(float, 0.01, 1.0),
    "data.crop_aspect_min": Domain(float, 0.01, 1.0),
    "data.flip": Domain(bool),
    "data.brightness": Domain(float, 0.0, 1.0),
    "data.contrast": Domain(float, 0.0, 1.0),
    "data.saturation": Domain(float, 0.0, 1.0),
    "data.hue": Domain(float, 0.0, 0.5),
    "data.jpeg": Domain(float, 0.0, 0.99),
    "opt.lr": Domain(float, 1e-9, 100.0),
    "opt.warmup": Domain(float, 0.0, 1.0),
    "opt.momentum": Domain(float, 0.0, 0.999999),
    "opt.nesterov": Domain(bool),
}
"""Ramet's own hyperparameters, in the order in which mutation decides on them: µ first, as all later ones use it."""


def is_shared(name: str) -> bool:
    """Return True where all children of a generation have the same value of it, as they see the same images."""
    return name.startswith("data.")


@dataclass(frozen=True, slots=True)
class Choices:
    """A hyperparameter for one architecture: its default, and its values in order."""

    default: Number
    values: tuple[Number, ...]

    @property
    def fixed(self) -> bool:
        """True where there is nothing to mutate."""
        return len(self.values) == 1

    def nearest(self, value: Value) -> Number:
        """Return the value next to one that another method may have set."""
        if value in self.values:
            return self.values[self.values.index(value)]
        return min(self.values, key=lambda own: abs(own - float(value)))

    def step(self, value: Number, up: bool) -> Number:
        """Return the value one position up or down the list, clipped at its ends."""
        position = self.values.index(value) + (1 if up else -1)
        return self.values[min(max(position, 0), len(self.values) - 1)]


class Hyperparameter(Part):
    """A default, and the ordered values that mutation steps through; a single value is never mutated.

    values is a tuple, or the text of a range that has the root as an end: `0..root`, `root..224 step 32`. A new
    hyperparameter is a registered subclass that says its domain, and what its default and values are where a method
    does not.
    """

    domain: ClassVar[Domain | None] = None

    default: Value
    values: tuple[Value, ...] | str

    def choices(self, name: str, architecture: Architecture) -> Choices:
        """Return the choices that make sense for paths of an architecture; the nearest stands in for another default.

        A path that reads the class token keeps at least one layer, as it could not see the image otherwise; an image
        holds at least one patch.
        """
        return _choices(self, name, architecture)


@lru_cache(maxsize=1024)  # every plan of a child asks for all of them
def _choices(hyperparameter: Hyperparameter, name: str, architecture: Architecture) -> Choices:
    least, own = 0, 0
    if name == "layers":
        least, own = int(architecture.pool == "cls"), architecture.layers
    elif name == "data.image_size":
        least, own = architecture.patch_size, architecture.image_size
    written = hyperparameter.values
    filled = (own if v == ROOT else v for v in (_expand(written, own) if isinstance(written, str) else written))
    values = tuple(v for v in filled if not isinstance(v, str) and v >= least)
    if not values:
        raise InvalidValue(
            f"hyperparameters.{name} has only values below {least}, the least that this root can use",
            f"give it a larger one, for example {name}=[{least}]",
            field=("hyperparameters", name, "values"),
        )
    default = own if hyperparameter.default == ROOT else hyperparameter.default
    return Choices(Choices(values[0], values).nearest(default), values)


def parse(name: str, raw: Any, declared: type[Hyperparameter] = Hyperparameter) -> Hyperparameter:
    """Return a hyperparameter as a text writes it: `{default, values}`; without values it is fixed at its default.

    declared is the part that it is, where it is none of DOMAINS; its own default and values are changed by raw.

    Raises:
        UnknownName: a field of it does not exist.
        InvalidValue: a value is not of its kind or out of its range, or the default is not one of the values.
    """
    if isinstance(raw, Hyperparameter):
        return raw
    domain = declared.domain or DOMAINS[name]
    if declared.domain is not None:
        own = {key: field.default for key, field in declared.model_fields.items()}
        raw = changed({key: list(v) if isinstance(v, tuple) else v for key, v in own.items()}, raw)
    fields = dict(raw) if isinstance(raw, Mapping) else {"default": raw}
    with within("hyperparameters", name):
        for key in fields.keys() - {"default", "values"}:
            raise UnknownName(f"hyperparameters.{name} has no {key!r}", "give default and values", field=(str(key),))
        if "default" not in fields:
            raise _wrong(name, "default", "missing", f"give {domain}")
        default = _one(domain, name, "default", fields["default"])
        values = (default,) if fields.get("values") is None else _values(domain, name, fields["values"])
        settled = isinstance(values, tuple) and ROOT not in values and default != ROOT
        if settled and default not in values:
            options = ", ".join(map(shown, values))
            remedy = f"set {name}.default to one of {options}, or new values with {name}=[...]"
            raise _wrong(name, "default", f"{shown(default)}, which is not one of its values", remedy)
    return declared(default=default, values=values)


def changed(below: Any, value: Any) -> dict[str, Any]:
    """Return what is written of a hyperparameter laid over what is written below it.

    One value keeps the list of values and changes the default; a list or a range keeps the default.
    """
    below = below if isinstance(below, Mapping) else {"default": below}
    if isinstance(value, Mapping):
        return {**below, **value}
    if isinstance(value, list):
        return {**below, "values": value, **({"default": value[0]} if len(value) == 1 else {})}
    return {**below, ("values" if _is_range(value) else "default"): value}


def _is_range(raw: Any) -> bool:
    return isinstance(raw, str) and ".." in raw


def shown(value: Value) -> str:
    """Return a value as a method's text writes it."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _wrong(name: str, field: str, said: str, remedy: str) -> InvalidValue:
    return InvalidValue(f"hyperparameters.{name}.{field} is {said}", remedy, field=(field,))


def _values(domain: Domain, name: str, raw: Any) -> tuple[Value, ...] | str:
    """Return the values of a list, of `low..high` or of `low..high step s`; a range with the root's own as it is."""
    if not _is_range(raw):
        items = raw if isinstance(raw, list | tuple) else [raw]
        values = tuple(_one(domain, name, "values", item) for item in items)
        if not values or len(set(values)) < len(values):
            raise _wrong(name, "values", "empty or says a value twice", "list each value once")
        return values
    match = _RANGE.fullmatch(raw)
    step = _number(domain, match[3] or "1") if match else None
    if match is None or step is None or step <= 0:
        raise _wrong(name, "values", repr(raw), "write a range as 0..3 or 16..112 step 16")
    low, high = (_one(domain, name, "values", end) for end in match.group(1, 2))
    if ROOT in (low, high):
        return str(raw).strip()
    if not 0 <= float(high) - float(low) <= step * _MOST_VALUES:
        remedy = f"put the lower end first, and at most {_MOST_VALUES} steps between the ends"
        raise _wrong(name, "values", repr(raw), remedy)
    return tuple(_one(domain, name, "values", value) for value in _expand(raw, 0))


def _one(domain: Domain, name: str, field: str, raw: Any) -> Value:
    """Return a single value of the domain."""
    if domain.of_root and raw == ROOT:
        return ROOT
    value = _number(domain, raw)
    if value is None or not domain.low <= value <= domain.high:
        raise _wrong(name, field, "none" if raw is None else shown(raw), f"give {domain}")
    return value


def _number(domain: Domain, raw: Any) -> Number | None:
    if domain.kind is bool or isinstance(raw, bool):
        return raw if domain.kind is bool and isinstance(raw, bool) else None
    try:
        number = float(raw)
    except (TypeError, ValueError, OverflowError):
        return None
    if domain.kind is float:
        return number if isfinite(number) else None
    return int(number) if number.is_integer() else None


def _expand(text: str, own: int) -> tuple[Number, ...]:
    """Return the numbers of a well-formed range, with the root's own filled in."""
    match = _RANGE.fullmatch(text)
    assert match is not None
    low, high, step = (float(own if end == ROOT else end) for end in (match[1], match[2], match[3] or "1"))
    numbers = (round(low + step * i, 10) for i in range(floor((high - low) / step + 1e-9) + 1))
    return tuple(int(n) if n.is_integer() else n for n in numbers)
