"""How an experiment's or a suite's file becomes a design: YAML, whose errors name the file, the line and the field."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, ValidationInfo, field_validator

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.base.text import did_you_mean
from ramet.base.yaml import Field as Place
from ramet.base.yaml import Yaml, read_yaml
from ramet.method.document.presets import load
from ramet.method.document.schema import Method
from ramet.study.design import NAME, TOLD, Design, Frozen, GivenTask, Judge, Measure, Variant, plain
from ramet.tasks.papers import members


def _texts(raw: Any) -> Any:
    """Return settings as `--set` has them: a value's YAML text."""
    if not isinstance(raw, Mapping):
        return raw
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in raw.items()}


Settings = Annotated[Mapping[str, str], BeforeValidator(_texts)]
Words = Annotated[str, StringConstraints(strip_whitespace=True)]
Name = Annotated[str, Field(pattern=NAME)]
VariantName = Annotated[str, Field(pattern=NAME.replace("._-", "._:-"))]
REMEDY = "docs/experiments.md tells what a file has"


class GivenVariant(Frozen):
    """A variant as a file names it; frontier: it is there for the frontier's curve, and only run when asked for."""

    method: str
    settings: Settings = Field(default={}, alias="set")
    budget: Literal["same", "own"] = "same"
    label: str = ""
    family: str = ""
    point: str = ""
    alone: bool = False
    frontier: bool = False


class Recipe(Frozen):
    """The fields of an experiment's or a suite's file (docs/experiments.md)."""

    name: Name
    title: str = ""
    description: Words = ""
    paper: Words = ""
    command: str = ""
    expect: Words = ""
    base: str = "main"
    root: str = ""
    configuration: str = ""
    tasks: tuple[GivenTask, ...] = Field(min_length=1)
    variants: dict[VariantName, GivenVariant] = Field(min_length=1)
    control: str = ""
    budget: Settings = Field(default={})
    settings: Settings = Field(default={}, alias="set")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    metrics: tuple[Measure, ...] = TOLD
    judge: Judge = "score"
    tolerant: bool = False
    remeasure: bool = False
    reported: Mapping[str, Mapping[str, float]] = {}

    @field_validator("tasks", mode="before")
    @classmethod
    def _there(cls, raw: Any) -> Any:
        """Take a task's name alone, and `papers: SUITE` for all that the papers' list has of one."""
        if isinstance(raw, Mapping) and set(raw) == {"papers"}:
            return [{"name": task.name, "source": f"papers:{task.name}"} for task in members(raw["papers"])]
        return [{"name": one} if isinstance(one, str) else one for one in raw] if isinstance(raw, list) else raw

    @field_validator("variants", mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        """Take the name of a variant's method alone."""
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

    @field_validator("variants")
    @classmethod
    def _apart(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if len({plain(name) for name in given}) < len(given):
            raise ValueError("two names would be the same as parts of a branch's name, where `:` is `-`")
        return given

    def method(self, given: GivenVariant, folder: Path, settings: Mapping[str, str]) -> Method:
        """Return the method of a variant; its file is looked for in the folder, and settings come last."""
        file = Path(given.method).expanduser()
        is_file = file.suffix.lower() in (".yaml", ".yml")
        size = f"@{self.configuration}" if self.configuration and "@" not in given.method and not is_file else ""
        common = {**self.settings, **{f"budget.{field}": text for field, text in self.budget.items()}}
        return load(folder / file if is_file else given.method + size, {**common, **given.settings, **settings})


def read(file: str | Path) -> Design:
    """Return the design that a YAML file says.

    Raises:
        RametError: InvalidValue or UnknownName of the first thing that is wrong, with its file, line and field.
    """
    file = Path(file).expanduser()
    text = read_yaml(file, "the experiment")
    recipe = recipe_of(text)
    if len(recipe.variants) < 2:
        raise InvalidValue(f"{text.at(['variants'])}: variants: there is one only", "give two that can be compared")
    control = recipe.control or next(iter(recipe.variants))
    if control not in recipe.variants:
        raise UnknownName(
            f"{text.at(['control'])}: control is {control!r}, which is no variant",
            did_you_mean(control, recipe.variants),
        )
    variants = {}
    for name, given in recipe.variants.items():
        try:
            variants[name] = variant_of(name, given, recipe.method(given, file.parent, {}))
        except RametError as error:
            where = text.at(_place(recipe, name, error.field))
            raise type(error)(f"{where}: variants.{name}: {error.problem}", error.remedy) from error
    design = design_of(recipe, variants, control=control)
    check_budgets(text, design)
    return design


def recipe_of(text: Yaml) -> Recipe:
    """Return what a file says, with every field checked.

    Raises:
        RametError: of the first thing that is wrong, with its file, line and field.
    """
    try:
        return Recipe.model_validate(text.value)
    except ValidationError as error:
        raise _in_words(text, error) from error


def design_of(recipe: Recipe, variants: Mapping[str, Variant], *, control: str = "", **given: Any) -> Design:
    """Return the design of a recipe with these variants; the control is the first one by default.

    given are fields of the design that are not as the file has them.
    """
    same = Recipe.model_fields.keys() & Design.model_fields.keys() - {"settings"}
    fields = {field: getattr(recipe, field) for field in same}
    fields["title"] = recipe.title or f"Experiment {recipe.name}"
    chosen = {"variants": tuple(variants.values()), "control": control or next(iter(variants))}
    return Design(**{**fields, **chosen, **given})


def variant_of(name: str, given: GivenVariant, method: Method) -> Variant:
    """Return a variant with its whole method."""
    label = given.label or name
    return Variant(
        name=name,
        label=label,
        family=given.family or label,
        point=given.point or label,
        method=method.model_dump(mode="json"),
        method_label=method.label,
        budget=given.budget,
        alone=given.alone,
    )


def check_budgets(text: Yaml, design: Design) -> None:
    """Make sure that all variants may train on as many examples, but for those that try just that.

    Raises:
        InvalidValue: they may not.
    """
    same = {v.name: v.limits.examples for v in design.variants if v.budget == "same"}
    most = same.get(design.control, max(same.values(), default=0))
    other = next((name for name, examples in same.items() if examples != most), None)
    if other is not None:
        raise InvalidValue(
            f"{text.at(['variants', other])}: variants.{other} may train on {same[other]:,} examples a task, "
            f"{design.control} on {most:,}",
            "give all the same with `budget:`, or say `budget: own` of a variant if that is what is tried",
        )


def _place(recipe: Recipe, variant: str, field: Place) -> Place:
    """Return where a field of an error of `load` stands in the file."""
    match field:
        case ["settings", str(key), *_] if key not in recipe.variants[variant].settings:
            return ("set", key) if key in recipe.settings else ("budget", key.removeprefix("budget."))
        case ["settings", *rest]:
            return ("variants", variant, "set", *rest)
        case _:
            return ("variants", variant, *field)


def _in_words(text: Yaml, error: ValidationError) -> RametError:
    """Return the first thing that is wrong, as one line."""
    first = error.errors()[0]
    field = [part for part in first["loc"] if part != "[key]"]
    where, name = text.at(field), ".".join(map(str, field)) or "the file"
    if first["type"] == "extra_forbidden":
        inner: dict[object, type[Frozen]] = {"variants": GivenVariant, "tasks": GivenTask}
        known = inner.get(field[0], Recipe) if len(field) > 1 else Recipe
        names = [info.alias or key for key, info in known.model_fields.items()]
        return UnknownName(f"{where}: an experiment has no field {name}", did_you_mean(str(field[-1]), names))
    if first["type"] == "missing":
        return InvalidValue(f"{where}: {name} is missing", REMEDY)
    reason = first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return InvalidValue(f"{where}: {name}: {reason}", REMEDY)
