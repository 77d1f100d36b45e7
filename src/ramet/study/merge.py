"""Merges what an experiment found: the best path of every task, published on the base branch by one commit.

Test quality decides nothing: paths are compared by the control's score, on validation quality, in the base branch's
system without the tasks in question. What is there stays unless another path is better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.records import Path
from ramet.base.text import did_you_mean
from ramet.evolution.merge import rank
from ramet.store.versions.commits import Moved
from ramet.store.versions.current import current_branch
from ramet.study.design import Design
from ramet.system import System


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
    wanted = _known(design, tasks)
    commits = _commits(system, design)
    while True:
        head = system.versions.commit(design.base).id
        chosen = tuple(_best(system, design, wanted, head, commits))
        moved = [taken for taken in chosen if taken.source]
        if not moved:
            return ExperimentMerged(design.base, head, chosen)
        sources = sorted({str(taken.source) for taken in moved}, key=list(commits).index)
        paths = system.paths([str(taken.path) for taken in moved])
        try:
            commit = system.versions.gather(
                design.base,
                head,
                [commits[source] for source in sources],
                {taken.task: taken.path for taken in moved},
                message=f"experiment {name}: {_told(moved, name)}",
                method="; ".join(dict.fromkeys(path.method for path in paths)),
            )
        except Moved:
            continue
        return ExperimentMerged(design.base, commit.id, chosen)


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


def _known(design: Design, tasks: Sequence[str]) -> tuple[str, ...]:
    for task in tasks:
        if task not in design.task_names:
            raise UnknownName(f"experiment {design.name!r} has no task {task!r}", did_you_mean(task, design.task_names))
    return tuple(task for task in design.task_names if task in tasks or not tasks)


def _commits(system: System, design: Design) -> dict[str, str]:
    """Return where the trials that have ended left their branches, by branch."""
    ended = {trial.branch: trial.commit for trial in system.experiments.trials(design.name)}
    there = {branch.name for branch in system.versions.branches()}
    found = {slot.branch: ended[slot.branch] for slot in design.slots() if slot.branch in ended}
    if not found:
        raise InvalidValue(
            f"no trial of experiment {design.name!r} has ended", "run it first: `ramet experiment run FILE`"
        )
    if not found.keys() <= there:
        raise InvalidValue(f"experiment {design.name!r} was dropped", "merge before you drop")
    return found


def _best(system: System, design: Design, tasks: Sequence[str], head: str, commits: dict[str, str]) -> list[Taken]:
    """Return of every task the best of the base's path and those of the trials; the first of equal ones."""
    ours = system.versions.published(head)
    theirs = {branch: system.versions.published(commit) for branch, commit in commits.items()}
    world = system.versions.world(head, without=tasks)
    terms = design.variant(design.control).score()

    def scored(source: str | None, path: Path | None) -> tuple[str | None, str | None, float | None]:
        return (source, path.id, world.score(terms, path)) if path else (source, None, None)

    chosen = []
    for task in tasks:
        found = [scored(None, ours.get(task))]
        found += [scored(branch, state[task]) for branch, state in theirs.items() if task in state]
        source, path, score = max(found, key=lambda one: rank(one[2]))
        chosen.append(Taken(task, path, score, source, *found[0][1:]))
    return chosen


def _told(moved: Sequence[Taken], name: str) -> str:
    """Return the tasks that were taken, by where from: `digits, greek from fixed/0; latin from learned/1`."""

    def source(taken: Taken) -> str:
        return str(taken.source).removeprefix(f"{name}/")

    return "; ".join(
        f"{', '.join(taken.task for taken in group)} from {where}"
        for where, group in groupby(sorted(moved, key=source), source)
    )
