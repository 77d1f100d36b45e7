"""Draws a system: the graph that it has grown into, and its story as curves.

The graph has a row a layer, from the images at the bottom to the heads at the top, and a line a task. In every row each
task has a place of the same width. A component is a box over the places of all tasks that hold it, so its width says
how many share it, and its colour who trained it.

The curves are a line a task of its quality, and size and compute after every commit, over bands of the methods.
Qualities are no means over the tasks: these fall when a harder task joins, and look as if something was forgotten.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from colorsys import hls_to_rgb
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean
from textwrap import fill
from typing import Any

from ramet.base.extras import extra
from ramet.base.text import count
from ramet.report.style import COLOURS, DARK, LIGHT, accuracy_axis, new_figure, short
from ramet.story.graph import Graph, Node
from ramet.story.tell import Change, State, Story

ROOT, GONE = "#9aa0a6", "#c3c8ce"
"""Boxes of the root, and of tasks that are not there any more."""

LEGEND = (
    "A column a task, from its images at the bottom to its classes at the top. A box is a component: its width says "
    "how many tasks hold it, its colour which one trained it; grey are the root's."
)

MANY = 16
"""From so many tasks on there is no room for what each grew from."""

LETTER, BOLD = 0.072, 0.095
"""The widest that letters are on average, in inches: of the legend, of tasks' names."""

ROW, BOX = 0.5, 0.3
"""The height of a row and of its boxes, in inches."""

LAYERS = {"patch_embed": "patches", "cls_token": "class token", "pos_embed": "positions"}

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

THIN, MORE, MOST = 1.4, 1.4, 4.0
"""The last task's line in points, how much wider each one before it is, and the most that the first one is wider.

What is covered by a line is seen on both sides of it.
"""


@dataclass(frozen=True)
class Box:
    """A component in its row, from one place to another; tasks are those that hold it, in the order of their places."""

    component: Node
    row: int
    left: float
    tasks: tuple[str, ...]


def draw_graph(graph: Graph) -> Any:
    """Return the figure of a graph."""
    tasks, layers = in_order(graph), graph.layers()
    unit = min(1.05, max(0.085, 9.0 / max(len(tasks), 1)))
    width = 1.6 + max(unit * len(tasks), 2.2)
    legend = fill(LEGEND, int(width / LETTER))
    longest = max(map(len, tasks), default=0)
    upright = longest * BOLD > unit
    headroom = 0.3 + 0.09 * longest if upright else 0.5
    figure = new_figure(width, 0.8 + 0.16 * (legend.count("\n") + 1) + ROW * len(layers) + headroom)
    axes = figure.add_subplot()
    colours = colours_of(tasks)
    boxes = [*placed(graph, tasks, layers)]
    _draw_lines(axes, boxes, colours, len(layers), unit)
    for box in boxes:
        if box.component.attributes:
            _draw_box(axes, box, colours, unit)
    _name_tasks(axes, graph, colours, len(layers), upright=upright)
    axes.set_yticks(range(len(layers)), [LAYERS.get(layer, layer.replace(".", " ")) for layer in layers])
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
        found: dict[str, Node] = {}
        for task in tasks:
            nothing = Node(f"none:{task}", "component", "")
            component = next((c for c in held[f"task:{task}"] if c.name == layer), nothing)
            holders[component.id].append(task)
            found[component.id] = component
        left = 0
        for id, group in sorted(holders.items(), key=lambda item: fmean(place[task] for task in item[1])):
            yield Box(found[id], row, left, tuple(group))
            left += len(group)


def colours_of(tasks: Sequence[str]) -> dict[str, str]:
    """Return a colour a task; many go round the circle of hues, in turn darker and lighter."""
    if len(tasks) <= len(COLOURS):
        return dict(zip(tasks, COLOURS, strict=False))
    hues = ((i / len(tasks), (0.36, 0.5, 0.62)[i % 3]) for i in range(len(tasks)))
    rgb = ([round(255 * part) for part in hls_to_rgb(hue, light, 0.62)] for hue, light in hues)
    return {task: "#{:02x}{:02x}{:02x}".format(*parts) for task, parts in zip(tasks, rgb, strict=True)}


def _draw_lines(axes: Any, boxes: Sequence[Box], colours: Mapping[str, str], rows: int, unit: float) -> None:
    """Draw a line a task, through its places from row to row."""
    path = extra("matplotlib.path", "report").Path
    patches = extra("matplotlib.patches", "report")
    x = {(box.row, task): box.left + i + 0.5 for box in boxes for i, task in enumerate(box.tasks)}
    edge = BOX / ROW / 2
    for task, colour in colours.items():
        points, codes = [(x[0, task], -0.5)], [path.MOVETO]
        for row in range(rows):
            here = x[row, task]
            if row:
                before, low, high = x[row - 1, task], row - 1 + edge, row - edge
                points += [(before, (low + high) / 2), (here, (low + high) / 2), (here, high)]
                codes += [path.CURVE4] * 3
            points.append((here, row + edge))
            codes.append(path.LINETO)
        width = max(0.7, min(3.5, 8 * unit))
        line = patches.PathPatch(path(points, codes), edgecolor=colour, facecolor="none", linewidth=width)
        axes.add_patch(line).set_alpha(0.75)


def _draw_box(axes: Any, box: Box, colours: Mapping[str, str], unit: float) -> None:
    """Draw a component's box, with its size where there is room."""
    owner = box.component.attributes.get("task")
    colour = ROOT if owner is None else colours.get(owner, GONE)
    gap, height = min(0.08, 0.1 * len(box.tasks)), BOX / ROW
    width = len(box.tasks) - 2 * gap
    rectangle = extra("matplotlib.patches", "report").Rectangle
    axes.add_patch(rectangle((box.left + gap, box.row - height / 2), width, height, color=colour, linewidth=0))
    if width * unit > 0.45:
        red, green, blue = bytes.fromhex(colour[1:])
        shade = DARK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else LIGHT
        size = count(box.component.attributes["params"])
        axes.text(box.left + gap + width / 2, box.row, size, ha="center", va="center", fontsize=8, color=shade)


def _name_tasks(axes: Any, graph: Graph, colours: Mapping[str, str], rows: int, *, upright: bool) -> None:
    """Write the tasks' names above, and where there is room, what each grew from below."""
    origins = {target: source.partition(":") for target, source in graph.origins().items()}
    style = (
        {"rotation": 90, "fontsize": 6 if len(colours) > 60 else 8} if upright else {"fontsize": 9, "weight": "bold"}
    )
    for i, (task, colour) in enumerate(colours.items()):
        axes.text(i + 0.5, rows - 0.45, task, ha="center", va="bottom", color=colour, **style)
        kind, _, name = origins.get(f"task:{task}", ("", "", ""))
        if kind and len(colours) < MANY:
            origin = f"from {name}" if kind == "task" else "from the root"
            origin = fill(origin, 14) if upright else origin
            axes.text(i + 0.5, -0.62, origin, ha="center", va="top", fontsize=6.5 if upright else 7.5)


def draw_curves(story: Story) -> Any:
    """Return the figure of a story that has a commit."""
    methods = dict.fromkeys(segment.method for segment in story.segments)
    looks = {method: COLOURS[(i + 2) % len(COLOURS)] for i, method in enumerate(methods)}
    figure = new_figure(12.5, 6.0 + 0.16 * min(NAMED, max(len(story.changes) / 4, len(looks))))
    panels = figure.subplots(2, 3, sharex=True)
    _draw_bands([*panels.flat], story, looks)
    for axes, (title, measure) in zip(panels[:, 0], QUALITIES.items(), strict=True):
        axes.set_title(title, pad=14)
        _draw_qualities(axes, story, measure)
    for axes, (title, size) in zip(panels[:, 1:].flat, SIZES.items(), strict=True):
        axes.set_title(title, pad=14)
        _draw_size(axes, [size(state) for state in story.states])
    for axes in panels.flat:
        axes.grid(True, axis="y")
        axes.set_xlim(0.5, len(story.states) + 0.5)
        axes.xaxis.set_major_locator(_integers())
    for axes in panels[1]:
        axes.set_xlabel("commits")
    _draw_legends(figure, story, looks)
    return figure


def _integers() -> Any:
    return extra("matplotlib.ticker", "report").MaxNLocator(integer=True, steps=(1, 2, 5, 10), min_n_ticks=1)


def _draw_qualities(axes: Any, story: Story, measure: Callable[[Change], float | None]) -> None:
    """Draw what a measure was of every task, from the commit that it came with to the one that took it out."""
    colours, end = colours_of([*story.changes]), len(story.states) + 0.5
    known = []
    for after, (task, changes) in zip(reversed(range(len(colours))), story.changes.items(), strict=True):
        values = [_number(measure(change)) for change in changes]
        edges = [*(change.number - 0.5 for change in changes), end]
        width = THIN + after * min(MORE, MOST / max(len(colours) - 1, 1)) * (len(colours) <= NAMED)
        axes.stairs(values, edges, baseline=None, color=colours[task], linewidth=width)
        known += [value for value in values if not isnan(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    accuracy_axis(axes.yaxis, (min(low, max(high - 0.1, 0.0)), high))


def _draw_size(axes: Any, measured: Sequence[float | None]) -> None:
    """Draw a size of the system after every commit."""
    edges = [i + 0.5 for i in range(len(measured) + 1)]
    axes.stairs([*map(_number, measured)], edges, baseline=None, color=COLOURS[0], linewidth=1.6)
    axes.set_ylim(0, 1.08 * max(value or 0 for value in measured) or 1)
    axes.yaxis.set_major_locator(_integers())
    axes.yaxis.set_major_formatter(lambda value, _: short(value))


def _number(value: float | None) -> float:
    return nan if value is None else value


def _draw_bands(panels: Sequence[Any], story: Story, looks: Mapping[str, str]) -> None:
    """Draw a band a segment behind the curves, a colour a method."""
    start = 0.5
    for number, segment in enumerate(story.segments, start=1):
        end = start + segment.commits
        for axes in panels:
            axes.axvspan(start, end, color=looks[segment.method], alpha=0.16, linewidth=0)
            if len(story.segments) <= NUMBERED:
                where = axes.get_xaxis_transform()
                axes.text((start + end) / 2, 1.01, number, ha="center", va="bottom", fontsize=8, transform=where)
        start = end


def _draw_legends(figure: Any, story: Story, looks: Mapping[str, str]) -> None:
    """Say below the panels, where nothing is covered, which colours are which methods and tasks."""
    line, patch = extra("matplotlib.lines", "report").Line2D, extra("matplotlib.patches", "report").Patch
    tasks = [line([], [], color=c, linewidth=2.5, label=task) for task, c in colours_of([*story.changes]).items()]
    methods = [patch(color=c, alpha=0.35, label=method or "no method") for method, c in looks.items()]
    columns = max(1, min(4, int(8 / (0.5 + 0.075 * max(map(len, story.changes))))))
    for handles, title, place, across in ((methods, "Method", "left", 1), (tasks, "Task", "right", columns)):
        left = len(handles) - NAMED
        shown = handles if left <= 0 else [*handles[:NAMED], patch(alpha=0, label=f"and {left} more")]
        figure.legend(
            handles=shown, title=title, loc=f"outside lower {place}", ncols=across,
            alignment="left", frameon=False, fontsize=8.5,
        )  # fmt: skip
