"""What `ramet evolve` shows while it runs: a live picture on a terminal, a line a generation elsewhere."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ramet.base.interrupt import load_torch
from ramet.base.records import Child, Path
from ramet.base.text import NOTHING, duration, plural
from ramet.cli.output import STOPPED, err, percent, say
from ramet.evolution.observer import Observer, Plan

Clock = Callable[[], float]
REFRESHES_PER_SECOND = 4
BAR_WIDTH = 28


class Watcher(Observer):
    """Keeps count of an evolution of several tasks, one after the other.

    Args:
        tasks: how many there are.
        limit: the seconds that it may take.
        clock: seconds.
    """

    def __init__(self, tasks: int, limit: float | None, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._first_run = math.nan
        self._limit = math.inf if limit is None else limit
        self._tasks = tasks
        self._over = 0
        self._at_start = 0.0
        self._gained = 0.0
        self.plan: Plan | None = None
        self.cycle = 0
        self.samples = 0
        self.children = 0
        self.steps = (0, 0)
        self.qualities: Sequence[float] = ()
        self.best = math.nan
        self.doing = "starting"
        self.found: set[str] = set()
        """Tasks that got a new path."""

    def line(self, text: str) -> None:
        """Something to be read now and later."""
        err.print(text, soft_wrap=True)

    def warned(self, text: str) -> None:
        """See Observer."""
        self.line(f"note: {text}")

    def skipped(self, task: str) -> None:
        """See Observer."""
        self._over += 1
        self.line(f"{task}: was finished by this command before")

    def cached(self, done: int, total: int) -> None:
        """See Observer."""
        self.doing = f"decoding images, {done:,} of {total:,}"

    def run_started(self, plan: Plan) -> None:
        """See Observer."""
        if self.plan is None:
            self._first_run = self._clock()
        else:
            self._gained += self.fraction - self._at_start
            self._over += 1
        self.plan, self.cycle, self.samples = plan, plan.cycle, plan.samples_done
        self.children, self.steps, self.qualities, self.best = 0, (0, 0), (), math.nan
        self.doing = "starting"
        self._at_start = self.fraction
        resumed = f", from cycle {plan.cycle + 1}, sample {plan.samples_done + 1}" if self._at_start else ""
        budget = f"{plural(plan.cycles, 'cycle')} of {plural(plan.samples_per_cycle, 'sample')}"
        self.line(f"{self.title}: {plan.method}, {budget}{resumed}")

    def generation_started(self, cycle: int, samples_done: int, children: int, best: float) -> None:
        """See Observer."""
        self.cycle, self.samples, self.children, self.best = cycle, samples_done, children, best
        self.steps, self.qualities, self.doing = (0, 0), [math.nan] * children, "training"

    def trained(self, steps: int, total_steps: int, qualities: Sequence[float]) -> None:
        """See Observer."""
        self.steps, self.qualities = (steps, total_steps), tuple(qualities)

    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        """See Observer."""
        self.samples += len(children)
        self.children, self.steps, self.best = 0, (0, 0), best

    def tested(self, done: int, total: int) -> None:
        """See Observer."""
        self.doing = f"measuring test quality, {done:,} of {total:,}"

    def cycle_finished(self, cycle: int, best: Path | None, published: bool) -> None:
        """See Observer."""
        self.cycle, self.samples, self.doing = cycle + 1, 0, "publishing"
        if best is None:
            self.line(f"{self.task}: cycle {cycle + 1} found no path")
            return
        if published:
            self.found.add(self.task)
        metrics = best.metrics
        found = f"published {best.id}" if published else f"found none better than {best.id}"
        qualities = f"validation {percent(metrics['quality'])}, test {percent(metrics['test_quality'])}"
        self.line(f"{self.task}: cycle {cycle + 1} {found}: {qualities}")

    @property
    def task(self) -> str:
        """The task that is evolved now."""
        return self.plan.task if self.plan else ""

    @property
    def title(self) -> str:
        """The task, and which of the call's it is."""
        return self.task if self._tasks == 1 else f"{self.task} ({self._over + 1} of {self._tasks})"

    @property
    def done(self) -> float:
        """Samples that the run has made, the part of the generation included."""
        made = 0.0 if self.plan is None else float(self.cycle * self.plan.samples_per_cycle + self.samples)
        return made + self.children * (self.steps[0] / self.steps[1] if self.steps[1] else 0.0)

    @property
    def total(self) -> int:
        """Samples of the whole run."""
        return 0 if self.plan is None else self.plan.cycles * self.plan.samples_per_cycle

    @property
    def fraction(self) -> float:
        """How much of the run is done, from 0 to 1."""
        return self.done / self.total if self.total else 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self._clock() - self._began

    @property
    def left(self) -> float | None:
        """Seconds until the call is over, if all tasks take as long; None while too little is known."""
        gained = self._gained + self.fraction - self._at_start
        limit = self._limit - self.elapsed
        if gained <= 0:
            return max(0.0, limit) if math.isfinite(limit) else None
        return max(
            0.0, min(limit, (self._clock() - self._first_run) / gained * (self._tasks - self._over - self.fraction))
        )


class Lines(Watcher):
    """A line a generation, for files and pipes."""

    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        """See Observer."""
        qualities = " ".join(_short(child.path.metrics["quality"]) for child in children)
        super().generation_finished(children, best)
        assert self.plan is not None
        self.line(
            f"{self.title}: cycle {self.cycle + 1}/{self.plan.cycles}, {self.done:.0f}/{self.total} samples, "
            f"best score {_score(best)}, validation {qualities}, "
            f"{duration(self.elapsed)} elapsed, {duration(self.left)} left"
        )


class Picture(Watcher):
    """A few lines at the bottom of a terminal, redrawn."""

    def __rich__(self) -> RenderableType:
        """The picture of now."""
        times = f"{duration(self.elapsed)} elapsed, {duration(self.left)} left"
        if self.plan is None:
            return Text(f"{self.doing} ... {times}")
        rows = Table.grid(padding=(0, 2, 0, 0))
        cycle = min(self.cycle + 1, self.plan.cycles)
        samples = f"{self.samples + self.cycle * self.plan.samples_per_cycle}/{self.total}"
        rows.add_row(
            "samples",
            _bar(self.done, self.total),
            f"{samples}, cycle {cycle}/{self.plan.cycles}, best {_score(self.best)}",
        )
        steps = (
            f"{plural(self.children, 'child', 'children')}, step {self.steps[0]}/{self.steps[1]}"
            if self.steps[1]
            else self.doing
        )
        rows.add_row("generation", _bar(*self.steps), steps)
        validation = " ".join(_short(quality) for quality in self.qualities)
        return Group(Text(self.title, style="bold"), rows, Text(f"validation  {validation}"), Text(times))


@contextmanager
def watching(tasks: int, limit: float | None = None, again: str = "the same command goes on") -> Iterator[Watcher]:
    """An observer that shows an evolution of so many tasks while the block runs; Ctrl-C ends it, and says again."""
    try:
        if err.is_terminal:
            picture = Picture(tasks, limit)
            with Live(
                get_renderable=picture.__rich__,
                console=err,
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
                redirect_stdout=False,
            ):
                load_torch()
                yield picture
        else:
            load_torch()
            yield Lines(tasks, limit)
    except KeyboardInterrupt as interrupt:
        say(f"stopped; {again}")
        raise typer.Exit(STOPPED) from interrupt


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=done, width=BAR_WIDTH)


def _short(quality: float) -> str:
    """A quality in per cent without the sign."""
    return NOTHING if math.isnan(quality) else f"{100 * quality:.1f}"


def _score(score: float) -> str:
    return NOTHING if math.isnan(score) else f"{score:.3f}"
