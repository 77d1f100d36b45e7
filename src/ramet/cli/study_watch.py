"""What `ramet experiment run` and `ramet benchmark run` show: a line when a task is begun and one when it ends.

In between it shows what `ramet evolve` does; where branches run side by side, one bar for all.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ramet.base.progress import QUIET, Progress
from ramet.base.text import duration, percent
from ramet.cli.interrupt import stop_if_pressed
from ramet.cli.output import STOPPED, err, printable, say
from ramet.cli.progress import showing, watching
from ramet.evolution.observer import Clock, Observer
from ramet.store.catalog.experiments import Trial
from ramet.study.design import Slot
from ramet.study.run import Watch
from ramet.system import System


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
        self,
        system: System,
        total: int,
        observer: Observer,
        bar: Progress = QUIET,
        clock: Clock = time.monotonic,
    ) -> None:
        self._system = system
        self._total = total
        self._observer = observer
        self._bar = bar
        self._clock = clock
        self._began = clock()
        self._started = self._ended = 0
        self.passed = 0
        """Branches that other processes work on."""

    def started(self, slot: Slot, task: str) -> Observer:
        """See Watch."""
        self._started += 1
        _line(f"[{self._started}/{self._total}] {_named(slot, task)}")
        return self._observer

    def ended(self, slot: Slot, trial: Trial) -> None:
        """See Watch."""
        self._ended += 1
        spent = self._clock() - self._began
        left = duration(spent / self._ended * (self._total - self._ended))
        _line(f"{_named(slot, trial.task)}: {self._outcome(trial)}, {duration(spent)} elapsed, {left} left")

    def passed_over(self, slot: Slot, why: str) -> None:
        """See Watch."""
        self.passed += 1
        _line(f"{slot.branch}: passed over: {why}")

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Progress."""
        self._bar.advanced(what, done, total)

    def _outcome(self, trial: Trial) -> str:
        if trial.state != "done":
            return f"{trial.state.replace('-', ' ')}: {trial.problem.strip().rpartition(chr(10))[2]}"
        metrics = self._system.versions.published(trial.commit)[trial.task].metrics
        return f"validation {percent(metrics['quality'])}, test {percent(metrics['test_quality'])}"


class Asking(Observer):
    """Asks between steps whether Ctrl-C was pressed."""

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Progress."""
        stop_if_pressed()


@contextmanager
def watching_study(system: System, total: int, jobs: int) -> Iterator[Lines]:
    """Show how a study goes on while the block runs, and end it at Ctrl-C.

    Args:
        system: it runs on.
        total: tasks that are to be learned.
        jobs: branches at a time.
    """
    if jobs == 1:
        with watching(total) as observer:
            yield Lines(system, total, observer)
        return
    try:
        with showing() as bar:
            yield Lines(system, total, Asking(), bar)
    except KeyboardInterrupt as interrupt:
        say("stopped; the same command goes on")
        raise typer.Exit(STOPPED) from interrupt


def _named(slot: Slot, task: str) -> str:
    return f"{slot.variant}, seed {slot.seed}, {task}{', alone' if slot.alone else ''}"


def _line(text: str) -> None:
    """Print something to be read now and later, above what is redrawn."""
    err.print(printable(text), soft_wrap=True)
