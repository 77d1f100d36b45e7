"""One trial: a variant with a seed learns every task on its branch. What ends is put on record, well or not."""

import traceback
from collections.abc import Sequence

from ramet.base.errors import Busy, RametError
from ramet.evolution.observer import Observer
from ramet.experiment.design import Design, Slot
from ramet.store.catalog.experiments import Trial
from ramet.system import System


class Watch:
    """Is told how an experiment goes on. Every method does nothing unless overridden."""

    def started(self, slot: Slot) -> Observer:
        """A trial begins or goes on; what comes of it is told the observer (nothing, where trials run side by side)."""
        return Observer()

    def ended(self, trial: Trial) -> None:
        """A trial is on record."""

    def passed_over(self, slot: Slot, why: str) -> None:
        """Another process works on a trial."""

    def progressed(self, done: int, total: int) -> None:
        """Of all children that are to be made, so many are; told where trials run side by side."""


def carry_out(system: System, design: Design, slot: Slot, device: str, observer: Observer) -> Trial:
    """Learn every task on a trial's branch, in order, but for those that are learnt; what goes wrong goes on record.

    Raises:
        Busy: another process works on it.
    """
    here, method = System(system.store, slot.branch), design.variant(slot.variant).method
    problem = ""
    try:
        for task in design.task_names:
            if _is_learnt(here, task):
                observer.skipped(task)
            else:
                here.evolve(task, method=method, seed=slot.seed, device=device, observer=observer)
        problem = "; ".join(_nothing_learnt(here, design.task_names))
    except Busy:
        raise
    except Exception as error:  # whatever it is, it is this trial's: the others go on
        problem = str(error) if isinstance(error, RametError) else traceback.format_exc()
    return system.catalog.experiments.end_trial(design.name, slot.variant, slot.seed, slot.branch, problem)


def _is_learnt(here: System, task: str) -> bool:
    return any(agent.state == "done" for agent in here.catalog.agents.all(task, branch=here.branch))


def _nothing_learnt(here: System, tasks: Sequence[str]) -> list[str]:
    published = here.catalog.versions.published(here.branch)
    return [f"no child learnt {task}" for task in tasks if task not in published]
