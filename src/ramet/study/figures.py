"""The figures of a report by name. A variant has one colour and one marker in all of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from math import ceil, inf, sqrt
from typing import Any

import numpy as np

from ramet.base.extras import extra
from ramet.base.text import difference
from ramet.report.style import COLOURS, INK, MARKERS, PAPER, accuracy_axis, heat_map, new_figure, short
from ramet.study.design import Measure
from ramet.study.record import Record
from ramet.study.statistics import Estimate
from ramet.study.summary import COMPARED, Summary, VariantResult
from ramet.study.wording import SHOWN

MEAN = "mean of tasks"
DASHES = ("--", ":", "-.")
LEGEND = 4
"""Names side by side in a legend."""
NEAR = 8
"""Points of a frontier that are nearer (1/72 inch) have their numbers side by side."""
PALEST = 0.6
"""How near to white the last of a family may come."""
POINTS = 200
"""Where means of curves are taken."""


def looks(variants: Iterable[VariantResult]) -> dict[str, tuple[str, str]]:
    """Return the colour and marker of every variant by its name: those of its family, each member paler than before."""
    families: dict[str, list[str]] = {}
    for variant in variants:
        families.setdefault(variant.family, []).append(variant.name)
    return {
        name: (_paler(COLOURS[i % len(COLOURS)], PALEST * j / len(names)), MARKERS[i % len(MARKERS)])
        for i, names in enumerate(families.values())
        for j, name in enumerate(names)
    }


def _paler(colour: str, part: float) -> str:
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(one + part * (255 - one)):02x}" for one in parts)


def _differences(summary: Summary) -> Any:
    """Draw a panel a measure: the mean difference of every variant with its interval, and that of every task."""
    look = looks(summary.variants)
    variants = [variant for variant in summary.variants if variant.differences]
    figure = new_figure(9, 1.0 + 0.5 * len(variants))
    figure.get_layout_engine().set(w_pad=0.12)
    panels = figure.subplots(1, len(COMPARED), sharey=True, squeeze=False)[0]
    for axes, measure in zip(panels, COMPARED, strict=True):
        axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
        for place, variant in enumerate(variants):
            colour, marker = look[variant.name]
            means = [result.differences[measure].mean for result in variant.tasks.values() if result.differences]
            axes.plot(means, [place + 0.22] * len(means), "|", color=colour, alpha=0.7, markersize=6)
            found = variant.differences[measure]
            if found.over_seeds is not None:
                axes.plot([found.over_seeds.low, found.over_seeds.high], [place, place], color=colour, linewidth=0.7)
            if found.low is not None and found.high is not None:
                axes.plot([found.low, found.high], [place, place], color=colour, linewidth=1.8)
            axes.plot(found.mean, place, marker, color=colour, markersize=7, markeredgecolor=PAPER)
        decides = measure != "test_quality" or summary.design.judge == "test_quality"
        axes.set_title(SHOWN[measure][0] + ("" if decides else " (decides nothing)"))
        _rows(axes, [variant.label for variant in variants], grid="x")
        axes.margins(x=0.12)
        axes.locator_params(axis="x", nbins=4)
        axes.xaxis.set_major_formatter(lambda value, _: difference(value))
    return figure


def _frontier(summary: Summary, measure: Measure, title: str, *, log: bool) -> Any:
    """Draw quality against what it costs: a curve a family, and a number a variant, which the legend names."""
    figure = new_figure(9, 5.2)
    axes = figure.add_subplot()
    axes.set(xlabel=title, ylabel="test accuracy (mean over tasks)")
    axes.grid(True)
    look = looks(summary.variants)
    shown = [variant for variant in _by_family(summary) if variant.means]
    for family in summary.families:
        members = [variant for variant in shown if variant.family == family]
        points = sorted((v.means[measure].mean, v.means["test_quality"].mean) for v in members)
        if members:
            axes.plot(*zip(*points, strict=True), color=look[members[0].name][0], linewidth=1.4, alpha=0.6)
    for number, variant in enumerate(shown, start=1):
        (colour, marker), x, y = look[variant.name], variant.means[measure], variant.means["test_quality"]
        alone = [other.family for other in summary.variants].count(variant.family) == 1
        label = variant.label if alone else f"{variant.family}: {variant.point}"
        drawn = axes.errorbar(
            x.mean, y.mean, xerr=x.half, yerr=y.half, fmt=marker, color=colour, markersize=7, elinewidth=1,
            markeredgecolor=PAPER, markeredgewidth=0.8, label=f"{number}  {label}",
        )  # fmt: skip
        for bars in drawn.lines[2]:
            bars.set_alpha(0.45)
    _count_axis(axes, [variant.means[measure] for variant in shown], log=log)
    accuracy_axis(axes.yaxis, axes.get_ylim())
    numbers: dict[tuple[float, float], list[str]] = {}
    for number, variant in enumerate(shown, start=1):
        place = (variant.means[measure].mean, variant.means["test_quality"].mean)
        here = axes.transData.transform(place)
        near = (at for at in numbers if np.linalg.norm(axes.transData.transform(at) - here) < NEAR)
        numbers.setdefault(next(near, place), []).append(str(number))
    for place, found in numbers.items():
        axes.annotate(", ".join(found), place, (5, 4), textcoords="offset points", fontsize=8.5)
    markers = {drawn.get_label(): drawn.lines[0] for drawn in axes.containers}
    figure.legend(markers.values(), markers.keys(), loc="outside right upper", frameon=False)
    return figure


def _accuracy(summary: Summary) -> Any:
    """Draw test accuracy, with a line where papers report theirs."""
    figure, panels = _panels(summary, "test_quality", "test accuracy")
    names = dict.fromkeys(name for by_name in summary.design.reported.values() for name in by_name)
    dashes = {name: DASHES[i % len(DASHES)] for i, name in enumerate(names)}
    lines = {}
    for task, axes in panels.items():
        for name, value in summary.design.reported.get(task, {}).items():
            lines[f"{name}, reported"] = axes.axvline(value, color=INK, linewidth=0.9, linestyle=dashes[name], zorder=1)
        accuracy_axis(axes.xaxis, axes.get_xlim())
        axes.locator_params(axis="x", nbins=4)
    _legend(figure, lines)
    return figure


def _size(summary: Summary) -> Any:
    """Draw accounted parameters in the end."""
    figure, panels = _panels(summary, "accounted_params", "accounted parameters (logarithmic)")
    means = [found for v in summary.variants for found in (*(task.means for task in v.tasks.values()), v.means)]
    for axes in panels.values():
        _count_axis(axes, [found["accounted_params"] for found in means if found], log=True)
    return figure


def _panels(summary: Summary, measure: Measure, title: str) -> tuple[Any, dict[str, Any]]:
    """Draw a panel a task that anything was done of, and one of the mean: a dot a variant."""
    variants, look = _by_family(summary), looks(summary.variants)
    means = {task: [variant.tasks[task].means for variant in variants] for task in summary.design.task_names}
    means[MEAN] = [variant.means for variant in variants]
    shown = [task for task, found in means.items() if any(found)]
    figure, panels = _grid(shown, 0.5 + 0.17 * len(variants), title, sharey=True)
    for task, axes in panels.items():
        for place, (variant, found) in enumerate(zip(variants, means[task], strict=True)):
            if found:
                colour, marker = look[variant.name]
                axes.errorbar(
                    found[measure].mean, place, xerr=found[measure].half, fmt=marker, color=colour, markersize=5,
                    elinewidth=1.4, markeredgecolor=PAPER, markeredgewidth=0.5,
                )  # fmt: skip
        _rows(axes, [variant.label for variant in variants])
    return figure, panels


def _curves(summary: Summary) -> Any:
    """Draw a panel a task: the best score so far over training FLOPs, a line a variant and seed."""
    found: dict[str, dict[str, list[Any]]] = {task: {} for task in summary.design.task_names}
    for record in summary.done:
        if curve := curve_of(record):
            found[record.task].setdefault(record.variant, []).append(curve)
    shown = {task: by_variant for task, by_variant in found.items() if by_variant}
    figure, panels = _grid(list(shown), 2.0, "training FLOPs")
    figure.supylabel("best score so far", fontsize=9.5)
    look, lines = looks(summary.variants), {}
    for task, axes in panels.items():
        for variant in summary.variants:
            curves, colour = shown[task].get(variant.name, ()), look[variant.name][0]
            for curve in curves if len(curves) > 1 else ():
                axes.step(*zip(*curve, strict=True), where="post", color=colour, linewidth=0.8, alpha=0.35)
            if curves:
                (lines[variant.label],) = axes.plot(*mean_curve(curves), color=colour, linewidth=1.8)
        axes.set_xlim(left=0)
        axes.grid(True)
        axes.locator_params(nbins=4)
        axes.xaxis.set_major_formatter(lambda value, _: short(value))
    _legend(figure, lines)
    return figure


def curve_of(record: Record) -> tuple[tuple[float, float], ...]:
    """Return what a run had spent by and by, and the best score so far, from the first that there is."""
    children = record.tried or ()
    spent = accumulate(child.flops for child in children)
    best = accumulate((-inf if child.score is None else child.score for child in children), max)
    return tuple((cost, score) for cost, score in zip(spent, best, strict=True) if score > -inf)


def mean_curve(found: Sequence[Sequence[tuple[float, float]]]) -> tuple[Any, Any]:
    """Return the mean of curves that are constant between their points and stay where they end, once all have begun."""
    at = np.linspace(max(curve[0][0] for curve in found), max(curve[-1][0] for curve in found), POINTS)
    values = []
    for curve in found:
        spent, scores = (np.asarray(column) for column in zip(*curve, strict=True))
        values.append(scores[np.searchsorted(spent, at, side="right") - 1])
    return at, np.mean(values, axis=0)


def _mu(summary: Summary) -> Any:
    """Draw every action's probability, from the start of the runs to the published paths."""
    learned, look = [variant for variant in summary.variants if variant.mu], looks(summary.variants)
    actions = sorted({moved.action for variant in learned for moved in variant.mu})
    height = (0.15 + 0.05 * len(learned)) * len(actions)
    figure = new_figure(7.5, 1.0 + height + 0.2 * ceil(len(learned) / LEGEND))
    axes = figure.add_subplot()
    lines = {}
    for i, variant in enumerate(learned):
        colour, _ = look[variant.name]
        shift = (i - (len(learned) - 1) / 2) * 0.7 / len(learned)
        for moved in variant.mu:
            place = actions.index(moved.action) + shift
            axes.plot([moved.start, moved.end], [place, place], color=colour, linewidth=1.4)
            axes.plot(moved.start, place, "o", color=colour, markerfacecolor=PAPER, markersize=4)
            (lines[variant.label],) = axes.plot(moved.end, place, "o", color=colour, markersize=4.5)
    _rows(axes, actions)
    axes.spines["left"].set_visible(True)
    axes.set_xlabel("probability")
    _legend(figure, lines)
    return figure


def _sharing(summary: Summary) -> Any:
    """Draw the parameters that two tasks both hold."""
    shared = next(v.transfer.sharing for v in summary.variants if len(v.transfer.sharing.tasks) > 1)
    return heat_map(shared.tasks, [[value or 0.0 for value in row] for row in shared.rows])


FIGURES: Mapping[str, Callable[[Summary], Any]] = {
    "differences": _differences,
    "frontier-params": partial(
        _frontier, measure="accounted_params", title="accounted parameters a task (mean, logarithmic)", log=True
    ),
    "frontier-flops": partial(_frontier, measure="flops", title="FLOPs of an image (mean over tasks)", log=False),
    "accuracy": _accuracy,
    "size": _size,
    "curves": _curves,
    "mu": _mu,
    "sharing": _sharing,
}


def _by_family(summary: Summary) -> list[VariantResult]:
    """Return the variants, those of a family together."""
    return sorted(summary.variants, key=lambda variant: summary.families.index(variant.family))


def _grid(tasks: Sequence[str], height: float, title: str, *, sharey: bool = False) -> tuple[Any, dict[str, Any]]:
    """Return a figure of panels of that height in inches, and the panel of every task."""
    columns = min(4, ceil(sqrt(len(tasks))))
    rows = ceil(len(tasks) / columns)
    figure = new_figure(1.6 + 2.4 * columns, 0.85 + height * rows)
    figure.supxlabel(title, fontsize=9.5)
    figure.get_layout_engine().set(wspace=0.05)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=sharey).flat
    for axes, task in zip(panels, tasks, strict=False):
        axes.set_title(task)
    for axes in panels[len(tasks) :]:
        axes.set_visible(False)
    return figure, dict(zip(tasks, panels, strict=False))


def _rows(axes: Any, names: Sequence[str], grid: str = "both") -> None:
    """Make an axis of names, the first one above."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(True, axis=grid)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _legend(figure: Any, lines: Mapping[str, Any]) -> None:
    if lines:
        figure.legend(lines.values(), lines.keys(), loc="outside upper left", frameon=False, ncols=LEGEND)


def _count_axis(axes: Any, found: Sequence[Estimate], *, log: bool) -> None:
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
        axes.set_xlim(max(low - room, 0), high + room)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda value, _: short(value))
