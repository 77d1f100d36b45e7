"""Suites: packaged experiments of the papers' comparisons, each a recipe that brings its root.

`--scale` shrinks a suite's budget on the same code path, down to what a laptop does in minutes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import sqrt
from pathlib import Path

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.text import did_you_mean
from ramet.base.yaml import Yaml, read_yaml
from ramet.method.document.schema import Method
from ramet.study.design import Design
from ramet.study.reading import REMEDY, GivenVariant, Recipe, check_budgets, design_of, recipe_of, variant_of
from ramet.tasks.papers import entries

LEAST_BATCH = 64
LEAST_VALIDATION = 1000
CHILDREN_A_CYCLE = 4
"""What `--scale` leaves: smaller batches waste a CPU, smaller validations are noise, smaller cycles select nothing."""

PAPER = "µ2Net+ (ViT-L/16)"
"""Whose test accuracies the papers' list has."""

LARGE_SYSTEM = ("large-124", "vtab-full", "vtab-1k")
"""The suites whose tasks were learned in the system that those are of."""

_METHOD = re.compile(r"[\w+-]+(:\d+)?")


@dataclass(frozen=True)
class Suite:
    """A recipe with its text, for errors, and the folder that its methods' files are relative to."""

    recipe: Recipe
    text: Yaml
    folder: Path

    @property
    def task_names(self) -> tuple[str, ...]:
        """Return all tasks, in the order in which they are learned."""
        return tuple(task.name for task in self.recipe.tasks)

    @property
    def reported(self) -> Mapping[str, Mapping[str, float]]:
        """Return published test accuracies by task and by whose they are: the recipe's, and the papers' list's."""
        if self.recipe.name not in LARGE_SYSTEM:
            return self.recipe.reported
        known = {name: task.reported_test_accuracy for name, task in entries().items() if name in self.task_names}
        return {**{task: {PAPER: value} for task, value in known.items() if value is not None}, **self.recipe.reported}

    def method(self, given: GivenVariant, scale: float = 1.0, settings: Mapping[str, str] | None = None) -> Method:
        """Return a variant's method at a part of its budget; settings come last."""
        whole = self.recipe.method(given, self.folder, {})
        return self.recipe.method(given, self.folder, {**shrunk(whole, scale), **(settings or {})})

    def design(
        self,
        variants: Mapping[str, GivenVariant],
        *,
        seeds: int = 1,
        scale: float = 1.0,
        root: str | None = None,
        settings: Mapping[str, str] | None = None,
        alone: bool = True,
        command: str = "",
    ) -> Design:
        """Return what is run of the suite with some of its variants (see choose_variants), and seeds from 0.

        root is what the system grows from, the suite's by default; settings are on top of the recipe's, for all
        variants. Without alone, no task is learned alone, whatever the recipe says. command is what was called.

        Raises:
            RametError: the scale or a setting is not allowed.
        """
        whole = {
            name: variant_of(name, given, self.method(given, scale, settings)).model_copy(
                update={"alone": given.alone and alone}
            )
            for name, given in variants.items()
        }
        made = design_of(
            self.recipe,
            whole,
            seeds=tuple(range(seeds)),
            scale=scale,
            root=root or self.recipe.root,
            settings=dict(settings or {}),
            commands=(command,) if command else (),
            reported=self.reported,
        )
        check_budgets(self.text, made)
        return made


def names() -> list[str]:
    """Return the packaged suites."""
    return sorted(_files())


def suite(name: str) -> Suite:
    """Return the packaged suite of a name, or that of a YAML file.

    Raises:
        UnknownName: there is none.
        InvalidValue: the file is no recipe of a suite; the error names the field.
    """
    if name.endswith((".yaml", ".yml")):
        file = Path(name).expanduser()
        text, folder = read_yaml(file, "the suite"), file.parent
    elif name in _files():
        text, folder = Yaml(_files()[name], f"{name}.yaml"), Path()
    else:
        raise UnknownName(f"no suite is called {name!r}", did_you_mean(name, _files()))
    recipe = recipe_of(text)
    if not recipe.root:
        raise InvalidValue(f"{text.at([])}: root is missing: a suite says what its system grows from", REMEDY)
    return Suite(recipe, text, folder)


def choose_variants(suite: Suite, wanted: Sequence[str]) -> dict[str, GivenVariant]:
    """Return the variants of those names; `core` (the default) are those not for the frontier alone, `all` is all.

    A name that the suite does not list is taken as a method's (`adapters:16`), under the suite's configuration.

    Raises:
        UnknownName, InvalidValue: a name is neither.
    """
    listed = suite.recipe.variants
    chosen: dict[str, GivenVariant] = {}
    for name in wanted or ("core",):
        if name in ("core", "all"):
            chosen |= {key: given for key, given in listed.items() if name == "all" or not given.frontier}
        elif name in listed:
            chosen[name] = listed[name]
        elif _METHOD.fullmatch(name):
            chosen[name] = GivenVariant(method=name, family=name.partition(":")[0])
            suite.method(chosen[name])
        else:
            raise UnknownName(f"the suite {suite.recipe.name} has no method {name!r}", did_you_mean(name, listed))
    return chosen


def choose_tasks(suite: Suite, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the tasks of those names in the suite's order, or all.

    Raises:
        UnknownName: the suite has no task of a name.
    """
    chosen, names = tuple(wanted), suite.task_names
    unknown = next((name for name in chosen if name not in names), None)
    if unknown is not None:
        raise UnknownName(f"the suite {suite.recipe.name} has no task {unknown!r}", did_you_mean(unknown, names))
    return tuple(name for name in names if name in chosen or not chosen)


def shrunk(method: Method, scale: float) -> dict[str, str]:
    """Return the settings of a method at a part of its budget; none at 1.

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
    validation = min(budget.validation_examples, max(LEAST_VALIDATION, round(part * budget.validation_examples)))
    return {
        "budget.cycles": str(cycles),
        "budget.samples_per_cycle": str(max(1, round(children / cycles))),
        "budget.examples_per_validation": str(max(batch, round(part * budget.examples_per_validation))),
        "budget.validation_examples": str(validation),
        "batch": str(batch),
    }


@cache
def _files() -> dict[str, str]:
    """Return the packaged recipes' texts by name."""
    folder = resources.files("ramet.study") / "suites"
    found = (file for file in folder.iterdir() if file.name.endswith(".yaml"))
    return {file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8") for file in found}
