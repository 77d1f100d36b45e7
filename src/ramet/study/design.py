"""What a study compares: its tasks, variants with their whole methods, seeds and measures."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from ramet.base.errors import InvalidValue
from ramet.method.document.schema import Budget, score_part
from ramet.method.protocols import Score

Measure = Literal[
    "score", "own_score", "quality", "test_quality", "accounted_params", "trained_params", "params", "flops",
    "training_flops", "examples", "children", "seconds",
]  # fmt: skip
"""What can be told of every variant and task."""

Judge = Literal["score", "quality", "test_quality"]

MEASURES: tuple[Measure, ...] = get_args(Measure)
TOLD: tuple[Measure, ...] = (
    "score", "quality", "test_quality", "accounted_params", "trained_params", "flops", "training_flops", "seconds",
)  # fmt: skip
"""What a report tells unless the file says what."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What an experiment may be called: it is part of branches' names."""

_TERMS = ("name", "base", "root", "scale", "settings", "tasks", "judge", "tolerant", "remeasure")
"""What decides the outcomes of a suite, and so stays as it is when variants or seeds are added."""


class Frozen(BaseModel):
    """A part of an experiment, or of its file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class GivenTask(Frozen):
    """A task that is there; or with its source, one that the experiment adds as `task add` does."""

    name: str
    source: str = ""
    max_side: int | None = None
    validation: float | None = None
    test: float | None = None
    skip_bad_images: bool = False
    options: Mapping[str, Any] = {}


class Variant(Frozen):
    """A whole method under the name that it has in the experiment.

    label is what tables call it, method_label the method's own. Variants of one family differ in one number, the point:
    the frontier draws a curve a family. budget `own`: that it may train more or less than the others is what is tried.
    alone: every task is also learned from the first commit, without the others.
    """

    name: str
    label: str
    family: str
    point: str
    method: Mapping[str, Any]
    method_label: str
    budget: Literal["same", "own"] = "same"
    alone: bool = False

    @property
    def limits(self) -> Budget:
        """Return how much a run on a task trains, as it is carried out."""
        return Budget.model_validate(self.method["budget"]).resolved()

    def score(self) -> Score:
        """Return what its paths are judged by.

        Raises:
            RametError: it is somebody else's, and its code is not here, or is not what it was.
        """
        return score_part(self.method)


class Slot(Frozen):
    """A variant with a seed, the branch that it has to itself, and the task if it learns only one, alone."""

    variant: str
    seed: int
    branch: str
    alone: str = ""


class Design(Frozen):
    """All that decides what a study does. One that was begun is never edited: a change is another experiment.

    base is the branch that all start from, control the variant that the others are compared with, judge the measure
    that the verdict is by. tolerant: a task without data, or that fails, is noted, and the next one is learned all the
    same. remeasure: after each task, the test accuracy of all is measured anew.

    Of a suite, root is what its system grows from, scale the part of its budget, settings those on top of the recipe,
    commands what was called; title, paper and expect are the recipe's words, and reported are published test
    accuracies, by task and by whose they are.
    """

    name: str
    title: str
    description: str
    base: str
    tasks: tuple[GivenTask, ...]
    variants: tuple[Variant, ...]
    control: str
    seeds: tuple[int, ...]
    metrics: tuple[Measure, ...]
    judge: Judge = "score"
    tolerant: bool = False
    remeasure: bool = False
    root: str = ""
    scale: float = 1.0
    settings: Mapping[str, str] = {}
    commands: tuple[str, ...] = ()
    paper: str = ""
    expect: str = ""
    reported: Mapping[str, Mapping[str, float]] = {}

    @property
    def task_names(self) -> tuple[str, ...]:
        """Return the tasks in the order in which they are learned."""
        return tuple(task.name for task in self.tasks)

    def variant(self, name: str) -> Variant:
        """Return the variant of a name."""
        return next(variant for variant in self.variants if variant.name == name)

    def slots(self) -> Iterator[Slot]:
        """Yield what is run, in this order: every variant with the first seed before any with the second."""
        for seed in self.seeds:
            for variant in self.variants:
                place = f"{self.name}/{plain(variant.name)}/{seed}"
                yield Slot(variant=variant.name, seed=seed, branch=place)
                # The first task of a suite is learned from its root anyway.
                for task in self.task_names[1 if self.root else 0 :] if variant.alone else ():
                    yield Slot(variant=variant.name, seed=seed, branch=f"{place}/alone/{task}", alone=task)

    def tasks_of(self, slot: Slot) -> tuple[str, ...]:
        """Return the tasks that a slot learns, in order."""
        return (slot.alone,) if slot.alone else self.task_names

    def added_to(self, before: "Design") -> "Design":
        """Return a suite's design that has the variants, seeds and commands of an earlier one too.

        Raises:
            InvalidValue: anything else differs.
        """
        for term in _TERMS:
            was, now = getattr(before, term), getattr(self, term)
            if was != now:
                raise InvalidValue(
                    f"the results that are there were made with {term} {was}, not {now}",
                    "give the same, or name another folder by --output",
                )
        known = {variant.name: variant for variant in before.variants}
        for variant in self.variants:
            there = known.get(variant.name, variant)
            if there.method != variant.method:
                raise InvalidValue(
                    f"the results that are there were made with {there.method_label}, not {variant.method_label}",
                    "name another folder by --output",
                )
            known[variant.name] = variant.model_copy(update={"alone": there.alone or variant.alone})
        return self.model_copy(
            update={
                "variants": tuple(known.values()),
                "control": before.control,
                "seeds": tuple(sorted({*before.seeds, *self.seeds})),
                "commands": tuple(dict.fromkeys((*before.commands, *self.commands))),
            }
        )


def plain(name: str) -> str:
    """Return a variant's or task's name as part of a branch's or file's."""
    return name.replace("/", "+").replace(":", "-").replace(" ", "_")
