"""Draws a story: what each commit left of quality, size and compute, over bands of the methods in force."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ramet.base.extras import extra
from ramet.report.style import COLOURS, accuracy_axis, new_figure, short
from ramet.story.tell import State, Story

Measure = Callable[[State], float | None]

SIZES: Mapping[str, Measure] = {
    "Parameters a task, shared ones divided": lambda state: state.accounted_params,
    "FLOPs of a task, mean": lambda state: state.flops,
    "Tasks": lambda state: state.tasks,
    "Parameters of all tasks, each once": lambda state: state.params,
}

NAMED, NUMBERED = 14, 24
"""Methods that the legend has room for, and segments whose numbers have room above their bands."""


def draw_curves(story: Story) -> Any:
    """The figure of a story that has a commit."""
    figure, locator = new_figure(12.5, 6.0), extra("matplotlib.ticker", "report").MaxNLocator
    *panels, corner = figure.subplots(2, 3, sharex=True).flat
    _quality(panels[0], story)
    for axes, (title, measure) in zip(panels[1:], SIZES.items(), strict=True):
        _curve(axes, story, measure, COLOURS[0])
        axes.set_title(title, pad=14)
        axes.set_ylim(0, 1.08 * max(measure(state) or 0 for state in story.states) or 1)
        axes.yaxis.set_major_locator(locator(integer=True, steps=(1, 2, 5, 10)))
        axes.yaxis.set_major_formatter(lambda value, _: short(value))
    for axes in panels[2:]:
        axes.set_xlabel("commits")
        axes.xaxis.set_major_locator(locator(integer=True, steps=(1, 2, 5, 10)))
        axes.tick_params(labelbottom=True)
    corner.axis("off")
    methods = _bands(panels, story)
    corner.legend(handles=methods, title="Method", alignment="left", loc="center left", frameon=False, fontsize=8.5)
    return figure


def _quality(axes: Any, story: Story) -> None:
    measures: Mapping[str, Measure] = {"validation": lambda s: s.quality, "test": lambda s: s.test_quality}
    for i, (name, measure) in enumerate(measures.items()):
        _curve(axes, story, measure, COLOURS[i], name)
    known = [value for state in story.states for measure in measures.values() if (value := measure(state)) is not None]
    axes.set_title("Quality, mean over the tasks", pad=14)
    accuracy_axis(axes.yaxis, (min(known, default=0.0), max(known, default=1.0)))
    axes.legend(frameon=False, fontsize=8)


def _curve(axes: Any, story: Story, measure: Measure, colour: str, name: str | None = None) -> None:
    """What a measure was after every commit, until the next one."""
    values = [float("nan") if (value := measure(state)) is None else value for state in story.states]
    marker = "o" if len(values) <= 60 else None
    axes.plot(range(1, len(values) + 1), values, drawstyle="steps-post", color=colour, label=name, marker=marker, ms=3)
    axes.grid(True, axis="y")
    axes.set_xlim(0.5, len(values) + 0.5)


def _bands(panels: list[Any], story: Story) -> list[Any]:
    """A band a segment behind the curves, a colour a method; what the legend says of them."""
    patches = extra("matplotlib.patches", "report")
    methods = list(dict.fromkeys(segment.method for segment in story.segments))
    looks = {method: COLOURS[(i + 2) % len(COLOURS)] for i, method in enumerate(methods)}
    for number, (start, end, method) in enumerate(_spans(story), start=1):
        for axes in panels:
            axes.axvspan(start, end, color=looks[method], alpha=0.16, linewidth=0)
            if len(story.segments) <= NUMBERED:
                where = axes.get_xaxis_transform()
                axes.text((start + end) / 2, 1.01, number, ha="center", va="bottom", fontsize=8, transform=where)
    named = [patches.Patch(color=looks[m], alpha=0.35, label=m or "no method") for m in methods[:NAMED]]
    left = len(methods) - len(named)
    return named + ([patches.Patch(alpha=0, label=f"and {left} more")] if left else [])


def _spans(story: Story) -> Iterator[tuple[float, float, str]]:
    start = 0.5
    for segment in story.segments:
        yield start, start + segment.commits, segment.method
        start += segment.commits
