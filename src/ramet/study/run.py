"""Runs a study: every variant with every seed on a branch of its own, all from the same commit.

What ends is put on record, well or not; what was stopped is resumed by the same call. Nothing of it is published on the
base branch (see branches.merge). Several processes may make the same call: each passes over the branches that others
work on.
"""

import threading
import traceback
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ramet.base.errors import Busy, DataError, InvalidValue, RametError
from ramet.base.progress import Progress
from ramet.base.records import Child
from ramet.engine.contract import Engine
from ramet.evolution.observer import Observer
from ramet.store.catalog.experiments import Trial
from ramet.study.data import ensure_task
from ramet.study.design import Design, Slot
from ramet.study.record import State, machine, versions
from ramet.system import System


class Watch(Progress):
    """Is told how a study goes on; `advanced("children", ...)` counts those of all branches together."""

    def started(self, slot: Slot, task: str) -> Observer:
        """Take note that a task is about to be learned; return who is told how that goes on."""
        return Observer()

    def ended(self, slot: Slot, trial: Trial) -> None:
        """Take note of a task that is on record now."""

    def passed_over(self, slot: Slot, why: str) -> None:
        """Take note of a branch that another process works on."""


def run(
    system: System,
    design: Design,
    *,
    tasks: Collection[str] = (),
    data: Path | None = None,
    jobs: int | None = None,
    device: str = "auto",
    engine: Engine | None = None,
    watch: Watch | None = None,
) -> list[Trial]:
    """Run what of a study is not done yet; return the trials (tasks of a variant with a seed) that ended now.

    Args:
        system: on whatever branch.
        design: what is compared (see reading.read).
        tasks: some of its tasks; all by default.
        data: the folder that holds the images of tasks of the papers' list (see data.locate).
        jobs: branches at a time; by default one, or one a GPU where there are several.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; `auto` gives the workers the GPUs by turns.
        engine: where children of all branches are trained; by default in this process, or where jobs are more than
            one in as many worker processes.
        watch: told how it goes on.

    Raises:
        InvalidValue: there is an experiment of that name with another design, or it was dropped.
        RametError: a task is not there, or cannot be added; nothing was done then.
    """
    count = choose_jobs(jobs, device)
    begin(system, design, data)
    todo = waiting(system, design, tasks)
    wanted = frozenset(tasks or design.task_names)
    with ExitStack() as held:
        if engine is None and count > 1 and todo:
            engine = held.enter_context(system.engine(device=device, workers=min(count, len(todo))))
        made = {v.name: v.limits.cycles * v.limits.samples_per_cycle for v in design.variants}
        total = sum(made[slot.variant] * len(design.tasks_of(slot)) for slot in todo)
        work = _Work(system, design, wanted, data, engine, watch or Watch(), total)
        if count == 1:
            return [trial for slot in todo for trial in work.carry_out(slot, device)]
        pool = held.enter_context(ThreadPoolExecutor(count, "study"))
        futures = [pool.submit(work.carry_out, slot, device) for slot in todo]
        try:
            return [trial for future in futures for trial in future.result()]
        except BaseException:
            work.stopped.set()  # asked at every step, so that none goes on when this call has ended
            pool.shutdown(cancel_futures=True)
            raise


def choose_jobs(jobs: int | None, device: str) -> int:
    """Return how many branches run at a time: as many as asked for; else one a GPU, and one on a CPU.

    Raises:
        InvalidValue: less than one is asked for.
    """
    if jobs is not None:
        if jobs < 1:
            raise InvalidValue(f"jobs is {jobs}", "give at least 1")
        return jobs
    if device != "auto":
        return 1
    import torch

    return max(1, torch.cuda.device_count())


def begin(system: System, design: Design, data: Path | None = None) -> None:
    """Put a study on record, with its branches; its new tasks are added before, unless it is tolerant."""
    before = next((known for known in system.experiments.all() if known.name == design.name), None)
    instead_of = None
    if before is not None and design.root:
        design, instead_of = design.added_to(Design.model_validate(before.design)), before.design
    added = [] if before or design.tolerant else _add_tasks(system, design, data)
    try:
        branches = {
            slot.branch: system.versions.log(design.base)[-1].id if slot.alone else design.base
            for slot in design.slots()
        }
        system.experiments.begin(
            design.name, design.model_dump(mode="json"), base=design.base, branches=branches, instead_of=instead_of
        )
    except RametError:
        for name in added:
            system.tasks.remove(name)
        raise


def waiting(system: System, design: Design, tasks: Collection[str] = ()) -> list[Slot]:
    """Return the slots of which a task was not begun, or not ended, or ended badly.

    Raises:
        InvalidValue: there are some, and the branch of one was dropped.
    """
    done = {(trial.branch, trial.task) for trial in system.experiments.trials(design.name) if trial.state == "done"}
    todo = [
        slot
        for slot in design.slots()
        if any((slot.branch, task) not in done for task in design.tasks_of(slot) if not tasks or task in tasks)
    ]
    there = {branch.name for branch in system.versions.branches()}
    gone = next((slot.branch for slot in todo if slot.branch not in there), None)
    if gone is not None:
        raise InvalidValue(
            f"experiment {design.name!r} was dropped: there is no branch {gone!r}", "give a new one another name"
        )
    return todo


@dataclass
class _Work:
    """The state that all threads of a run have in common."""

    system: System
    design: Design
    tasks: frozenset[str]
    data: Path | None
    engine: Engine | None
    watch: Watch
    total: int
    made: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def carry_out(self, slot: Slot, device: str) -> list[Trial]:
        """Learn every task on a slot's branch, in order, but for those that are learned."""
        trials = self.system.experiments.trials(self.design.name)
        done = {trial.task for trial in trials if (trial.branch, trial.state) == (slot.branch, "done")}
        ended: list[Trial] = []
        try:
            with self.system.experiments.hold(slot.branch):
                for task in self.design.tasks_of(slot):
                    if task in done or task not in self.tasks:
                        continue
                    trial = self._learn(slot, task, device)
                    ended.append(trial)
                    with self.lock:
                        self.watch.ended(slot, trial)
                    if trial.state != "done" and not self.design.tolerant:
                        break  # the next task would start from another state than it does once this one is learned
        except Busy as error:
            with self.lock:
                self.watch.passed_over(slot, error.problem)
        return ended

    def _learn(self, slot: Slot, task: str, device: str) -> Trial:
        """Learn a task and put on record what came of it; what goes wrong is this trial's, and the others go on."""
        here = self.system.on(slot.branch)
        with self.lock:
            observer = _Counting(self, self.watch.started(slot, task))
        state: State = "done"
        problem = ""
        details: dict[str, Any] = {
            "machine": machine(), "versions": versions(), "date": datetime.now(UTC).date().isoformat(),
        }  # fmt: skip
        try:
            given = next(given for given in self.design.tasks if given.name == task)
            if self.design.tolerant:
                ensure_task(self.system, given, self.data)
            if any((agent.branch, agent.state) == (slot.branch, "done") for agent in here.runs(task)):
                observer.finished(task)
            else:
                method = self.design.variant(slot.variant).method
                here.evolve(task, method=method, seed=slot.seed, device=device, observer=observer, engine=self.engine)
            published = here.versions.published()
            if task not in published:
                state, problem = "failed", f"no child learned {task}"
            elif self.design.remeasure:
                known = [name for name in self.design.task_names if name in published]
                details["measured"] = {found.task: found.accuracy for found in here.evaluate(*known, device=device)}
        except Busy:
            raise
        except Exception as error:  # whatever it is, it is this trial's: the others go on
            state = "no-data" if isinstance(error, DataError) and self.design.tolerant else "failed"
            problem = str(error) if isinstance(error, RametError) else traceback.format_exc()
            if self.data is not None:  # as the user named it: records are there to be shared
                problem = problem.replace(str(self.data.absolute()), str(self.data))
        return self.system.experiments.end_trial(
            self.design.name, slot.branch, task, state=state, problem=problem, details=details
        )


class _Counting(Observer):
    """Passes on what it is told, counts children, and ends the work of a thread when the run was stopped."""

    def __init__(self, work: _Work, inner: Observer) -> None:
        self._work = work
        self._inner = inner
        for name in ("noted", "measured", "finished", "run_started", "generation_started", "cycle_finished"):
            setattr(self, name, getattr(inner, name))

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Progress."""
        if self._work.stopped.is_set():
            raise KeyboardInterrupt
        self._inner.advanced(what, done, total)

    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        """See Observer."""
        self._inner.generation_finished(children, best)
        with self._work.lock:
            self._work.made += len(children)
            self._work.watch.advanced("children", self._work.made, self._work.total)


def _add_tasks(system: System, design: Design, data: Path | None) -> list[str]:
    """Add the tasks that the design brings, all or none; the names of those added."""
    added: list[str] = []
    try:
        for given in design.tasks:
            if ensure_task(system, given, data):
                added.append(given.name)
    except RametError as error:
        for name in added:
            system.tasks.remove(name)
        raise type(error)(f"experiment {design.name!r}, tasks: {error.problem}", error.remedy) from error
    return added
