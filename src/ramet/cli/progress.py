"""Shows how far long work is: pictures on a terminal; elsewhere lines, one at least every half minute.

All of it asks between steps whether Ctrl-C was pressed.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ramet.base.progress import Progress
from ramet.base.text import duration, plural
from ramet.cli.output import STOPPED, err, printable, say, stop_if_pressed
from ramet.evolution.observer import Lines, Watcher, short, shown_score

SILENCE = 30.0
"""Seconds after which a line says how far the work is."""
REFRESHES_PER_SECOND = 4
BAR_WIDTH = 28


class Steps(Progress):
    """A bar for each thing that is done; gone when the work ends."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._now: tuple[str, int, int] | None = None
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        left = (TextColumn("left"), TimeRemainingColumn())
        self.bars = Bars(
            *columns, *left, console=err, transient=True, redirect_stdout=False, disable=not err.is_terminal
        )
        self._bar = self.bars.add_task("", total=None, visible=False)

    def advanced(self, what: str, done: int, total: int) -> None:
        """See Progress."""
        stop_if_pressed()
        if self._now is None or self._now[0] != what:
            self.bars.reset(self._bar, description=printable(what), visible=True)
        self._now = (what, done, total)
        self.bars.update(self._bar, completed=done, total=total)

    def noted(self, text: str) -> None:
        """See Progress."""
        stop_if_pressed()
        say(f"note: {text}")

    def line(self) -> str:
        """Return how far the work is."""
        spent = f"{duration(time.monotonic() - self._began)} elapsed"
        if self._now is None:
            return f"starting, {spent}"
        what, done, total = self._now
        return f"{what}: {done:,} of {total:,}, {spent}"


@contextmanager
def showing() -> Iterator[Steps]:
    """Show how far the work of a block is."""
    steps = Steps()
    with steps.bars, _told(steps.line):
        yield steps


class Picture(Watcher):
    """A few lines at the bottom of a terminal, redrawn."""

    def __rich__(self) -> RenderableType:
        """Return the picture of now."""
        if self.plan is None:
            return Text(f"{self.doing} ... {self.times}")
        rows = Table.grid(padding=(0, 2, 0, 0))
        cycle = min(self.cycle + 1, self.plan.cycles)
        samples = f"{self.samples + self.cycle * self.plan.samples_per_cycle}/{self.total}"
        rows.add_row(
            "samples",
            _bar(self.done, self.total),
            f"{samples}, cycle {cycle}/{self.plan.cycles}, best {shown_score(self.best)}",
        )
        steps = (
            f"{plural(self.children, 'child', 'children')}, step {self.steps[0]}/{self.steps[1]}"
            if self.steps[1]
            else self.doing
        )
        rows.add_row("generation", _bar(*self.steps), steps)
        validation = " ".join(short(quality) for quality in self.qualities)
        return Group(Text(self.title, style="bold"), rows, Text(f"validation  {validation}"), Text(self.times))


@contextmanager
def watching(tasks: int, limit: float | None = None, again: str = "the same command goes on") -> Iterator[Watcher]:
    """Show an evolution of so many tasks while a block runs; where Ctrl-C ends it, say how it goes on."""
    with stopping(again):
        if err.is_terminal:
            picture = Picture(tasks, limit, line, ask=stop_if_pressed)
            with Live(
                get_renderable=picture.__rich__,
                console=err,
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
                redirect_stdout=False,
            ):
                yield picture
        else:
            lines = Lines(tasks, limit, line, ask=stop_if_pressed)
            with _told(lines.state):
                yield lines


@contextmanager
def stopping(again: str = "the same command goes on") -> Iterator[None]:
    """End the command where Ctrl-C ends a block, and say how it goes on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        say(f"stopped; {again}")
        raise typer.Exit(STOPPED) from interrupt


_written = 0.0
"""When the last line was written."""


def line(text: str) -> None:
    """Write something to be read now and later, above what is redrawn."""
    global _written
    _written = time.monotonic()
    err.print(printable(text), soft_wrap=True)


@contextmanager
def _told(state: Callable[[], str]) -> Iterator[None]:
    """Write the state of a block's work whenever nothing was written for a while, where no bar shows it."""
    if err.is_terminal:
        yield
        return
    over = threading.Event()

    def tell() -> None:
        global _written
        _written = time.monotonic()
        while not over.wait(max(0.01, _written + SILENCE - time.monotonic())):
            if time.monotonic() >= _written + SILENCE:
                line(state())

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=done, width=BAR_WIDTH)
