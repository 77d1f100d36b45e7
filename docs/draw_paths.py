"""Draws the paths of a system: a row a task, a box a component, a colour who trained it.

python docs/draw_paths.py ramet-demo docs/paths.svg
"""

import sys
from html import escape
from pathlib import Path

import ramet
from ramet.records import Component
from ramet.vit.spec import component_names

COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#e15759", "#76b7b2", "#edc948", "#9c755f")
ROOT_COLOUR, INK, PAPER = "#9aa0a6", "#1f2328", "#ffffff"
LEFT, TOP, WIDTH, HEIGHT, GAP_X, GAP_Y = 190, 84, 84, 40, 10, 26
LABELS = {"patch_embed": "patches", "cls_token": "class token", "pos_embed": "positions"}


def draw(system: ramet.System) -> str:
    """The picture as SVG; tasks come in the order in which they were published."""
    commits = reversed(system.catalog.log())
    published = system.catalog.published()
    tasks = list(dict.fromkeys(t for c in commits for t, path in c.changes.items() if path and t in published))
    layers = max(int(p.hyperparameters["layers"]) for p in published.values())
    columns = component_names(layers, {c.name for p in published.values() for c in p.components})
    owner = {c.digest: ROOT_COLOUR for root in system.catalog.roots().values() for c in root.components}
    shapes = []
    for row, task in enumerate(tasks):
        y = TOP + row * (HEIGHT + GAP_Y)
        shapes.append(text(LEFT - 16, y + HEIGHT / 2 + 5, task, anchor="end", size=16, weight="600", fill=colour(row)))
        line = y + HEIGHT / 2
        right = LEFT + len(columns) * (WIDTH + GAP_X) - GAP_X
        shapes.append(
            f'<line x1="{LEFT}" y1="{line}" x2="{right}" y2="{line}" stroke="{colour(row)}" stroke-width="3"/>'
        )
        for column, name in enumerate(columns):
            component = published[task].component(name)
            if component is not None:
                own = component.digest not in owner
                owner.setdefault(component.digest, colour(row))
                shapes.append(box(column, y, component, owner[component.digest], own))
    heads = [
        text(LEFT + i * (WIDTH + GAP_X) + WIDTH / 2, TOP - 14, LABELS.get(n, n.replace(".", " ")), size=12)
        for i, n in enumerate(columns)
    ]
    width = LEFT + len(columns) * (WIDTH + GAP_X) + 14
    height = TOP + len(tasks) * (HEIGHT + GAP_Y) + 12
    title = "Every row is a task's path, from its images on the left to its classes on the right."
    note = "A full box was trained for the task; a pale one is another task's, in its colour: shared, and frozen."
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        text(20, 26, title, anchor="start", size=14), text(20, 46, note, anchor="start", size=14),
        *heads, *shapes, "</svg>", "",
    ])  # fmt: skip


def box(column: int, y: float, component: Component, fill: str, own: bool) -> str:
    """A component: filled strongly where it is the task's own, lightly where it is another's."""
    x = LEFT + column * (WIDTH + GAP_X)
    rect = (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="{PAPER}"/>'
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="{fill}" '
        f'fill-opacity="{1 if own else 0.35}" stroke="{fill}" stroke-width="2"/>'
    )
    return rect + text(x + WIDTH / 2, y + HEIGHT / 2 + 5, size_of(component), fill=PAPER if own else INK, size=13)


def text(
    x: float, y: float, words: str, *, anchor: str = "middle", size: int = 13, fill: str = INK, weight: str = "400"
) -> str:
    """A line of text."""
    style = f'text-anchor="{anchor}" font-size="{size}" fill="{fill}" font-weight="{weight}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'


def size_of(component: Component) -> str:
    """Its number of parameters."""
    return f"{component.size / 1000:.0f} k" if component.size >= 1000 else str(component.size)


def colour(row: int) -> str:
    """A task's colour."""
    return COLOURS[row % len(COLOURS)]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(ramet.open(sys.argv[1])), encoding="utf-8")
