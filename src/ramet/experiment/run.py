"""Runs an experiment: every variant with every seed on a branch of its own, all from the same commit.

What ends is put on record, well or not; what was stopped is resumed by the same call. Nothing of it is published on the
base branch (see merge.py).
"""

from collections.abc import Sequence

from ramet.base.errors import Busy, InvalidValue, RametError
from ramet.experiment.design import Design, GivenTask, Slot
from ramet.experiment.parallel import choose_jobs, run_side_by_side
from ramet.experiment.trial import Watch, carry_out
from ramet.store.catalog.experiments import Experiment, Trial
from ramet.system import System


def run(
    system: System, design: Design, *, jobs: int | None = None, device: str = "auto", watch: Watch | None = None
) -> list[Trial]:
    """Run what of an experiment is not done yet; the trials that came to an end now.

    Args:
        system: on whatever branch.
        design: what is compared (see reading.read).
        jobs: trials at a time, each in a process of its own. By default one, or one a GPU where there are several.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; `auto` gives the jobs the GPUs by turns.
        watch: told how it goes on.

    Raises:
        InvalidValue: there is an experiment of that name with another design, or it was dropped.
        RametError: a task is not there, or cannot be added; nothing was done then.
    """
    watch = watch or Watch()
    begin(system, design)
    todo = waiting(system, design)
    count = min(len(todo), choose_jobs(jobs, device))
    if count > 1:
        return run_side_by_side(system, design, todo, count, device, watch)
    trials = (_watched(system, design, slot, device, watch) for slot in todo)
    return [trial for trial in trials if trial is not None]


def begin(system: System, design: Design) -> Experiment:
    """Put an experiment on record, with its branches; its new tasks are added before."""
    known = {experiment.name for experiment in system.experiments.all()}
    added = [] if design.name in known else _add_tasks(system, design)
    try:
        branches = [slot.branch for slot in design.slots()]
        return system.experiments.begin(
            design.name, design.model_dump(mode="json"), base=design.base, branches=branches
        )
    except RametError:
        _remove_tasks(system, added)
        raise


def waiting(system: System, design: Design) -> list[Slot]:
    """What is not done: trials that were not begun, or not ended, or ended badly.

    Raises:
        InvalidValue: there are some, and the branch of one was dropped.
    """
    done = {(t.variant, t.seed) for t in system.experiments.trials(design.name) if not t.problem}
    todo = [slot for slot in design.slots() if (slot.variant, slot.seed) not in done]
    there = {branch.name for branch in system.versions.branches()}
    gone = next((slot.branch for slot in todo if slot.branch not in there), None)
    if gone is not None:
        raise InvalidValue(
            f"experiment {design.name!r} was dropped: there is no branch {gone!r}", "give a new one another name"
        )
    return todo


def _watched(system: System, design: Design, slot: Slot, device: str, watch: Watch) -> Trial | None:
    try:
        trial = carry_out(system, design, slot, device, watch.started(slot))
    except Busy as error:
        watch.passed_over(slot, error.problem)
        return None
    watch.ended(trial)
    return trial


def _add_tasks(system: System, design: Design) -> list[str]:
    """Add the tasks that the design brings, all or none; the names of those added."""
    there = {task.name: task for task in system.tasks}
    added: list[str] = []
    try:
        for given in design.tasks:
            if not given.source:
                system.tasks[given.name]
            elif given.name in there and there[given.name].source != given.source:
                raise InvalidValue(
                    f"there is a task {given.name!r} already, from {there[given.name].source}", "write its name alone"
                )
            elif given.name not in there:
                _add(system, given)
                added.append(given.name)
    except RametError as error:
        _remove_tasks(system, added)
        raise type(error)(f"experiment {design.name!r}, tasks: {error.problem}", error.remedy) from error
    return added


def _add(system: System, task: GivenTask) -> None:
    system.tasks.add(**task.model_dump(exclude={"options"}), **task.options)


def _remove_tasks(system: System, names: Sequence[str]) -> None:
    for name in names:
        system.tasks.remove(name)
