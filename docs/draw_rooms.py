"""Draws the rooms of ramet's house: each a box on its floor, with arrows to the rooms that it imports.

    python docs/draw_rooms.py

writes docs/architecture.svg. Floors are those of pyproject.toml (import-linter's layers), arrows come from the imports
in src/. An arrow that follows from others is left out: where a imports b and c, and b imports c, a's arrow to c.
"""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from statistics import fmean

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src" / "ramet"
PICTURE = HERE / "architecture.svg"

BOX, HEIGHT, ROW, GAP, MARGIN = 138, 42, 78, 26, 36
"""The width and height of a box, the distance from floor to floor, of boxes side by side, and from the edge."""

FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"

Edge = tuple[str, str]
Floors = list[list[str]]


def floors() -> Floors:
    """Return the rooms of every floor, the highest first."""
    settings = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    found = [[name.strip() for name in re.split(r"[|:]", layer)] for layer in layers]
    homeless = rooms() - {name for floor in found for name in floor}
    if homeless:
        raise SystemExit(f"no floor in pyproject.toml has {', '.join(sorted(homeless))}")
    return [present for floor in found if (present := [name for name in floor if name in rooms()])]


def rooms() -> set[str]:
    """Return the names of all packages and modules right below ramet that hold code."""
    folders = {file.parent.name for file in SOURCE.glob("*/__init__.py")}
    return folders | {file.stem for file in SOURCE.glob("*.py") if not file.stem.startswith("__")}


def files(room: str) -> list[Path]:
    """Return the modules of a room."""
    return sorted(SOURCE.glob(f"{room}/**/*.py")) or [SOURCE / f"{room}.py"]


def imports(room: str) -> set[str]:
    """Return the other rooms that a room imports, wherever in its modules; `import ramet` is the facade's."""
    found = set()
    for file in files(room):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = (name.split(".") for name in found if name.split(".")[0] == "ramet")
    return {part[1] if part[1:] and part[1] in rooms() else "system" for part in parts} - {room}


def arrows() -> set[Edge]:
    """Return who imports whom, less what follows from other arrows."""
    direct = {room: imports(room) for room in rooms()}

    def below(room: str) -> set[str]:
        return {found for other in direct[room] for found in (other, *below(other))}

    return {
        (room, other)
        for room, others in direct.items()
        for other in others
        if not any(other in below(between) for between in others)
    }


def laid_out(levels: Floors, edges: Iterable[Edge]) -> tuple[dict[str, float], list[list[str]]]:
    """Return where everything stands from left to right, and the way of every arrow through the floors.

    An arrow that passes a floor has a place of its own on it, so that it runs beside the boxes.
    """
    level = {name: i for i, names in enumerate(levels) for name in names}
    rows = [[*names] for names in levels]
    ways = []
    for start, end in sorted(edges):
        passed = [f"{start}>{end}@{i}" for i in range(level[start] + 1, level[end])]
        for i, name in enumerate(passed, start=level[start] + 1):
            rows[i].append(name)
        ways.append([start, *passed, end])
    beside: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for way in ways:
        for one, other in pairwise(way):
            beside[one].append(other)
            beside[other].append(one)
    x = {name: place for row in rows for name, place in zip(row, _spread(row, [0.0] * len(row)), strict=True)}
    for _ in range(60):
        for row in (*rows, *rows[::-1]):
            wanted = {name: fmean(x[other] for other in beside[name]) if beside[name] else x[name] for name in row}
            row.sort(key=lambda name: (round(wanted[name], 3), name))
            x |= zip(row, _spread(row, [wanted[name] for name in row]), strict=True)
    left = min(x[name] for names in levels for name in names) - BOX / 2 - MARGIN
    left = min(left, min(x.values()) - MARGIN)
    return {name: round(place - left, 1) for name, place in x.items()}, ways


def _spread(row: Sequence[str], wanted: Sequence[float]) -> list[float]:
    """Return places as near to those wanted as leaves room for all, in their order."""
    half = [GAP / 4 if "@" in name else BOX / 2 for name in row]
    offsets = [0.0]
    for one, other in pairwise(half):
        offsets.append(offsets[-1] + one + other + GAP / (2 if min(one, other) < BOX / 2 else 1))
    groups: list[list[float]] = []  # neighbours that touch, by what each wants the first place of all to be
    for want, offset in zip(wanted, offsets, strict=True):
        groups.append([want - offset])
        while len(groups) > 1 and fmean(groups[-2]) > fmean(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    shifts = [fmean(group) for group in groups for _ in group]
    return [shift + offset for shift, offset in zip(shifts, offsets, strict=True)]


def svg() -> str:
    """Return the picture."""
    levels = floors()
    x, ways = laid_out(levels, arrows())
    y = {name: MARGIN + i * ROW for i, names in enumerate(levels) for name in names}
    for way in ways:
        y |= {name: y[way[0]] + i * ROW for i, name in enumerate(way)}
    width = max(x[name] for name in x) + BOX / 2 + MARGIN
    height = 2 * MARGIN + (len(levels) - 1) * ROW + HEIGHT
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="{FONT}">',
            "<title>The rooms of ramet and what each imports</title>",
            '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0,0 L8,4 L0,8 z" fill="#5b6470"/></marker></defs>',
            f'<rect width="{width:g}" height="{height:g}" fill="#fefefe"/>',
            *_stripes(len(levels), width),
            *(_arrow([(x[name], y[name]) for name in way]) for way in ways),
            *(_box(name, x[name], y[name]) for names in levels for name in names),
            "</svg>",
            "",
        ]
    )


def _stripes(count: int, width: float) -> Iterator[str]:
    for i in range(0, count, 2):
        top = MARGIN + i * ROW - (ROW - HEIGHT) / 2
        yield f'<rect y="{top:g}" width="{width:g}" height="{ROW}" fill="#f1f3f6"/>'


def _arrow(points: Sequence[tuple[float, float]]) -> str:
    (left, top), *_ = points
    path = f"M{left:g},{top + HEIGHT:g}"
    for i, ((before, high), (after, low)) in enumerate(pairwise(points)):
        start, end = high + HEIGHT, low
        path += f" C{before:g},{start + 24:g} {after:g},{end - 24:g} {after:g},{end:g}"
        if i < len(points) - 2:
            path += f" V{low + HEIGHT:g}"
    return f'<path d="{path}" fill="none" stroke="#5b6470" stroke-width="1.4" marker-end="url(#end)"/>'


def _box(name: str, middle: float, top: float) -> str:
    count = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files(name))
    lines = f"{count:,} line{'s' * (count != 1)}"
    return (
        f'<g text-anchor="middle"><rect x="{middle - BOX / 2:g}" y="{top:g}" width="{BOX}" height="{HEIGHT}" rx="5" '
        f'fill="#ffffff" stroke="#0072b2" stroke-width="1.5"/>'
        f'<text x="{middle:g}" y="{top + 18:g}" font-size="15" font-weight="bold" fill="#1c2024">{escape(name)}</text>'
        f'<text x="{middle:g}" y="{top + 34:g}" font-size="11" fill="#5b6470">{lines}</text></g>'
    )


def without_lines(picture: str) -> str:
    """Return a picture less the numbers of lines, which change with every edit."""
    return re.sub(r">[\d,]+ lines?<", "><", picture)


if __name__ == "__main__":
    PICTURE.write_text(svg(), encoding="utf-8")
