"""The frontier plots: quality against size and against compute, a curve a family of methods, every point labelled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ramet.base.extras import extra
from ramet.report.style import INK, PAPER, accuracy_axis, looks, new_figure, short
from ramet.study.design import Measure
from ramet.study.labels import Box, Point, along, around, placed
from ramet.study.statistics import Estimate
from ramet.study.summary import Summary

FAR = 12
"""A label this far from its point (1/72 inch) gets a line to it."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A variant on the plot."""

    label: str
    x: Estimate
    y: Estimate


def against_params(summary: Summary) -> Any:
    """Draw mean test accuracy against mean accounted parameters a task."""
    return _frontier(summary, "accounted_params", "accounted parameters a task (mean, logarithmic)", log=True)


def against_flops(summary: Summary) -> Any:
    """Draw mean test accuracy against the mean FLOPs of an image."""
    return _frontier(summary, "flops", "FLOPs of an image (mean over tasks)", log=False)


def _frontier(summary: Summary, measure: Measure, title: str, *, log: bool) -> Any:
    figure = new_figure(8, 5.2)
    axes = figure.add_subplot()
    axes.set(xlabel=title, ylabel="test accuracy (mean over tasks)")
    axes.grid(True)
    curves = _curves(summary, measure)
    for family, look in looks(summary.families).items():
        _draw(axes, curves[family], *look)
    dots = [dot for curve in curves.values() for dot in curve]
    count_axis(axes, [dot.x for dot in dots], log=log)
    accuracy_axis(axes.yaxis, axes.get_ylim())
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    _label(figure, axes, list(curves.values()))
    return figure


def _curves(summary: Summary, measure: Measure) -> dict[str, list[Dot]]:
    """Return the dots of every family, from left to right; the best of several names the family."""
    curves: dict[str, list[Dot]] = {}
    for family in summary.families:
        members = [variant for variant in summary.variants if variant.family == family]
        found = [variant for variant in members if variant.means]
        best = max((variant.means["test_quality"].mean for variant in found), default=None)
        dots = []
        for variant in found:
            names_it = f"{family}: " if variant.means["test_quality"].mean == best else ""
            label = variant.label if len(members) == 1 else names_it + variant.point
            dots.append(Dot(label, variant.means[measure], variant.means["test_quality"]))
        curves[family] = sorted(dots, key=lambda dot: (dot.x.mean, dot.y.mean))
    return curves


def _draw(axes: Any, dots: Sequence[Dot], colour: str, marker: str) -> None:
    x, y = [dot.x.mean for dot in dots], [dot.y.mean for dot in dots]
    bars = {"xerr": [half(dot.x) for dot in dots], "yerr": [half(dot.y) for dot in dots]}
    axes.errorbar(x, y, **bars, fmt="none", ecolor=colour, elinewidth=1, alpha=0.45)
    axes.plot(x, y, color=colour, linewidth=1.6, alpha=0.8)
    axes.plot(x, y, marker, color=colour, markersize=7, markeredgecolor=PAPER, markeredgewidth=0.8)


def _label(figure: Any, axes: Any, curves: Sequence[Sequence[Dot]]) -> None:
    """Put every dot's text where nothing else is."""
    dots = [dot for curve in curves for dot in curve]
    points = [_at(axes, dot.x.mean, dot.y.mean) for dot in dots]
    sizes = [_extent(figure, dot.label) for dot in dots]
    edges = axes.get_window_extent()
    frame = Box(edges.x0 + 2, edges.y0 + 2, edges.x1 - 2, edges.y1)
    for dot, point, box in zip(dots, points, placed(points, sizes, list(_obstacles(axes, curves)), frame), strict=True):
        near = (min(max(point[0], box.left), box.right), min(max(point[1], box.low), box.high))
        far = (near[0] - point[0]) ** 2 + (near[1] - point[1]) ** 2 > FAR**2
        axes.annotate(
            dot.label,
            (dot.x.mean, dot.y.mean),
            (box.left - point[0], box.low - point[1]),
            textcoords="offset points",
            fontsize=8.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkB": 5} if far else None,
        )


def _obstacles(axes: Any, curves: Sequence[Sequence[Dot]]) -> Iterator[Box]:
    """Yield what no label may cover: markers, error bars and curves."""
    for curve in curves:
        points = [_at(axes, dot.x.mean, dot.y.mean) for dot in curve]
        yield from (around(point, 4) for point in points)
        for start, end in pairwise(points):
            yield from along(start, end)
        for dot in curve:
            low, high = (_at(axes, dot.x.mean, dot.y.mean + sign * half(dot.y)) for sign in (-1, 1))
            yield from along(low, high)
            left, right = (_at(axes, dot.x.mean + sign * half(dot.x), dot.y.mean) for sign in (-1, 1))
            yield from along(left, right)


def _at(axes: Any, x: float, y: float) -> Point:
    """Return where a value is on the figure (in 1/72 inch); what is left of a logarithmic axis is at its edge."""
    left, _ = axes.get_xlim()
    across, up = axes.transData.transform((max(x, left), y))
    return float(across), float(up)


def _extent(figure: Any, text: str) -> Point:
    """Return the width and height of a label."""
    probe = figure.text(0, 0, text, fontsize=8.5)
    box = probe.get_window_extent()
    probe.remove()
    return float(box.width), float(box.height)


def half(found: Estimate) -> float:
    """Return the length of an error bar."""
    return found.half or 0.0


def count_axis(axes: Any, found: Sequence[Estimate], *, log: bool) -> None:
    """Make an x axis for counts with their intervals: `200 k`, `1 M`. A logarithmic one has at least a range of 2."""
    ticker = extra("matplotlib.ticker", "report")
    low, high = min(e.low for e in found), max(e.high for e in found)
    if log:
        low = max(low, min(e.mean for e in found) / 2, 1)
        room = max(1.15, (2 * low / high) ** 0.5)
        axes.set_xscale("log")
        axes.set_xlim(low / room, high * room)
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=12))
        axes.xaxis.set_minor_locator(ticker.NullLocator())
    else:
        room = max(0.12 * (high - low), 0.05 * high)
        axes.set_xlim(low - room, high + room)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda value, _: short(value))
