"""Pictures drawn by formulas: strokes like an invented script, fractals (as FractalDB, arXiv 2101.08515), textures."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates

SIDE = 48
_Picture = npt.NDArray[np.uint8]


def strokes(classes: int, each: int) -> Iterator[tuple[int, _Picture]]:
    """Yield class and picture (SIDE, SIDE): invented letters of one to four strokes, each written by a shaky hand."""
    for label in range(classes):
        rng = np.random.default_rng((1, label))
        letter = [_stroke(rng) for _ in range(rng.integers(1, 5))]
        for _ in range(each):
            yield label, _written(letter, rng)


def _stroke(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    kind = rng.integers(4)
    if kind == 0:  # a line
        return np.linspace(rng.uniform(-1, 1, 2), rng.uniform(-1, 1, 2), 3)
    if kind == 1:  # a part of an ellipse
        start, turn = rng.uniform(0, 2 * np.pi), rng.choice([np.pi / 2, np.pi, 1.5 * np.pi, 2 * np.pi])
        angles = np.linspace(start, start + turn, 9)
        return rng.uniform(-0.5, 0.5, 2) + rng.uniform(0.25, 0.8, 2) * np.stack([np.cos(angles), np.sin(angles)], 1)
    return rng.uniform(-1, 1, (rng.integers(3, 6), 2))  # a free curve through points


def _written(letter: list[npt.NDArray[np.float64]], rng: np.random.Generator) -> _Picture:
    image = Image.new("L", (2 * SIDE, 2 * SIDE))
    pen = ImageDraw.Draw(image)
    width = int(rng.integers(3, 9))
    for points in letter:
        shaken = points * rng.uniform(0.85, 1.15, 2) + rng.normal(0, 0.05, points.shape) + rng.normal(0, 0.06, 2)
        line = [tuple(p) for p in SIDE + 0.78 * SIDE * _smooth(shaken)]
        pen.line(line, fill=255, width=width, joint="curve")
        for x, y in (line[0], line[-1]):
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return np.asarray(image.reduce(2))


def _smooth(points: npt.NDArray[np.float64], per: int = 8) -> npt.NDArray[np.float64]:
    """Return a Catmull-Rom curve through the points."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, per, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate([*pieces, points[-1:]])


def fractals(classes: int, each: int, points: int = 6000) -> Iterator[tuple[int, _Picture]]:
    """Yield class and picture (SIDE, SIDE): the attractor of a random iterated function system, its maps shaken."""
    label = seed = 0
    while label < classes:
        rng = np.random.default_rng((2, seed))
        seed += 1
        n = int(rng.integers(2, 7))
        maps = rng.uniform(-1, 1, (n, 6))
        found = _attractors(maps, each, rng, points)
        if found is not None:
            for picture in found:
                yield label, picture
            label += 1


def _attractors(maps, each, rng, points):  # type: ignore[no-untyped-def]
    shaken = np.repeat(maps[None], each, 0) * rng.uniform(0.88, 1.12, (each, 1, 6))
    weights = np.abs(maps[:, 0] * maps[:, 3] - maps[:, 1] * maps[:, 2]) + 0.01
    chosen = rng.choice(len(maps), (points + 20, each), p=weights / weights.sum())
    xy, rows = np.zeros((each, 2)), np.arange(each)
    path = np.empty((points + 20, each, 2))
    for step in range(points + 20):
        m = shaken[rows, chosen[step]]
        xy = np.stack(
            [m[:, 0] * xy[:, 0] + m[:, 1] * xy[:, 1] + m[:, 4], m[:, 2] * xy[:, 0] + m[:, 3] * xy[:, 1] + m[:, 5]], 1
        )
        if step == 200 and not np.all(np.abs(xy) < 1e3):
            return None
        path[step] = xy
    path = path[20:]
    low, high = path.min(0), path.max(0)
    if not np.all(np.isfinite(high - low)) or np.any(high - low < 1e-3) or np.any(high - low > 1e4):
        return None
    cells = ((path - low) / (high - low) * (2 * SIDE - 1)).astype(int)
    pictures = []
    for i in range(each):
        counts = np.zeros((2 * SIDE, 2 * SIDE))
        np.add.at(counts, (cells[:, i, 1], cells[:, i, 0]), 1.0)
        ink = np.minimum(counts, 2).reshape(SIDE, 2, SIDE, 2).mean((1, 3)) / 1.2
        pictures.append((255 * np.clip(ink, 0, 1)).astype(np.uint8))
    filled = np.mean([np.mean(p > 40) for p in pictures])
    return pictures if filled > 0.04 else None


def textures(classes: int, each: int) -> Iterator[tuple[int, _Picture]]:
    """Yield class and picture (SIDE, SIDE, 3): a family's formula with a class's numbers, phases and colours anew."""
    for label in range(classes):
        rng = np.random.default_rng((3, label))
        family, numbers = _FAMILIES[label % len(_FAMILIES)], rng.uniform(0, 1, 6)
        hue, spread = rng.uniform(0, 1, 3), rng.uniform(0.1, 0.35)
        for _ in range(each):
            level = np.clip(family(numbers, rng), 0, 1)
            warm = rng.uniform(-0.1, 0.1, (2, 3))
            dark, light = np.clip(hue - spread + warm[0], 0, 1), np.clip(hue + spread + warm[1], 0, 1)
            picture = dark + level[..., None] * (light - dark) + rng.normal(0, 0.02, (SIDE, SIDE, 3))
            yield label, (255 * np.clip(picture, 0, 1)).astype(np.uint8)


def _grid(rng: np.random.Generator, turn: float, jitter: float = 0.15) -> tuple[npt.NDArray[np.float64], ...]:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    a = turn * np.pi + rng.normal(0, jitter)
    phase = rng.uniform(0, 1, 2)
    return x * np.cos(a) + y * np.sin(a) + phase[0], -x * np.sin(a) + y * np.cos(a) + phase[1]


def _noise(rng: np.random.Generator, scale: float) -> npt.NDArray[np.float64]:
    field = gaussian_filter(rng.standard_normal((SIDE, SIDE)), scale, mode="wrap")
    return (field - field.mean()) / (field.std() + 1e-9)


def _stripes(n, rng):  # type: ignore[no-untyped-def]
    u, v = _grid(rng, n[0])
    wave = 0.05 * n[3] * np.sin(2 * np.pi * (1 + 4 * n[4]) * v)
    return 0.5 + (0.5 + 1.5 * n[2]) * np.sin(2 * np.pi * (2 + 8 * n[1]) * (u + wave))


def _checks(n, rng):  # type: ignore[no-untyped-def]
    u, v = _grid(rng, n[0])
    return 0.5 + (1 + n[3]) * np.sin(2 * np.pi * (2 + 6 * n[1]) * u) * np.sin(2 * np.pi * (2 + 6 * n[2]) * v)


def _clouds(n, rng):  # type: ignore[no-untyped-def]
    return 0.5 + 0.25 * sum(w * _noise(rng, s) for w, s in zip(1.2 * n[:3], (0.7, 2.0, 5.0), strict=True))


def _cells(n, rng):  # type: ignore[no-untyped-def]
    count = int(8 + 60 * n[0])
    seeds = rng.uniform(0, SIDE, (count, 2))
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    far = np.sqrt((x[..., None] - seeds[:, 0]) ** 2 + (1 + 2 * n[1]) * (y[..., None] - seeds[:, 1]) ** 2)
    far.partition(1, axis=-1)
    edge = (far[..., 1] - far[..., 0]) / (1 + 3 * n[2])
    return np.clip(edge, 0, 1) if n[3] < 0.5 else far[..., 0] / far[..., 0].max()


def _dots(n, rng):  # type: ignore[no-untyped-def]
    u, v = _grid(rng, n[0])
    f = 2 + 7 * n[1]
    shift = 0.5 * (np.floor(v * f) % 2) * (n[4] < 0.5)
    r = np.hypot((u * f + shift) % 1 - 0.5, v * f % 1 - 0.5)
    return np.clip(0.5 + (0.15 + 0.25 * n[2] - r) * (4 + 8 * n[3]), 0, 1)


def _bricks(n, rng):  # type: ignore[no-untyped-def]
    u, v = _grid(rng, 0.5 * (n[0] > 0.7), 0.06)
    rows = 3 + 6 * n[1]
    wide = rows * (0.35 + 0.4 * n[2])
    r = np.floor(v * rows)
    line = np.minimum((u * wide + 0.5 * (r % 2)) % 1 * rows / wide, v * rows % 1)
    tone = np.random.default_rng(int(1e6 * n[5])).uniform(0.5, 1, 97)[
        (7 * r + np.floor(u * wide + 0.5 * (r % 2))).astype(int) % 97
    ]
    return np.where(line < 0.1 + 0.12 * n[3], 0.1, tone)


def _rings(n, rng):  # type: ignore[no-untyped-def]
    u, v = _grid(rng, n[0])
    c = rng.uniform(0, 1.5, 2)
    r = np.hypot(u - c[0], (0.3 + n[1]) * (v - c[1])) + 0.03 * n[2] * _noise(rng, 4)
    return 0.5 + 0.6 * np.sin(2 * np.pi * (4 + 10 * n[3]) * r)


def _leaves(n, rng):  # type: ignore[no-untyped-def]
    image = Image.new("L", (2 * SIDE, 2 * SIDE), 128)
    pen = ImageDraw.Draw(image)
    for _ in range(int(40 + 160 * n[0])):
        x, y = rng.uniform(0, 2 * SIDE, 2)
        w, h = (3 + 14 * n[1]) * rng.uniform(0.6, 1.4), (3 + 14 * n[2]) * rng.uniform(0.6, 1.4)
        box = (x - w, y - h, x + w, y + h)
        fill = int(rng.integers(256))
        if n[3] < 0.5:
            pen.ellipse(box, fill=fill, outline=0 if n[4] < 0.5 else None)
        else:
            pen.rectangle(box, fill=fill, outline=0 if n[4] < 0.5 else None)
    return np.asarray(image.reduce(2)) / 255


def _scratches(n, rng):  # type: ignore[no-untyped-def]
    image = Image.new("L", (2 * SIDE, 2 * SIDE), 60)
    pen = ImageDraw.Draw(image)
    for _ in range(int(20 + 100 * n[0])):
        x, y = rng.uniform(0, 2 * SIDE, 2)
        a, length = np.pi * n[1] + rng.normal(0, 0.05 + 1.2 * n[2]), 5 + 40 * n[3]
        pen.line(
            (x, y, x + length * np.cos(a), y + length * np.sin(a)),
            fill=int(rng.integers(100, 256)),
            width=int(1 + 5 * n[4]),
        )
    return np.asarray(image.reduce(2)) / 255


def _swirls(n, rng):  # type: ignore[no-untyped-def]
    base = 0.5 + 0.5 * np.sin(2 * np.pi * (1 + 5 * n[0]) * np.mgrid[0:SIDE, 0:SIDE][1] / SIDE + rng.uniform(0, 6))
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    reach, scale = 2 + 10 * n[1], 2 + 5 * n[2]
    return map_coordinates(base, [y + reach * _noise(rng, scale), x + reach * _noise(rng, scale)], order=1, mode="wrap")


_FAMILIES = (_stripes, _checks, _clouds, _cells, _dots, _bricks, _rings, _leaves, _scratches, _swirls)
