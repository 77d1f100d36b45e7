"""The figures of a report by name, and their files. Equal summaries give equal bytes."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ramet.benchmarks.report import dots, frontier
from ramet.benchmarks.report.style import styled
from ramet.benchmarks.report.summary import Summary

FIGURES: dict[str, Callable[[Summary], Any]] = {
    "frontier-params": frontier.against_params,
    "frontier-flops": frontier.against_flops,
    "accuracy": dots.accuracy,
    "size": dots.size,
    "sharing": dots.sharing,
}


def draw(summary: Summary, names: Iterable[str], folder: Path) -> None:
    """Write figures into a folder, each as SVG and as PNG."""
    for name in names:
        with styled():
            figure = FIGURES[name](summary)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
            figure.savefig(folder / f"{name}.png", metadata={"Software": None}, dpi=160)
