"""Draws a story: a line a task of its quality, and size and compute after every commit, over bands of the methods.

Qualities are no means over the tasks: these fall when a harder task joins, and look as if something was forgotten.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ramet.base.extras import extra
from ramet.report.style import COLOURS, accuracy_axis, new_figure, short
from ramet.story.drawing import colours_of
from ramet.story.tell import Change, State, Story

SIZES: Mapping[str, Callable[[State], float | None]] = {
    "Parameters a task, shared ones divided": lambda state: state.accounted_params,
    "FLOPs of a task, mean": lambda state: state.flops,
    "Parameters of all tasks, each once": lambda state: state.params,
    "Tasks": lambda state: state.tasks,
}
QUALITIES: Mapping[str, Callable[[Change], float | None]] = {
    "Validation accuracy, a line a task": lambda change: change.quality,
    "Test accuracy, a line a task": lambda change: change.test_quality,
}

NAMED, NUMBERED = 24, 24
"""Methods or tasks that a legend has room for, and segments whose numbers have room above their bands."""

_THIN, _MORE, _MOST = 1.4, 1.4, 4.0
"""The last task's line in points, how much wider each one before it is, and the most that the first one is wider.

What is covered by a line is seen on both sides of it.
"""


def draw_curves(story: Story) -> Any:
    """Return the figure of a story that has a commit."""
    figure = new_figure(12.5, 6.0 + 0.16 * min(NAMED, max(len(story.changes) / 4, len(_looks(story)))))
    panels = figure.subplots(2, 3, sharex=True)
    _bands([*panels.flat], story)
    for axes, (title, measure) in zip(panels[:, 0], QUALITIES.items(), strict=True):
        axes.set_title(title, pad=14)
        _qualities(axes, story, measure)
    for axes, (title, size) in zip(panels[:, 1:].flat, SIZES.items(), strict=True):
        axes.set_title(title, pad=14)
        _size(axes, [size(state) for state in story.states])
    for axes in panels.flat:
        axes.grid(True, axis="y")
        axes.set_xlim(0.5, len(story.states) + 0.5)
        axes.xaxis.set_major_locator(_integers())
    for axes in panels[1]:
        axes.set_xlabel("commits")
    _legends(figure, story)
    return figure


def _integers() -> Any:
    return extra("matplotlib.ticker", "report").MaxNLocator(integer=True, steps=(1, 2, 5, 10), min_n_ticks=1)


def _qualities(axes: Any, story: Story, measure: Callable[[Change], float | None]) -> None:
    """Draw what a measure was of every task, from the commit that it came with to the one that took it out."""
    colours, end = colours_of([*story.changes]), len(story.states) + 0.5
    known = []
    for i, (task, changes) in enumerate(story.changes.items()):
        values = [_number(measure(change)) for change in changes]
        edges = [*(change.number - 0.5 for change in changes), end]
        after = len(story.changes) - 1 - i
        width = _THIN + after * min(_MORE, _MOST / max(len(story.changes) - 1, 1)) * (len(story.changes) <= NAMED)
        axes.stairs(values, edges, baseline=None, color=colours[task], linewidth=width)
        known += [value for value in values if value == value]
    low, high = min(known, default=0.0), max(known, default=1.0)
    accuracy_axis(axes.yaxis, (min(low, max(high - 0.1, 0.0)), high))


def _size(axes: Any, measured: Sequence[float | None]) -> None:
    """Draw a size of the system after every commit."""
    values = [_number(value) for value in measured]
    edges = [i + 0.5 for i in range(len(values) + 1)]
    axes.stairs(values, edges, baseline=None, color=COLOURS[0], linewidth=1.6)
    axes.set_ylim(0, 1.08 * max(value or 0 for value in measured) or 1)
    axes.yaxis.set_major_locator(_integers())
    axes.yaxis.set_major_formatter(lambda value, _: short(value))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _bands(panels: Sequence[Any], story: Story) -> None:
    """Draw a band a segment behind the curves, a colour a method."""
    looks = _looks(story)
    for number, (start, end, method) in enumerate(_spans(story), start=1):
        for axes in panels:
            axes.axvspan(start, end, color=looks[method], alpha=0.16, linewidth=0)
            if len(story.segments) <= NUMBERED:
                where = axes.get_xaxis_transform()
                axes.text((start + end) / 2, 1.01, number, ha="center", va="bottom", fontsize=8, transform=where)


def _spans(story: Story) -> Iterator[tuple[float, float, str]]:
    start = 0.5
    for segment in story.segments:
        yield start, start + segment.commits, segment.method
        start += segment.commits


def _looks(story: Story) -> dict[str, str]:
    methods = dict.fromkeys(segment.method for segment in story.segments)
    return {method: COLOURS[(i + 2) % len(COLOURS)] for i, method in enumerate(methods)}


def _legends(figure: Any, story: Story) -> None:
    """Say below the panels, where nothing is covered, which colours are which methods and tasks."""
    lines, patches = extra("matplotlib.lines", "report"), extra("matplotlib.patches", "report")
    colours = colours_of([*story.changes])
    tasks = [lines.Line2D([], [], color=colours[task], linewidth=2.5, label=task) for task in story.changes]
    methods = [patches.Patch(color=c, alpha=0.35, label=m or "no method") for m, c in _looks(story).items()]
    columns = max(1, min(4, int(8 / (0.5 + 0.075 * max(map(len, story.changes))))))
    for handles, title, place, across in ((methods, "Method", "left", 1), (tasks, "Task", "right", columns)):
        left = len(handles) - NAMED
        shown = handles if left <= 0 else [*handles[:NAMED], patches.Patch(alpha=0, label=f"and {left} more")]
        figure.legend(
            handles=shown, title=title, loc=f"outside lower {place}", ncols=across,
            alignment="left", frameon=False, fontsize=8.5,
        )  # fmt: skip
