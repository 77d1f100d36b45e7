"""What `ramet experiment run` and `ramet benchmark run` do: they run a study, and show how it goes on.

A line tells when a task is begun, and one when it ends. In between it shows what `ramet evolve` does; where branches
run side by side, one bar for all.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from ramet.base.progress import QUIET, Progress
from ramet.base.text import duration, percent, plural
from ramet.cli.options import share_cores
from ramet.cli.output import last_line, say, stop_if_pressed
from ramet.cli.progress import line, showing, stopping, watching
from ramet.evolution.observer import Clock, Observer
from ramet.store.catalog.experiments import Trial
from ramet.study.design import Design, Slot
from ramet.study.run import Watch, choose_jobs, run
from ramet.system import System


def run_design(
    system: System,
    design: Design,
    *,
    tasks: Sequence[str] = (),
    data: Path | None = None,
    jobs: int | None = None,
    device: str = "auto",
) -> int:
    """Run what of a study is not done, showing how it goes on; return how many runs could not be done."""
    count = choose_jobs(jobs, device)
    share_cores(max(variant.limits.generation for variant in design.variants))  # alike for all that are compared
    done = {(trial.branch, trial.task) for trial in system.experiments.trials(design.name) if trial.state == "done"}
    every = [(slot.branch, task) for slot in design.slots() for task in design.tasks_of(slot)]
    left = sum(one not in done and (not tasks or one[1] in tasks) for one in every)
    with _watching(system, left, count) as watch:
        trials = run(system, design, tasks=tasks, data=data, jobs=count, device=device, watch=watch)
    if not trials and not watch.passed:
        say(f"{design.name} is done already")
    return sum(trial.state != "done" for trial in trials)


def end(failed: int) -> None:
    """End the command with exit code 1 where some runs could not be done."""
    if failed:
        say(f"{plural(failed, 'run')} could not be done: the report says why; the same command tries again")
        raise typer.Exit(1)


class Lines(Watch):
    """A line a task.

    Args:
        system: where what was found is looked up.
        total: how many tasks there are to learn.
        observer: who is told how a task is learned.
        bar: told how many children are made, where branches run side by side.
        clock: seconds.
    """

    def __init__(
        self, system: System, total: int, observer: Observer, bar: Progress = QUIET, clock: Clock = time.monotonic
    ) -> None:
        self._system, self._total, self._observer, self._bar, self._clock = system, total, observer, bar, clock
        self._began = clock()
        self._started = self._ended = 0
        self.passed = 0
        """Branches that other processes work on."""

    def started(self, slot: Slot, task: str) -> Observer:
        """See Watch."""
        self._started += 1
        line(f"[{self._started}/{self._total}] {_named(slot, task)}")
        return self._observer

    def ended(self, slot: Slot, trial: Trial) -> None:
        """See Watch."""
        self._ended += 1
        spent = self._clock() - self._began
        left = duration(spent / self._ended * (self._total - self._ended))
        line(f"{_named(slot, trial.task)}: {self._outcome(trial)}, {duration(spent)} elapsed, {left} left")

    def passed_over(self, slot: Slot, why: str) -> None:
        """See Watch."""
        self.passed += 1
        line(f"{slot.branch}: passed over: {why}")

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Progress."""
        self._bar.advanced(what, done, total)

    def _outcome(self, trial: Trial) -> str:
        if trial.state != "done":
            return f"{trial.state.replace('-', ' ')}: {last_line(trial.problem)}"
        metrics = self._system.versions.published(trial.commit)[trial.task].metrics
        return f"validation {percent(metrics['quality'])}, test {percent(metrics['test_quality'])}"


class Asking(Observer):
    """Asks between steps whether Ctrl-C was pressed."""

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Progress."""
        stop_if_pressed()


@contextmanager
def _watching(system: System, total: int, jobs: int) -> Iterator[Lines]:
    """Show how a study of so many tasks goes on while the block runs, and end it at Ctrl-C."""
    if jobs == 1:
        with watching(total) as observer:
            yield Lines(system, total, observer)
    else:
        with stopping(), showing() as bar:
            yield Lines(system, total, Asking(), bar)


def _named(slot: Slot, task: str) -> str:
    return f"{slot.variant}, seed {slot.seed}, {task}{', alone' if slot.alone else ''}"
