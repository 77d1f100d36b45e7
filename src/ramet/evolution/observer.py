"""What an evolution tells whoever watches it: how far it is, how long it will take, what came of it."""

import builtins
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ramet.base.progress import Progress
from ramet.base.records import Child, Path
from ramet.base.text import NOTHING, duration, percent, plural

Clock = Callable[[], float]

_DOING = {"decoding": "decoding images", "testing": "measuring test quality"}


@dataclass(frozen=True)
class Plan:
    """The size of what is under way: cycles and samples of a run, and how much of them is done already."""

    task: str
    method: str
    cycles: int
    samples_per_cycle: int
    cycle: int
    samples_done: int


class Observer(Progress):
    """Watches the runs of agents; every method does nothing unless overridden.

    What `advanced` names is "decoding" (images of a task), "training" (steps of the generation) or "testing" (images);
    what `measured` names is "child N" of the generation, by its validation accuracy.
    """

    def finished(self, task: str) -> None:
        """The task's last run came to its end by the same command, and nothing was asked for beyond it."""

    def run_started(self, plan: Plan) -> None:
        """A run starts, or resumes where it was stopped."""

    def generation_started(self, cycle: int, samples_done: int, children: int, best: float) -> None:
        """Children are about to be trained; best is the best score so far, NaN while there is none."""

    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        """A generation is on record."""

    def cycle_finished(self, cycle: int, best: Path | None, published: bool) -> None:
        """A cycle is over; its best path is published, unless it was before."""


class Watcher(Observer):
    """Keeps count of an evolution of several tasks, one after the other.

    Args:
        tasks: how many there are.
        limit: the seconds that it may take.
        write: is given each line that is to be read now and later.
        ask: is called between steps, and may raise to stop the work.
        clock: seconds.
    """

    plan: Plan | None = None
    cycle = samples = children = 0
    steps = (0, 0)
    best = math.nan
    doing = "starting"

    def __init__(
        self,
        tasks: int,
        limit: float | None,
        write: Callable[[str], None],
        ask: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.line = write
        self._ask = ask
        self._clock = clock
        self._began = clock()
        self._first_run = math.nan
        self._limit = math.inf if limit is None else limit
        self._tasks, self._over = tasks, 0
        self._at_start = self._gained = 0.0
        self.qualities: list[float] = []
        self.found: set[str] = set()
        """Tasks that got a new path."""
        self.let_be: list[str] = []
        """Tasks whose run was finished before."""

    def noted(self, text: str) -> None:
        """See Observer."""
        self.line(f"note: {text}")

    def finished(self, task: str) -> None:
        """See Observer."""
        self._over += 1
        self.let_be.append(task)
        self.line(f"{task}: was finished by this command before")

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Observer."""
        self._ask()
        if what == "training":
            self.steps = (done, total)
        else:
            self.doing = f"{_DOING.get(what, what)}, {done:,} of {total:,}"

    def measured(self, what: str, value: float) -> None:
        """See Observer."""
        child = int(what.rpartition(" ")[2])
        before = self.qualities[child]
        self.qualities[child] = value if math.isnan(before) else max(value, before)

    def run_started(self, plan: Plan) -> None:
        """See Observer."""
        if self.plan is None:
            self._first_run = self._clock()
        else:
            self._gained += self.fraction - self._at_start
            self._over += 1
        self.plan, self.cycle, self.samples = plan, plan.cycle, plan.samples_done
        self.children, self.steps, self.qualities, self.best = 0, (0, 0), [], math.nan
        self.doing = "starting"
        self._at_start = self.fraction
        resumed = f", from cycle {plan.cycle + 1}, sample {plan.samples_done + 1}" if self._at_start else ""
        budget = f"{plural(plan.cycles, 'cycle')} of {plural(plan.samples_per_cycle, 'sample')}"
        self.line(f"{self.title}: {plan.method} (# is the fingerprint of all its settings), {budget}{resumed}")

    def generation_started(self, cycle: int, samples_done: int, children: int, best: float) -> None:
        """See Observer."""
        self._ask()
        self.cycle, self.samples, self.children, self.best = cycle, samples_done, children, best
        self.steps, self.qualities, self.doing = (0, 0), [math.nan] * children, "training"

    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        """See Observer."""
        self.samples += len(children)
        self.children, self.steps, self.best = 0, (0, 0), best

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
        """The part of the run that is done, from 0 to 1."""
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
        pace = (self._clock() - self._first_run) / gained
        return max(0.0, min(limit, pace * (self._tasks - self._over - self.fraction)))

    @property
    def times(self) -> str:
        """The time that has gone, and that is left."""
        return f"{duration(self.elapsed)} elapsed, {duration(self.left)} left"


class Lines(Watcher):
    """A line a generation, for files and pipes."""

    def state(self) -> str:
        """Return how far it is in the middle of a generation."""
        doing = f"training {plural(self.children, 'child', 'children')}, step {self.steps[0]}/{self.steps[1]}"
        validation = f", validation {' '.join(map(short, self.qualities))}" if self.steps[1] else ""
        return (
            f"{self.title or 'evolution'}: {doing if self.steps[1] else self.doing}, "
            f"{self.done:.1f}/{self.total} samples{validation}, {self.times}"
        )

    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        """See Observer."""
        qualities = " ".join(short(child.path.metrics["quality"]) for child in children)
        number = plural(len(children), "child", "children")
        super().generation_finished(children, best)
        assert self.plan is not None
        self.line(
            f"{self.title}: cycle {self.cycle + 1}/{self.plan.cycles}, {self.done:.0f}/{self.total} samples, "
            f"best score {shown_score(best)}, validation of {number} {qualities} %, {self.times}"
        )


def default_observer(tasks: int, limit: float | None) -> Observer:
    """Return who tells an evolution that nobody else watches: lines on stderr, on a terminal and in a notebook."""
    if sys.stderr.isatty() or hasattr(builtins, "get_ipython"):
        return Lines(tasks, limit, lambda text: print(text, file=sys.stderr, flush=True))
    return Observer()


def short(quality: float) -> str:
    """Return a quality in per cent without the sign."""
    return NOTHING if math.isnan(quality) else f"{100 * quality:.1f}"


def shown_score(score: float) -> str:
    """Return a score in three digits."""
    return NOTHING if math.isnan(score) else f"{score:.3f}"
