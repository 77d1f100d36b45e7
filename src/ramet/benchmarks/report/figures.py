"""The figures of a report by name."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from ramet.benchmarks.report import dots, frontier
from ramet.benchmarks.report.summary import Summary
from ramet.report import style

FIGURES: dict[str, Callable[[Summary], Any]] = {
    "frontier-params": frontier.against_params,
    "frontier-flops": frontier.against_flops,
    "accuracy": dots.accuracy,
    "size": dots.size,
    "sharing": dots.sharing,
}


def draw(summary: Summary, names: Iterable[str], folder: Path) -> None:
    """Write figures of a summary into a folder."""
    style.draw({name: partial(FIGURES[name], summary) for name in names}, folder)
