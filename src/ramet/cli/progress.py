"""Progress bars on stderr, where it is a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ramet.cli.output import err


class Bar:
    """One bar: told how much of how much is done, of one thing or of several by name."""

    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._label = label
        self._task = progress.add_task(label, total=None)

    def __call__(self, done: int, total: int) -> None:
        """Done of total."""
        self._progress.update(self._task, completed=done, total=total)

    def named(self, name: str, done: int, total: int) -> None:
        """Done of total, of the thing of that name."""
        self._progress.update(self._task, completed=done, total=total, description=f"{self._label} {name}")


@contextmanager
def progress_bar(label: str) -> Iterator[Bar]:
    """A bar that is gone when the block ends."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns,
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        redirect_stdout=False,
        disable=not err.is_terminal,
    ) as progress:
        yield Bar(progress, label)
