"""How an experiment's file is read: YAML, whose errors name the file, the line and the field."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.base.text import did_you_mean
from ramet.experiment.design import NAME, TOLD, Design, Frozen, GivenTask, Measure, Variant
from ramet.experiment.lines import Lines
from ramet.method.document.presets import load


def _texts(raw: Any) -> Any:
    """Settings as `--set` has them: a value's YAML text."""
    if not isinstance(raw, Mapping):
        return raw
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in raw.items()}


Settings = Annotated[Mapping[str, str], BeforeValidator(_texts)]
Name = Annotated[str, Field(pattern=NAME)]


class _Variant(Frozen):
    method: str
    settings: Settings = Field(default={}, alias="set")
    budget: Literal["same", "own"] = "same"


class _File(Frozen):
    """The fields of an experiment's file (docs/experiments.md)."""

    name: Name
    description: str = ""
    base: str = "main"
    tasks: tuple[GivenTask, ...] = Field(min_length=1)
    variants: dict[Name, _Variant] = Field(min_length=2)
    control: str = ""
    budget: Settings = Field(default={})
    settings: Settings = Field(default={}, alias="set")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    metrics: tuple[Measure, ...] = TOLD

    @field_validator("tasks", mode="before")
    @classmethod
    def _there(cls, raw: Any) -> Any:
        """A task may be its name alone."""
        return [{"name": one} if isinstance(one, str) else one for one in raw] if isinstance(raw, list) else raw

    @field_validator("variants", mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        """A variant may be the name of its method alone."""
        if not isinstance(raw, Mapping):
            return raw
        return {name: {"method": given} if isinstance(given, str) else given for name, given in raw.items()}

    @field_validator("seeds", mode="before")
    @classmethod
    def _counted(cls, raw: Any) -> Any:
        return range(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw

    @field_validator("tasks", "seeds", "metrics")
    @classmethod
    def _once(cls, given: Sequence[Any], info: ValidationInfo) -> Sequence[Any]:
        names = [one.name if isinstance(one, GivenTask) else one for one in given]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is there twice")
        return given


def read(file: str | Path) -> Design:
    """The design that a YAML file says.

    Raises:
        RametError: InvalidValue or UnknownName of the first thing that is wrong, with its file, line and field.
    """
    place = Path(file).expanduser()
    lines = Lines(str(file), _text(place))
    try:
        found = _File.model_validate(lines.value)
    except ValidationError as error:
        raise _in_words(lines, error) from error
    control = found.control or next(iter(found.variants))
    if control not in found.variants:
        raise UnknownName(
            f"{lines.at('control')}: control is {control!r}, which is no variant", did_you_mean(control, found.variants)
        )
    design = Design(
        name=found.name,
        description=found.description.strip(),
        base=found.base,
        tasks=found.tasks,
        variants=tuple(_variant(lines, found, name, place.parent) for name in found.variants),
        control=control,
        seeds=found.seeds,
        metrics=found.metrics,
    )
    _check_budgets(lines, design)
    return design


def _variant(lines: Lines, found: _File, name: str, folder: Path) -> Variant:
    """A variant with its whole method; a method's file is looked for beside the experiment's."""
    given = found.variants[name]
    common = {**found.settings, **{f"budget.{field}": text for field, text in found.budget.items()}}
    try:
        method = load(_source(given.method, folder), {**common, **given.settings})
    except RametError as error:
        where = lines.at("variants", name)
        raise type(error)(f"{where}: variants.{name}: {error.problem}", error.remedy) from error
    return Variant(name=name, label=method.label, method=method.model_dump(mode="json"), budget=given.budget)


def _source(method: str, folder: Path) -> str | Path:
    file = Path(method).expanduser()
    return folder / file if file.suffix.lower() in (".yaml", ".yml") else method


def _check_budgets(lines: Lines, design: Design) -> None:
    """Make sure that all variants may train on as many examples, but for those that try just that."""
    same = {v.name: v.limits.examples for v in design.variants if v.budget == "same"}
    most = same.get(design.control, max(same.values(), default=0))
    other = next((name for name, examples in same.items() if examples != most), None)
    if other is not None:
        raise InvalidValue(
            f"{lines.at('variants', other)}: variants.{other} may train on {same[other]:,} examples a task, "
            f"{design.control} on {most:,}",
            "give all the same with `budget:`, or say `budget: own` of a variant if that is what is tried",
        )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidValue(f"cannot read {file}: {reason}", "name a YAML file") from error


def _in_words(lines: Lines, error: ValidationError) -> RametError:
    """The first thing that is wrong, as one line."""
    first = error.errors()[0]
    loc = [part for part in first["loc"] if part != "[key]"]
    where, field = lines.at(*loc), ".".join(map(str, loc)) or "the file"
    if first["type"] == "extra_forbidden":
        inner: dict[object, type[Frozen]] = {"variants": _Variant, "tasks": GivenTask}
        known = inner.get(loc[0], _File) if len(loc) > 1 else _File
        names = [info.alias or name for name, info in known.model_fields.items()]
        return UnknownName(f"{where}: an experiment has no field {field}", did_you_mean(str(loc[-1]), names))
    if first["type"] == "missing":
        return InvalidValue(f"{where}: {field} is missing", "docs/experiments.md tells what a file has")
    reason = first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return InvalidValue(f"{where}: {field}: {reason}", "docs/experiments.md tells what a file has")
