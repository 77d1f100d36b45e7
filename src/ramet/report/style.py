"""How the figures of a report look: colours, fonts, axes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ramet.base.extras import extra
from ramet.base.text import count

INK, FAINT, PAPER = "#1c2024", "#d3d8de", "#fefefe"
"""Text and axes, grid lines, background. Nothing else has these colours: a page puts its own in their place."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7a7a7a")
MARKERS = "osD^vPXp"
"""The colour and marker of what is compared; the colours are told apart by the colour-blind too (Okabe and Ito)."""

LIGHT, DARK = "#ffffff", "#101214"
"""What is written on dark and on light fields."""

WRITTEN = 14
"""Up to so many rows the numbers of a heat map are written into it."""

STYLE = {
    "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.facecolor": PAPER, "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "grid.color": FAINT,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "axes.linewidth": 0.8,
    "axes.titlesize": 9.5, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.labelsize": 9.5,
    "font.family": "DejaVu Sans", "font.size": 9, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5,
    "grid.linewidth": 0.7, "figure.dpi": 72, "svg.hashsalt": "ramet", "svg.fonttype": "path",
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Make what is drawn within look like this, whatever a user set for other plots."""
    matplotlib = extra("matplotlib", "report")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def draw(figures: Mapping[str, Callable[[], Any]], folder: Path) -> None:
    """Write figures into a folder under their names, each as SVG and as PNG; equal ones give equal bytes."""
    for name, make in figures.items():
        with styled():
            figure = make()
            for suffix in FORMATS:
                save(figure, folder / f"{name}{suffix}")


FORMATS: Mapping[str, Mapping[str, Any]] = {
    ".svg": {"metadata": {"Date": None, "Creator": None}},
    ".png": {"metadata": {"Software": None}, "dpi": 160},
}
"""What a figure can be written as, by the end of the file's name, with what makes equal figures equal bytes."""


def save(figure: Any, file: Path) -> None:
    """Write a figure, within `styled`, as the end of the file's name says."""
    figure.savefig(file, **FORMATS[file.suffix])


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of that size in inches."""
    return extra("matplotlib.figure", "report").Figure(figsize=(width, height), layout="constrained")


def accuracy_axis(axis: Any, limits: tuple[float, float]) -> None:
    """Make an axis for accuracies, which end at 0 and at 1: `.85`, `.9`."""
    low, high = limits
    room = max(0.08 * (high - low), 0.01)
    axis.axes.set(**{f"{axis.axis_name}lim": (max(low - room, -0.01), min(high + room, 1.01))})
    axis.set_major_formatter(lambda value, _: f"{round(value, 6):g}".replace("0.", "."))


def heat_map(names: Sequence[str], values: Sequence[Sequence[float]]) -> Any:
    """Return the figure of a count for every two of the names, the first on the left and above."""
    most, side = max(map(max, values)), min(0.75, max(0.085, 9.5 / len(names)))
    room = 0.5 + 0.08 * max(map(len, names))
    barred = len(names) > WRITTEN
    figure = new_figure(room + side * len(names) + 0.8 * barred, room + side * len(names))
    axes = figure.add_subplot()
    mesh = axes.imshow(values, cmap="BuPu", vmin=0, vmax=most, interpolation="nearest")
    places, size = range(len(names)), 9 if len(names) <= 30 else 5.5
    axes.set_xticks(places, names, rotation=90, fontsize=size)
    axes.set_yticks(places, names, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if barred:
        bar = figure.colorbar(mesh, ax=axes, shrink=0.4, aspect=30)
        bar.ax.yaxis.set_major_formatter(lambda value, _: short(value))
        return figure
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            shade = LIGHT if value > 0.6 * most else DARK
            axes.text(j, i, short(value), ha="center", va="center", fontsize=7.5, color=shade)
    return figure


def short(value: float) -> str:
    """Return a round count without its idle digits: `2 M`."""
    number, _, unit = count(value).partition(" ")
    return f"{float(number):g} {unit}".strip()
