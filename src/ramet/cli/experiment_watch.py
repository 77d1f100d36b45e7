"""What `ramet experiment run` shows: a line when a trial begins and one when it ends.

In between it shows what `ramet evolve` does; where trials run side by side, one bar for all.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from ramet.base.text import duration
from ramet.cli.output import STOPPED, err, say
from ramet.cli.progress import showing, watching
from ramet.evolution.observer import Observer
from ramet.experiment.design import Design, Slot
from ramet.experiment.trial import Watch
from ramet.store.catalog.experiments import Trial
from ramet.system import System
from ramet.system.lines import Clock


class Lines(Watch):
    """A line a trial.

    Args:
        trials: how many there are to run.
        observer: what trials that run one by one are told.
        bar: told how many of how many children are made, where they run side by side.
        clock: seconds.
    """

    def __init__(
        self, trials: int, observer: Observer, bar: Callable[[int, int], None], clock: Clock = time.monotonic
    ) -> None:
        self._trials = trials
        self._observer = observer
        self._bar = bar
        self._clock = clock
        self._began = clock()
        self._made: tuple[int, int, int] | None = None
        self._started = 0
        self.passed = 0
        """Trials that other processes work on."""

    def started(self, slot: Slot) -> Observer:
        """See Watch."""
        self._started += 1
        _line(f"[{self._started}/{self._trials}] {slot.variant}, seed {slot.seed}")
        return self._observer

    def ended(self, trial: Trial) -> None:
        """See Watch."""
        outcome = f"failed: {trial.problem.strip().rpartition(chr(10))[2]}" if trial.problem else "done"
        _line(f"{trial.variant}, seed {trial.seed}: {outcome}{self._times()}")

    def passed_over(self, slot: Slot, why: str) -> None:
        """See Watch."""
        self.passed += 1
        _line(f"{slot.variant}, seed {slot.seed}: passed over: {why}")

    def progressed(self, done: int, total: int) -> None:
        """See Watch."""
        first = done if self._made is None else self._made[0]
        self._made = (first, done, total)
        self._bar(done, total)

    def _times(self) -> str:
        """How long it takes, where no observer tells it."""
        if self._made is None:
            return ""
        first, done, total = self._made
        spent = self._clock() - self._began
        left = spent / (done - first) * (total - done) if done > first else None
        return f", {duration(spent)} elapsed, {duration(left)} left"


def _line(text: str) -> None:
    """Something to be read now and later, above what is redrawn."""
    err.print(text, soft_wrap=True)


@contextmanager
def watching_experiment(system: System, design: Design, jobs: int) -> Iterator[Lines]:
    """What is told of an experiment while the block runs; Ctrl-C ends it."""
    done = sum(not trial.problem for trial in system.experiments.trials(design.name))
    trials = len(list(design.slots())) - done
    if jobs == 1:
        with watching(trials * len(design.tasks)) as observer:
            yield Lines(trials, observer, lambda *_: None)
        return
    try:
        with showing() as steps:
            yield Lines(trials, Observer(), lambda done, total: steps.advanced("children", done, total))
    except KeyboardInterrupt as interrupt:
        say("stopped; the same command goes on")
        raise typer.Exit(STOPPED) from interrupt
