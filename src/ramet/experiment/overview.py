"""Experiments at a glance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ramet.experiment.design import Design
from ramet.store.catalog.experiments import Experiment
from ramet.system import System


@dataclass(frozen=True, slots=True)
class TrialStatus:
    """A trial: `waiting` before its end, whether or not it was begun; dropped: its branch is not there any more."""

    variant: str
    seed: int
    branch: str
    state: Literal["waiting", "done", "failed"]
    dropped: bool
    children: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """An experiment and how far it is."""

    name: str
    description: str
    base: str
    commit: str
    time: str
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    control: str
    methods: dict[str, str]
    trials: tuple[TrialStatus, ...]

    @property
    def ended(self) -> int:
        """The number of trials that came to an end."""
        return sum(trial.state != "waiting" for trial in self.trials)

    @property
    def dropped(self) -> bool:
        """Whether none of its branches is there."""
        return all(trial.dropped for trial in self.trials)


def overviews(system: System) -> list[Overview]:
    """All experiments, the oldest first."""
    return [_overview(system, record) for record in system.experiments.all()]


def overview(system: System, name: str) -> Overview:
    """The experiment of a name.

    Raises:
        UnknownName: there is none.
    """
    return _overview(system, system.experiments.get(name))


def _overview(system: System, record: Experiment) -> Overview:
    design = Design.model_validate(record.design)
    return Overview(
        name=design.name,
        description=design.description,
        base=design.base,
        commit=record.base,
        time=record.time,
        tasks=design.task_names,
        seeds=design.seeds,
        control=design.control,
        methods={variant.name: variant.label for variant in design.variants},
        trials=tuple(_trials(system, design)),
    )


def _trials(system: System, design: Design) -> Iterator[TrialStatus]:
    problems = {trial.branch: trial.problem for trial in system.experiments.trials(design.name)}
    there = {branch.name for branch in system.versions.branches()}
    for slot in design.slots():
        problem = problems.get(slot.branch)
        yield TrialStatus(
            variant=slot.variant,
            seed=slot.seed,
            branch=slot.branch,
            state="waiting" if problem is None else "failed" if problem else "done",
            dropped=slot.branch not in there,
            children=system.experiments.count_children([slot.branch]),
            problem=problem or "",
        )
