"""Draws who shares with whom: of every two tasks, the parameters of the components that both hold."""

from typing import Any

from ramet.report.style import new_figure, short
from ramet.story.contents import Sharing

WRITTEN = 14
"""Up to so many tasks the numbers are written into the cells."""

_LIGHT, _DARK, _SHADES = "#ffffff", "#101214", "BuPu"


def draw_sharing(sharing: Sharing) -> Any:
    """The figure: a row and a column a task, in their order."""
    tasks = list(sharing)
    values = [[sharing[one].get(other, 0) for other in tasks] for one in tasks]
    most, side = max(map(max, values)), min(0.75, max(0.085, 9.5 / len(tasks)))
    room = 0.5 + 0.08 * max(map(len, tasks))
    figure = new_figure(room + side * len(tasks) + 0.8, room + side * len(tasks))
    axes = figure.add_subplot()
    mesh = axes.imshow(values, cmap=_SHADES, vmin=0, vmax=most, interpolation="nearest")
    places, size = range(len(tasks)), 9 if len(tasks) <= 30 else 5.5
    axes.set_xticks(places, tasks, rotation=90, fontsize=size)
    axes.set_yticks(places, tasks, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(tasks) > WRITTEN:
        bar = figure.colorbar(mesh, ax=axes, shrink=0.4, aspect=30)
        bar.ax.yaxis.set_major_formatter(lambda value, _: short(value))
        return figure
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            colour = _LIGHT if value > 0.55 * most else _DARK
            axes.text(j, i, short(value), ha="center", va="center", fontsize=7.5, color=colour)
    return figure
