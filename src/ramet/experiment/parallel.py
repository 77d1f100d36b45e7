"""Trials side by side, each in a process of its own. What comes of one is read from the catalog."""

import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from ramet.base.errors import Busy, InvalidValue
from ramet.evolution.observer import Observer
from ramet.experiment.design import Design, Slot
from ramet.experiment.trial import Watch, carry_out
from ramet.store.catalog.experiments import Trial
from ramet.store.folder import open_store
from ramet.system import System

SECONDS = 0.5
"""Between two looks at how far the processes are."""

BUSY = 75
"""The exit status of a process that found another one at work on its trial (EX_TEMPFAIL)."""


def choose_jobs(jobs: int | None, device: str) -> int:
    """How many trials run at a time: as many as asked for; else one a GPU, and one on a CPU, which a training fills.

    Raises:
        InvalidValue: less than one is asked for.
    """
    if jobs is None:
        return max(1, _gpus(device))
    if jobs < 1:
        raise InvalidValue(f"jobs is {jobs}", "give at least 1")
    return jobs


def run_side_by_side(
    system: System, design: Design, todo: Sequence[Slot], jobs: int, device: str, watch: Watch
) -> list[Trial]:
    """Run trials, so many at a time; those that came to an end. None is left running when this call ends."""
    import torch

    devices = [f"cuda:{i}" for i in range(_gpus(device))] or [device]
    free = list(range(jobs))
    running: dict[int, tuple[SpawnProcess, _Work]] = {}
    ended: list[Trial] = []
    left = list(todo)
    try:
        while left or running:
            while left and free:
                job, slot = free.pop(0), left.pop(0)
                watch.started(slot)
                work = _Work(system.store.folder, design, slot, devices[job % len(devices)], torch.get_num_threads())
                running[job] = (_start(work), work)
            wait([process.sentinel for process, _ in running.values()], SECONDS)
            for job, (process, work) in list(running.items()):
                if not process.is_alive():
                    del running[job]
                    free.append(job)
                    trial = _result(system, work, process, watch)
                    ended += [trial] if trial else []
            _tell(system, design, watch)
    finally:
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            process.join()
    order = [slot.branch for slot in todo]
    return sorted(ended, key=lambda trial: order.index(trial.branch))


@dataclass(frozen=True)
class _Work:
    """What a process is started with. All have as many threads: the last bits of a sum depend on them."""

    folder: Path
    design: Design
    slot: Slot
    device: str
    threads: int


def _start(work: _Work) -> SpawnProcess:
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(work,), daemon=True)
    process.start()
    return process


def _run(work: _Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one, which ends it
    import torch

    torch.set_num_threads(work.threads)
    try:
        carry_out(System(open_store(work.folder)), work.design, work.slot, work.device, _Tied())
    except (Busy, KeyboardInterrupt) as stopped:
        raise SystemExit(BUSY if isinstance(stopped, Busy) else 130) from None


class _Tied(Observer):
    """Ends its process when the one that started it is gone."""

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Observer."""
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            raise KeyboardInterrupt


def _result(system: System, work: _Work, process: SpawnProcess, watch: Watch) -> Trial | None:
    """The trial of a process that has ended. One that died is on record as such."""
    slot = work.slot
    if process.exitcode == BUSY:
        watch.passed_over(slot, "another process works on it")
        return None
    if process.exitcode:
        problem = f"its process died (exit status {process.exitcode})"
        trial = system.experiments.end_trial(work.design.name, slot.variant, slot.seed, slot.branch, problem)
    else:
        trials = system.experiments.trials(work.design.name)
        trial = next(trial for trial in trials if (trial.variant, trial.seed) == (slot.variant, slot.seed))
    watch.ended(trial)
    return trial


def _tell(system: System, design: Design, watch: Watch) -> None:
    budgets = {variant.name: variant.limits for variant in design.variants}
    slots = list(design.slots())
    samples = [budgets[slot.variant].cycles * budgets[slot.variant].samples_per_cycle for slot in slots]
    made = system.experiments.count_children([slot.branch for slot in slots])
    watch.progressed(made, sum(samples) * len(design.tasks))


def _gpus(device: str) -> int:
    if device != "auto":
        return 0
    import torch

    return torch.cuda.device_count()
