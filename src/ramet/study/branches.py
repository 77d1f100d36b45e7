"""The branches of an experiment: how far each is, the best of their paths merged, and all of them dropped.

Test quality decides nothing: paths are compared by the control's score, on validation quality, in the base branch's
system without the tasks in question. What is there stays unless another path is better.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.records import Path
from ramet.base.text import did_you_mean
from ramet.evolution.merge import rank
from ramet.store.catalog.experiments import Experiment
from ramet.store.versions.commits import Moved
from ramet.store.versions.refs import current_branch
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


@dataclass(frozen=True, slots=True)
class Taken:
    """A task with its path after a merge and before; source is the branch it was taken from, None: it stayed."""

    task: str
    path: str | None
    score: float | None
    source: str | None
    before: str | None
    score_before: float | None


@dataclass(frozen=True, slots=True)
class ExperimentMerged:
    """The base branch's commit after a merge, a new one if any task's path was taken from a trial."""

    branch: str
    commit: str
    tasks: tuple[Taken, ...]

    @property
    def changed(self) -> bool:
        """Return whether there was anything to take."""
        return any(taken.source for taken in self.tasks)


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
        **design.model_dump(include={"name", "description", "base", "seeds", "control"}),
        commit=record.base,
        time=record.time,
        tasks=design.task_names,
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
            **slot.model_dump(),
            state="failed" if problems else "done" if all(trials) else "waiting",
            dropped=slot.branch not in there,
            children=system.experiments.count_children([slot.branch]),
            problem=problems[0] if problems else "",
        )


def merge(system: System, name: str, tasks: Sequence[str] = ()) -> ExperimentMerged:
    """Publish the best path of every task of an experiment on its base branch; where that is moved meanwhile, anew.

    Args:
        system: on whatever branch.
        name: the experiment.
        tasks: some of its tasks; all by default.

    Raises:
        UnknownName: there is no such experiment, or it has no such task.
        InvalidValue: no trial has ended, or their branches were dropped.
    """
    design = Design.model_validate(system.experiments.get(name).design)
    unknown = next((task for task in tasks if task not in design.task_names), None)
    if unknown is not None:
        raise UnknownName(f"experiment {name!r} has no task {unknown!r}", did_you_mean(unknown, design.task_names))
    wanted = [task for task in design.task_names if task in tasks or not tasks]
    commits = _commits(system, design)
    while True:
        head = system.versions.commit(design.base).id
        chosen = tuple(_best(system, design, wanted, head, commits))
        moved = {taken.task: str(taken.path) for taken in chosen if taken.source}
        if not moved:
            return ExperimentMerged(design.base, head, chosen)
        sources = [commit for branch, commit in commits.items() if any(taken.source == branch for taken in chosen)]
        methods = dict.fromkeys(path.method for path in system.paths([*moved.values()]))
        message = f"experiment {name}: {_told(chosen, name)}"
        try:
            commit = system.versions.gather(
                design.base, head, sources, moved, message=message, method="; ".join(methods)
            )
        except Moved:
            continue
        return ExperimentMerged(design.base, commit.id, chosen)


def _commits(system: System, design: Design) -> dict[str, str]:
    """Return where the trials that have ended left their branches, by branch."""
    ended = {trial.branch: trial.commit for trial in system.experiments.trials(design.name)}
    found = {slot.branch: ended[slot.branch] for slot in design.slots() if slot.branch in ended}
    if not found:
        raise InvalidValue(
            f"no trial of experiment {design.name!r} has ended", "run it first: `ramet experiment run FILE`"
        )
    if not found.keys() <= {branch.name for branch in system.versions.branches()}:
        raise InvalidValue(f"experiment {design.name!r} was dropped", "merge before you drop")
    return found


def _best(
    system: System, design: Design, tasks: Sequence[str], head: str, commits: Mapping[str, str]
) -> Iterator[Taken]:
    """Yield of every task the best of the base's path and those of the trials; the first of equal ones."""
    ours = system.versions.published(head)
    theirs = {branch: system.versions.published(commit) for branch, commit in commits.items()}
    world = system.versions.world(head, without=tasks)
    terms = design.variant(design.control).score()

    def scored(source: str | None, path: Path | None) -> tuple[str | None, str | None, float | None]:
        return (source, path.id, world.score(terms, path)) if path else (source, None, None)

    for task in tasks:
        found = [scored(None, ours.get(task))]
        found += [scored(branch, state[task]) for branch, state in theirs.items() if task in state]
        source, path, score = max(found, key=lambda one: rank(one[2]))
        yield Taken(task, path, score, source, *found[0][1:])


def _told(chosen: Sequence[Taken], name: str) -> str:
    """Return the tasks that were taken, by where from: `digits, greek from fixed/0; latin from learned/1`."""
    sources = {taken.task: taken.source.removeprefix(f"{name}/") for taken in chosen if taken.source}
    by_source = groupby(sorted(sources, key=sources.__getitem__), sources.__getitem__)
    return "; ".join(f"{', '.join(tasks)} from {source}" for source, tasks in by_source)


def drop(system: System, name: str) -> list[str]:
    """Forget the branches of an experiment, which are returned; its record stays, and what was merged.

    Raises:
        UnknownName: there is no such experiment.
        InvalidValue: the system or its folder is on one of them.
        Busy: a process works on one.
    """
    design = Design.model_validate(system.experiments.get(name).design)
    branches = [slot.branch for slot in design.slots()]
    on = (system.versions.branch, current_branch(system.store.folder))
    here = next((branch for branch in on if branch in branches), None)
    if here is not None:
        raise InvalidValue(
            f"the system is on branch {here!r}", f"go to another one first: `ramet switch {design.base}`"
        )
    return system.experiments.drop_branches(branches)
