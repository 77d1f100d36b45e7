"""The figures of a report by name; those of differences, curves and µ are drawn here."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np

from ramet.base.text import difference
from ramet.report.style import INK, PAPER, looks, new_figure, short
from ramet.study import dots, frontier
from ramet.study.gather import climbed
from ramet.study.record import Record
from ramet.study.summary import COMPARED, Summary
from ramet.study.words import SHOWN

COLUMNS = 4
POINTS = 200
"""Where means of curves are taken."""


def differences(summary: Summary) -> Any:
    """Draw a panel a measure: the mean difference of every variant with its interval, and that of every task."""
    variants = [variant for variant in summary.variants if variant.differences]
    figure = new_figure(9, 1.0 + 0.5 * len(variants))
    panels = figure.subplots(1, len(COMPARED), sharey=True, squeeze=False)[0]
    for axes, measure in zip(panels, COMPARED, strict=True):
        axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
        for place, variant in enumerate(variants):
            colour, marker = _looks(summary)[variant.name]
            rows = [result.differences[measure].mean for result in variant.tasks.values() if result.differences]
            axes.plot(rows, [place + 0.22] * len(rows), "|", color=colour, alpha=0.7, markersize=6)
            found = variant.differences[measure]
            if found.over_seeds is not None:
                axes.plot([found.over_seeds.low, found.over_seeds.high], [place, place], color=colour, linewidth=0.7)
            if found.low is not None and found.high is not None:
                axes.plot([found.low, found.high], [place, place], color=colour, linewidth=1.8)
            axes.plot(found.mean, place, marker, color=colour, markersize=7, markeredgecolor=PAPER)
        decides = measure != "test_quality" or summary.design.judge == "test_quality"
        axes.set_title(SHOWN[measure][0] + ("" if decides else " (decides nothing)"))
        axes.set_yticks(range(len(variants)), [variant.label for variant in variants])
        axes.set_ylim(len(variants) - 0.4, -0.6)
        axes.margins(x=0.12)
        axes.locator_params(axis="x", nbins=4)
        axes.xaxis.set_major_formatter(lambda value, _: difference(value))
        axes.grid(True, axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return figure


def curves(summary: Summary) -> Any:
    """Draw a panel a task: the best score so far over training FLOPs, a line a variant and seed."""
    done = [(record, curve) for record in summary.done if (curve := curve_of(record))]
    tasks = [task for task in summary.design.task_names if any(record.task == task for record, _ in done)]
    columns = min(COLUMNS, len(tasks))
    rows = ceil(len(tasks) / columns)
    figure = new_figure(1.2 + 2.6 * columns, 0.9 + 2.0 * rows)
    figure.supxlabel("training FLOPs", fontsize=9.5)
    figure.supylabel("best score so far", fontsize=9.5)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[len(tasks) :]:
        axes.set_visible(False)
    lines: dict[str, Any] = {}
    for axes, task in zip(panels, tasks, strict=False):
        for variant in summary.variants:
            colour, _ = _looks(summary)[variant.name]
            found = [curve for record, curve in done if (record.variant, record.task) == (variant.name, task)]
            for curve in found if len(found) > 1 else ():
                axes.step(*zip(*curve, strict=True), where="post", color=colour, linewidth=0.8, alpha=0.35)
            if found:
                (lines[variant.label],) = axes.plot(*mean_curve(found), color=colour, linewidth=1.8)
        axes.set_title(task)
        axes.set_xlim(left=0)
        axes.grid(True)
        axes.locator_params(nbins=4)
        axes.xaxis.set_major_formatter(lambda value, _: short(value))
    figure.legend(lines.values(), lines.keys(), loc="outside upper left", frameon=False, ncols=5)
    return figure


def curve_of(record: Record) -> tuple[tuple[float, float], ...]:
    """Return what a run had spent by and by, and the best score so far."""
    return tuple(climbed((child.flops, child.score) for child in record.tried or ()))


def mean_curve(found: Sequence[Sequence[tuple[float, float]]]) -> tuple[Any, Any]:
    """Return the mean of curves that are constant between their points and stay where they end, once all have begun."""
    at = np.linspace(max(curve[0][0] for curve in found), max(curve[-1][0] for curve in found), POINTS)
    values = []
    for curve in found:
        spent, scores = (np.asarray(column) for column in zip(*curve, strict=True))
        values.append(scores[np.searchsorted(spent, at, side="right") - 1])
    return at, np.mean(values, axis=0)


def mu(summary: Summary) -> Any:
    """Draw every action's probability, from the start of the runs to the published paths."""
    learned = [variant for variant in summary.variants if variant.mu]
    actions = sorted({moved.action for variant in learned for moved in variant.mu})
    figure = new_figure(7.5, 0.9 + 0.2 * len(actions))
    axes = figure.add_subplot()
    for i, variant in enumerate(learned):
        colour, _ = _looks(summary)[variant.name]
        shift = (i - (len(learned) - 1) / 2) * 0.7 / max(1, len(learned))
        for moved in variant.mu:
            place = actions.index(moved.action) + shift
            axes.plot([moved.start, moved.end], [place, place], color=colour, linewidth=1.4)
            axes.plot(moved.start, place, "o", color=colour, markerfacecolor=PAPER, markersize=4)
            axes.plot(moved.end, place, "o", color=colour, markersize=4.5, label=variant.label)
    axes.set_yticks(range(len(actions)), actions)
    axes.set_ylim(len(actions) - 0.4, -0.6)
    axes.set_xlabel("probability")
    axes.grid(True)
    axes.tick_params(axis="y", length=0)
    named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(named.values(), named.keys(), loc="outside upper left", frameon=False, ncols=5)
    return figure


FIGURES: dict[str, Callable[[Summary], Any]] = {
    "differences": differences,
    "frontier-params": frontier.against_params,
    "frontier-flops": frontier.against_flops,
    "accuracy": dots.accuracy,
    "size": dots.size,
    "curves": curves,
    "mu": mu,
    "sharing": dots.sharing,
}


def _looks(summary: Summary) -> dict[str, tuple[str, str]]:
    return looks(variant.name for variant in summary.variants)
