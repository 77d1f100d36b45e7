"""What a report of an experiment holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from ramet.experiment.design import Measure
from ramet.experiment.outcome import Outcome
from ramet.report.statistics import Estimate, Paired


@dataclass(frozen=True, slots=True)
class Row:
    """A variant on a task: how many seeds, means over them, and the differences to the control (none of its own)."""

    variant: str
    task: str
    seeds: tuple[int, ...]
    found: int
    means: Mapping[Measure, Estimate]
    differences: Mapping[Measure, Paired]


@dataclass(frozen=True, slots=True)
class Mutations:
    """A kind of action in all runs of a variant: how often it was drawn, and how often it is in a published path."""

    action: str
    drawn: int
    survived: int


@dataclass(frozen=True, slots=True)
class Movement:
    """The learned probability of an action: means at the start and in the end, over so many published paths."""

    action: str
    start: float
    end: float
    paths: int


@dataclass(frozen=True, slots=True)
class VariantReport:
    """A variant over all tasks and seeds.

    budget is how many examples a task it may train on. differences are over the (task, seed) pairs that the control has
    too, costs likewise as shares of the control's (-.1: a tenth less); verdict is what they say, in words. means are
    over all its outcomes.
    """

    name: str
    method: str
    budget: int
    means: Mapping[Measure, float]
    differences: Mapping[Measure, Paired]
    costs: Mapping[Measure, Paired]
    verdict: str
    mutations: tuple[Mutations, ...]
    mu: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A trial that is not done: why."""

    variant: str
    seed: int
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told of an experiment; the control is the first of the variants. warnings are sentences."""

    name: str
    description: str
    base: str
    commit: str
    time: str
    control: str
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    metrics: tuple[Measure, ...]
    variants: tuple[VariantReport, ...]
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    faults: tuple[Fault, ...]
    outcomes: tuple[Outcome, ...]
