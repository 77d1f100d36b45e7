"""Dot plots: a measure of every variant on every task, with its interval; and the heat map of what tasks share."""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from typing import Any

from ramet.report.style import INK, PAPER, accuracy_axis, looks, new_figure, short
from ramet.study.design import Measure
from ramet.study.frontier import count_axis, half
from ramet.study.statistics import Estimate
from ramet.study.summary import Summary, VariantResult

MEAN = "mean of tasks"
DASHES = ("--", ":", "-.")
MATRIX = 24
"""Tasks whose shared parameters are written into the cells; of more, a bar tells what the colours mean."""

LIGHT, DARK = "#f7fbff", "#08306b"


def accuracy(summary: Summary) -> Any:
    """Draw test accuracy, with a line where papers report theirs."""
    figure, panels = _panels(summary, "test_quality", "test accuracy")
    names = dict.fromkeys(name for by_name in summary.design.reported.values() for name in by_name)
    dashes = {name: DASHES[i % len(DASHES)] for i, name in enumerate(names)}
    lines = {}
    for task, axes in panels.items():
        for name, value in summary.design.reported.get(task, {}).items():
            lines[name] = axes.axvline(value, color=INK, linewidth=0.9, linestyle=dashes[name], zorder=1)
        accuracy_axis(axes.xaxis, axes.get_xlim())
        axes.locator_params(axis="x", nbins=4)
    if lines:
        labels = [f"{name}, reported" for name in lines]
        figure.legend(lines.values(), labels, loc="outside upper left", frameon=False, fontsize=8.5, ncols=4)
    return figure


def size(summary: Summary) -> Any:
    """Draw accounted parameters in the end."""
    figure, panels = _panels(summary, "accounted_params", "accounted parameters (logarithmic)")
    found = [
        means["accounted_params"]
        for variant in summary.variants
        for means in (*(task.means for task in variant.tasks.values()), variant.means)
        if means
    ]
    for axes in panels.values():
        count_axis(axes, found, log=True)
    return figure


def sharing(summary: Summary) -> Any:
    """Draw the parameters that two tasks both hold."""
    shared = next(v.transfer.sharing for v in summary.variants if len(v.transfer.sharing.tasks) > 1)
    tasks = shared.tasks
    values = [[value or 0.0 for value in row] for row in shared.rows]
    names = 0.07 * max(map(len, tasks))
    figure = new_figure(0.4 + names + 0.62 * len(tasks), 0.2 + 0.7 * names + 0.5 * len(tasks))
    axes = figure.add_subplot()
    mesh = axes.pcolormesh(values, cmap="Blues", vmin=0, edgecolors=PAPER, linewidth=1.5)
    where = [i + 0.5 for i in range(len(tasks))]
    axes.set_xticks(where, tasks, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(where, tasks)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(tasks) <= MATRIX:
        _write_cells(axes, values)
    else:
        bar = figure.colorbar(mesh, ax=axes, shrink=0.5)
        bar.ax.yaxis.set_major_formatter(lambda value, _: short(value))
    return figure


def _write_cells(axes: Any, values: list[list[float]]) -> None:
    most = max(max(row) for row in values)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            colour = LIGHT if value > 0.55 * most else DARK
            axes.text(j + 0.5, i + 0.5, short(value), color=colour, ha="center", va="center", fontsize=7)


def _panels(summary: Summary, measure: Measure, title: str) -> tuple[Any, dict[str, Any]]:
    """Draw a panel a task that anything was done of, and one of the mean."""
    results = _by_family(summary)
    found = {task: _values(results, task, measure) for task in (*summary.design.task_names, MEAN)}
    shown = {task: values for task, values in found.items() if values}
    columns = min(4, ceil(sqrt(len(shown))))
    rows = ceil(len(shown) / columns)
    height = 0.5 + 0.17 * len(results)
    figure = new_figure(1.9 + 2.2 * columns, 0.8 + rows * height)
    figure.supxlabel(title, fontsize=9.5)
    figure.get_layout_engine().set(wspace=0.05)
    grid = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
    panels = dict(zip(shown, grid, strict=False))
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    for task, axes in panels.items():
        _panel(axes, results, shown[task], looks(summary.families))
        axes.set_title(task)
    return figure, panels


def _panel(
    axes: Any, results: Sequence[VariantResult], values: Mapping[int, Estimate], look: Mapping[str, tuple[str, str]]
) -> None:
    for place, found in values.items():
        colour, marker = look[results[place].family]
        axes.errorbar(
            found.mean, place, xerr=half(found), fmt=marker, color=colour, markersize=5, elinewidth=1.4,
            markeredgecolor=PAPER, markeredgewidth=0.5,
        )  # fmt: skip
    axes.set_yticks(range(len(results)), [result.label for result in results])
    axes.set_ylim(len(results) - 0.4, -0.6)
    axes.grid(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _by_family(summary: Summary) -> list[VariantResult]:
    """Return the variants, those of a family together."""
    return sorted(summary.variants, key=lambda variant: summary.families.index(variant.family))


def _values(results: Sequence[VariantResult], task: str, measure: Measure) -> dict[int, Estimate]:
    """Return what was measured of a task, or of their mean, by the place of the variant."""
    means = [result.means if task == MEAN else result.tasks[task].means for result in results]
    return {i: found[measure] for i, found in enumerate(means) if found}
