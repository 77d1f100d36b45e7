"""Draws the graph of a system, and who shares with whom.

The graph has a row a layer, from the images at the bottom to the heads at the top, and a line a task. In every row each
task has a place of the same width. A component is a box over the places of all tasks that hold it, so its width says
how many share it, and its colour who trained it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from colorsys import hls_to_rgb
from dataclasses import dataclass
from statistics import fmean
from textwrap import fill
from typing import Any

from ramet.base.extras import extra
from ramet.base.text import count
from ramet.report.style import COLOURS, new_figure, short
from ramet.story.graph import Graph, Node

ROOT, GONE, LIGHT, DARK = "#9aa0a6", "#c3c8ce", "#ffffff", "#101214"
"""Boxes of the root, boxes of tasks that are not there any more, and what is written on dark and on light boxes."""

LEGEND = (
    "A column a task, from its images at the bottom to its classes at the top. A box is a component: its width says "
    "how many tasks hold it, its colour which one trained it; grey are the root's."
)

MANY = 16
"""From so many tasks on there is no room for what each grew from."""

LETTER, BOLD = 0.072, 0.095
"""The widest that letters are on average, in inches: of the legend, of tasks' names."""

WRITTEN = 14
"""Up to so many tasks the numbers of who shares with whom are written into the cells."""

Sharing = Mapping[str, Mapping[str, int]]
"""Parameters of the components that the paths of two tasks both hold, by the names of both; on the diagonal all."""

NAMES = {"patch_embed": "patches", "cls_token": "class token", "pos_embed": "positions"}
ROW, BOX = 0.5, 0.3
"""The height of a row and of its boxes, in inches."""


@dataclass(frozen=True)
class Box:
    """A component in its row, from one place to another; tasks are those that hold it, in the order of their places."""

    component: Node
    row: int
    left: float
    tasks: tuple[str, ...]


def draw_graph(graph: Graph) -> Any:
    """Return the figure of a graph."""
    tasks = in_order(graph)
    unit = min(1.05, max(0.085, 9.0 / max(len(tasks), 1)))
    layers = graph.layers()
    width = 1.6 + max(unit * len(tasks), 2.2)
    legend = fill(LEGEND, int(width / LETTER))
    below = 0.8 + 0.16 * (legend.count("\n") + 1)
    upright = max(map(len, tasks), default=0) * BOLD > unit
    headroom = 0.3 + 0.09 * max(map(len, tasks)) if upright else 0.5
    figure = new_figure(width, below + ROW * len(layers) + headroom)
    axes = figure.add_subplot()
    colours = colours_of(tasks)
    boxes = [*placed(graph, tasks, layers)]
    _lines(axes, boxes, tasks, colours, len(layers), unit)
    for box in boxes:
        _box(axes, box, colours, unit)
    _words(axes, graph, tasks, layers, colours, upright=upright)
    axes.set_xlim(-0.1, max(len(tasks), 2.2 / unit) + 0.1)
    axes.set_ylim(-0.6, len(layers) - 0.4)
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    figure.supxlabel(legend, fontsize=8)
    return figure


def in_order(graph: Graph) -> list[str]:
    """Return the tasks, each beside what it grew from; else as they came."""
    origins = graph.origins()
    nodes = sorted(graph.of_kind("task"), key=lambda node: node.attributes["order"])
    grown: defaultdict[str | None, list[str]] = defaultdict(list)
    for node in nodes:
        origin = origins.get(node.id, "")
        grown[origin if origin.startswith("task:") else None].append(node.id)
    names = {node.id: node.name for node in nodes}
    found: dict[str, None] = {}
    # A task learned again may have grown from one that grew from it: what no root leads to comes last, as it came.
    waiting = [*grown[None], *names][::-1]
    while waiting:
        id = waiting.pop()
        if id not in found:
            found[id] = None
            waiting += grown[id][::-1]
    return [names[id] for id in found]


def placed(graph: Graph, tasks: Sequence[str], layers: Sequence[str]) -> Iterator[Box]:
    """Yield the boxes: those of a row side by side, each near its tasks; a task without one keeps its place free."""
    held = graph.held()
    place = {task: i for i, task in enumerate(tasks)}
    for row, layer in enumerate(layers):
        holders: defaultdict[str, list[str]] = defaultdict(list)
        found: dict[str, Node | None] = {}
        for task in tasks:
            component = next((c for c in held[f"task:{task}"] if c.name == layer), None)
            key = component.id if component else f"none:{task}"
            holders[key].append(task)
            found[key] = component
        left = 0
        for key, group in sorted(holders.items(), key=lambda item: fmean(place[task] for task in item[1])):
            yield Box(found[key] or Node(key, "component", ""), row, left, tuple(group))
            left += len(group)


def colours_of(tasks: Sequence[str]) -> dict[str, str]:
    """Return a colour a task; many go round the circle of hues, in turn darker and lighter."""
    if len(tasks) <= len(COLOURS):
        return dict(zip(tasks, COLOURS, strict=False))
    hues = ((i / len(tasks), (0.36, 0.5, 0.62)[i % 3]) for i in range(len(tasks)))
    rgb = ([round(255 * part) for part in hls_to_rgb(hue, light, 0.62)] for hue, light in hues)
    return {task: "#{:02x}{:02x}{:02x}".format(*parts) for task, parts in zip(tasks, rgb, strict=True)}


def _lines(
    axes: Any, boxes: Sequence[Box], tasks: Sequence[str], colours: Mapping[str, str], rows: int, unit: float
) -> None:
    """Draw a line a task, through its places from row to row."""
    path = extra("matplotlib.path", "report").Path
    patches = extra("matplotlib.patches", "report")
    x = {(box.row, task): box.left + i + 0.5 for box in boxes for i, task in enumerate(box.tasks)}
    for task in tasks:
        points, codes = [(x[0, task], -0.5)], [path.MOVETO]
        for row in range(rows):
            here, edge = x[row, task], BOX / ROW / 2
            if row:
                before, low, high = x[row - 1, task], row - 1 + edge, row - edge
                points += [(before, (low + high) / 2), (here, (low + high) / 2), (here, high)]
                codes += [path.CURVE4] * 3
            points.append((here, row + edge))
            codes.append(path.LINETO)
        width = max(0.7, min(3.5, 8 * unit))
        line = patches.PathPatch(path(points, codes), edgecolor=colours[task], facecolor="none", linewidth=width)
        axes.add_patch(line).set_alpha(0.75)


def _box(axes: Any, box: Box, colours: Mapping[str, str], unit: float) -> None:
    """Draw a component's box, with its size where there is room."""
    if not box.component.attributes:
        return
    patches = extra("matplotlib.patches", "report")
    owner = box.component.attributes.get("task")
    colour = ROOT if owner is None else colours.get(owner, GONE)
    gap, height = min(0.08, 0.1 * len(box.tasks)), BOX / ROW
    width = len(box.tasks) - 2 * gap
    axes.add_patch(patches.Rectangle((box.left + gap, box.row - height / 2), width, height, color=colour, linewidth=0))
    if width * unit > 0.45:
        words = count(box.component.attributes["params"])
        shade = DARK if _bright(colour) else LIGHT
        axes.text(box.left + gap + width / 2, box.row, words, ha="center", va="center", fontsize=8, color=shade)


def _bright(colour: str) -> bool:
    """Return True where dark words are read better on a colour than light ones."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue > 140


def _words(
    axes: Any, graph: Graph, tasks: Sequence[str], layers: Sequence[str], colours: Mapping[str, str], *, upright: bool
) -> None:
    """Write the names of rows and tasks; where there is room, what each grew from."""
    axes.set_yticks(range(len(layers)), [NAMES.get(layer, layer.replace(".", " ")) for layer in layers])
    origins = {target: source.partition(":") for target, source in graph.origins().items()}
    style = {"rotation": 90, "fontsize": 6 if len(tasks) > 60 else 8} if upright else {"fontsize": 9, "weight": "bold"}
    for i, task in enumerate(tasks):
        axes.text(i + 0.5, len(layers) - 0.45, task, ha="center", va="bottom", color=colours[task], **style)
        kind, _, name = origins.get(f"task:{task}", ("", "", ""))
        if kind and len(tasks) < MANY:
            words = f"from {name}" if kind == "task" else "from the root"
            words = fill(words, 14) if upright else words
            axes.text(i + 0.5, -0.62, words, ha="center", va="top", fontsize=6.5 if upright else 7.5)


def draw_sharing(sharing: Sharing) -> Any:
    """Return the figure of who shares with whom: a row and a column a task, in their order."""
    tasks = list(sharing)
    values = [[sharing[one].get(other, 0) for other in tasks] for one in tasks]
    most, side = max(map(max, values)), min(0.75, max(0.085, 9.5 / len(tasks)))
    room = 0.5 + 0.08 * max(map(len, tasks))
    figure = new_figure(room + side * len(tasks) + 0.8, room + side * len(tasks))
    axes = figure.add_subplot()
    mesh = axes.imshow(values, cmap="BuPu", vmin=0, vmax=most, interpolation="nearest")
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
            shade = LIGHT if value > 0.55 * most else DARK
            axes.text(j, i, short(value), ha="center", va="center", fontsize=7.5, color=shade)
    return figure
