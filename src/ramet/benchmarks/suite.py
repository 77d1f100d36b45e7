"""A suite: tasks, methods and a budget that are compared, as a recipe file which also says what the papers found.

`--scale` shrinks a suite's budget on the same code path, down to what a laptop does in minutes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from math import sqrt
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.text import did_you_mean
from ramet.benchmarks.record import Variant
from ramet.method.document.presets import load
from ramet.method.document.schema import Method
from ramet.tasks.papers import entries, members

LEAST_BATCH = 64
LEAST_VALIDATION = 1000
CHILDREN_A_CYCLE = 4
"""What `--scale` leaves: smaller batches waste a CPU, smaller validations are noise, smaller cycles select nothing."""

PAPER = "µ2Net+ (ViT-L/16)"
"""Whose test accuracies the task catalog has."""

LARGE_SYSTEM = ("large-124", "vtab-full", "vtab-1k")
"""The suites of the catalog whose tasks were learnt in the system that those are of."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _texts(raw: Any) -> Any:
    """Settings as `--set` has them: a value's YAML text."""
    if not isinstance(raw, Mapping):
        return raw
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in raw.items()}


Settings = Annotated[Mapping[str, str], BeforeValidator(_texts)]


class SuiteTask(_Frozen):
    """A task of a suite: source is what `task add` takes, validation the fraction for a missing validation split."""

    name: str
    source: str
    validation: float | None = None


class SuiteMethod(_Frozen):
    """A method of a suite.

    Of a family with several points a curve is drawn; point says what differs. frontier: it is there for that curve, and
    only run when asked for. transfer: its tasks are also learnt alone, to see what the others gave them.
    """

    method: str
    name: str = ""
    label: str = ""
    family: str = ""
    point: str = ""
    settings: Settings = {}
    frontier: bool = False
    transfer: bool = False

    @property
    def id(self) -> str:
        """How records and `--methods` name it."""
        return self.name or self.method


class Suite(_Frozen):
    """A recipe. paper says what the papers did and command how to do it here; expect is what should come out.

    tasks are named one by one, or by the suite of the task catalog that has them. settings change every method;
    reported are published test accuracies, by task and method.
    """

    name: str
    title: str
    paper: str
    command: str
    expect: str
    root: str
    configuration: str
    catalog: str | None = None
    given: tuple[SuiteTask, ...] = Field(default=(), alias="tasks")
    settings: Settings = {}
    methods: tuple[SuiteMethod, ...]
    given_reported: Mapping[str, Mapping[str, float]] = Field(default={}, alias="reported")

    @property
    def reported(self) -> Mapping[str, Mapping[str, float]]:
        """Published test accuracies by task and by whose they are: the recipe's, and the task catalog's (µ2Net+)."""
        named = {task.name for task in self.tasks}
        papers = {t.name: t.reported_test_accuracy for t in entries().values() if t.name in named}
        catalog = {task: {PAPER: value} for task, value in papers.items() if value is not None}
        return {**catalog, **self.given_reported} if self.catalog in LARGE_SYSTEM else self.given_reported

    @property
    def tasks(self) -> tuple[SuiteTask, ...]:
        """All tasks, in the order in which they are learnt."""
        if self.catalog is None:
            return self.given
        return tuple(SuiteTask(name=t.name, source=f"papers:{t.name}") for t in members(self.catalog))


def names() -> list[str]:
    """The packaged suites."""
    return sorted(_files())


def suite(name: str) -> Suite:
    """The packaged suite of a name, or that of a YAML file.

    Raises:
        UnknownName: there is none.
        InvalidValue: the file is no recipe; the error names the field.
    """
    if name.endswith((".yaml", ".yml")):
        return _recipe(Path(name).name, _text(Path(name).expanduser()))
    if name not in _files():
        raise UnknownName(f"no suite is called {name!r}", did_you_mean(name, _files()))
    return _recipe(name, _files()[name])


def choose_methods(suite: Suite, wanted: Sequence[str]) -> list[SuiteMethod]:
    """The methods of those names; `core` are those that are not for the frontier alone (the default), `all` is all.

    A name that the suite does not list is taken as a method's (`adapters:16`), under the suite's configuration.

    Raises:
        UnknownName, InvalidValue: a name is neither.
    """
    listed = {method.id: method for method in suite.methods}
    chosen: dict[str, SuiteMethod] = {}
    for name in wanted or ("core",):
        if name in ("core", "all"):
            chosen |= {m.id: m for m in suite.methods if name == "all" or not m.frontier}
        elif name in listed:
            chosen[name] = listed[name]
        else:
            chosen[name] = _unlisted(suite, name, listed)
    return list(chosen.values())


def choose_tasks(suite: Suite, wanted: Sequence[str]) -> list[SuiteTask]:
    """The tasks of those names in the suite's order, or all.

    Raises:
        UnknownName: the suite has no task of a name.
    """
    known = {task.name: task for task in suite.tasks}
    for name in wanted:
        if name not in known:
            raise UnknownName(f"the suite {suite.name} has no task {name!r}", did_you_mean(name, known))
    return [task for name, task in known.items() if name in wanted or not wanted]


def resolved(suite: Suite, method: SuiteMethod, scale: float, settings: Mapping[str, str]) -> Method:
    """The method as the suite runs it: its configuration, the settings of suite, method and user, and the scale."""
    name = f"{method.method}@{suite.configuration}"
    changes = {**suite.settings, **method.settings}
    return load(name, {**changes, **shrunk(load(name, changes), scale), **settings})


def variant(method: SuiteMethod, resolved: Method) -> Variant:
    """How records name a method."""
    family = method.family or method.method.partition(":")[0]
    return Variant(
        method.id, method.label or method.id, family, method.point or method.label or method.id, resolved.label
    )


def shrunk(method: Method, scale: float) -> dict[str, str]:
    """The settings of a method at a part of its budget; none at 1.

    The number of children and the examples of each shrink alike, by the scale's square root; the batch with them, as a
    training of few examples in large batches would make hardly a step.

    Raises:
        InvalidValue: the scale is not over 0 and at most 1.
    """
    if not 0 < scale <= 1:
        raise InvalidValue(f"scale = {scale} is no part of the budget", "take a number over 0 and at most 1")
    if scale == 1:
        return {}
    part, budget = sqrt(scale), method.budget
    children = max(1, round(part * budget.cycles * budget.samples_per_cycle))
    cycles = max(1, min(budget.cycles, children // CHILDREN_A_CYCLE))
    batch = max(min(method.batch, LEAST_BATCH), round(part * method.batch))
    counts = {
        "budget.cycles": cycles,
        "budget.samples_per_cycle": max(1, round(children / cycles)),
        "budget.examples_per_validation": max(batch, round(part * budget.examples_per_validation)),
        "budget.validation_examples": _at_least(LEAST_VALIDATION, part, budget.validation_examples),
        "batch": batch,
    }
    return {key: str(count) for key, count in counts.items()}


def _at_least(least: int, part: float, count: int) -> int:
    return min(count, max(least, round(part * count)))


_METHOD = re.compile(r"[\w+-]+(:\d+)?")


def _unlisted(suite: Suite, name: str, listed: Mapping[str, SuiteMethod]) -> SuiteMethod:
    if not _METHOD.fullmatch(name):
        raise UnknownName(f"the suite {suite.name} has no method {name!r}", did_you_mean(name, listed))
    method = SuiteMethod(method=name)
    resolved(suite, method, 1.0, {})
    return method


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidValue(f"cannot read the suite {file}: {reason}", "name a YAML file or a packaged suite") from error


def _recipe(name: str, text: str) -> Suite:
    try:
        return Suite.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InvalidValue(f"{name} is no YAML: {error}".replace("\n", " "), "correct that line") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "it"
        raise InvalidValue(f"{name}: {field}: {first['msg']}", "docs/benchmarks.md tells what a recipe has") from error


@cache
def _files() -> dict[str, str]:
    """The packaged recipes' texts by name."""
    folder = resources.files("ramet.benchmarks") / "suites"
    found = (file for file in folder.iterdir() if file.name.endswith(".yaml"))
    return {file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8") for file in found}
