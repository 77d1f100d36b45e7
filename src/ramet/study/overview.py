"""Experiments at a glance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ramet.store.catalog.experiments import Experiment
from ramet.study.design import Design
from ramet.system import System


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """A branch of an experiment: `waiting` until its last task has ended; dropped: it is not there any more."""

    variant: str
    seed: int
    alone: str
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
    trials: tuple[SlotStatus, ...]

    @property
    def ended(self) -> int:
        """Return the number of branches that came to an end."""
        return sum(trial.state != "waiting" for trial in self.trials)

    @property
    def dropped(self) -> bool:
        """Return whether none of its branches is there."""
        return all(trial.dropped for trial in self.trials)


def overviews(system: System) -> list[Overview]:
    """Return all experiments, the oldest first."""
    return [_overview(system, record) for record in system.experiments.all()]


def overview(system: System, name: str) -> Overview:
    """Return the experiment of a name.

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
        methods={variant.name: variant.method_label for variant in design.variants},
        trials=tuple(_slots(system, design)),
    )


def _slots(system: System, design: Design) -> Iterator[SlotStatus]:
    ended = {(trial.branch, trial.task): trial for trial in system.experiments.trials(design.name)}
    there = {branch.name for branch in system.versions.branches()}
    for slot in design.slots():
        trials = [ended.get((slot.branch, task)) for task in design.tasks_of(slot)]
        problems = [trial.problem for trial in trials if trial and trial.state != "done"]
        yield SlotStatus(
            variant=slot.variant,
            seed=slot.seed,
            alone=slot.alone,
            branch=slot.branch,
            state="failed" if problems else "done" if all(trials) else "waiting",
            dropped=slot.branch not in there,
            children=system.experiments.count_children([slot.branch]),
            problem=problems[0] if problems else "",
        )
