"""What an experiment compares: its tasks, variants with their whole methods, seeds and measures."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from ramet.method.document.assembly import score_part
from ramet.method.document.schema import Budget
from ramet.method.protocols import Score

Measure = Literal[
    "score", "own_score", "quality", "test_quality", "accounted_params", "trained_params", "params", "flops",
    "training_flops", "examples", "seconds",
]  # fmt: skip
"""What can be told of every variant and task."""

MEASURES: tuple[Measure, ...] = get_args(Measure)
TOLD: tuple[Measure, ...] = tuple(name for name in MEASURES if name not in ("own_score", "params", "examples"))
"""What a report tells unless the file says what."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What an experiment or a variant may be called: both are parts of branches' names."""


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
    """A whole method, with its label, under the name that it has in the experiment.

    budget `own`: that it may train more or less than the others is what is tried.
    """

    name: str
    label: str
    method: Mapping[str, Any]
    budget: Literal["same", "own"] = "same"

    @property
    def limits(self) -> Budget:
        """How much a run on a task trains, as it is carried out."""
        return Budget.model_validate(self.method["budget"]).resolved()

    def score(self) -> Score:
        """What its paths are judged by.

        Raises:
            RametError: it is of others, and its code is not here, or is not what it was.
        """
        return score_part(self.method)


class Slot(Frozen):
    """A variant with a seed, and the branch that it has to itself."""

    variant: str
    seed: int
    branch: str


class Design(Frozen):
    """All that decides what an experiment does. One that was begun is never edited: a change is another experiment.

    base is the branch that all start from, control the variant that the others are compared with.
    """

    name: str
    description: str
    base: str
    tasks: tuple[GivenTask, ...]
    variants: tuple[Variant, ...]
    control: str
    seeds: tuple[int, ...]
    metrics: tuple[Measure, ...]

    @property
    def task_names(self) -> tuple[str, ...]:
        """The tasks in the order in which they are learnt."""
        return tuple(task.name for task in self.tasks)

    def variant(self, name: str) -> Variant:
        """The variant of a name."""
        return next(variant for variant in self.variants if variant.name == name)

    def slots(self) -> Iterator[Slot]:
        """What is run, in this order: every variant with the first seed before any with the second."""
        for seed in self.seeds:
            for variant in self.variants:
                yield Slot(variant=variant.name, seed=seed, branch=f"{self.name}/{variant.name}/{seed}")
