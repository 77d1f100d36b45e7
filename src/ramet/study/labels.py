"""Puts the labels of a plot where there is room, so that none covers another, a marker or a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin

RADII = (7, 10, 14, 20, 28, 38, 50, 64)
DIRECTIONS = (0, 180, 90, 270, 40, 140, 220, 320)
"""Distances from the point (in points of 1/72 inch) and directions (in degrees) that are tried, the best first."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its left, lower, right and upper edge."""

    left: float
    low: float
    right: float
    high: float

    def overlap(self, other: "Box") -> float:
        """Return the area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.high, other.high) - max(self.low, other.low)
        return max(width, 0.0) * max(height, 0.0)

    @property
    def area(self) -> float:
        """Return its size."""
        return self.overlap(self)


Point = tuple[float, float]


def around(point: Point, half: float) -> Box:
    """Return a square about a point."""
    return Box(point[0] - half, point[1] - half, point[0] + half, point[1] + half)


def along(start: Point, end: Point, half: float = 1.0) -> Iterable[Box]:
    """Yield small squares that cover a line."""
    steps = max(1, round(hypot(end[0] - start[0], end[1] - start[1]) / (2 * half)))
    for i in range(steps + 1):
        part = i / steps
        yield around((start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])), half)


def placed(points: Sequence[Point], sizes: Sequence[Point], obstacles: Sequence[Box], frame: Box) -> list[Box]:
    """Return a box of its size near every point, in order: the nearest that is free, else the least covered."""
    taken: list[Box] = []
    for point, size in zip(points, sizes, strict=True):
        taken.append(_best(point, size, [*obstacles, *(_grown(box, 1.5) for box in taken)], frame))
    return taken


def _best(point: Point, size: Point, obstacles: Sequence[Box], frame: Box) -> Box:
    least, best = float("inf"), around(point, 0)
    for radius in RADII:
        for direction in DIRECTIONS:
            box = _beside(point, size, radius, direction)
            covered = sum(box.overlap(other) for other in obstacles) + box.area - box.overlap(frame)
            if covered < least - 1e-9:
                least, best = covered, box
            if least <= 1e-9:
                return best
    return best


def _beside(point: Point, size: Point, radius: float, direction: float) -> Box:
    """Return the box in that direction whose nearest edge or corner is that far away."""
    across, up = round(cos(radians(direction)), 9), round(sin(radians(direction)), 9)
    left = point[0] + across * radius - size[0] * (0.5 if across == 0 else float(across < 0))
    low = point[1] + up * radius - size[1] * (0.5 if up == 0 else float(up < 0))
    return Box(left, low, left + size[0], low + size[1])


def _grown(box: Box, by: float) -> Box:
    return Box(box.left - by, box.low - by, box.right + by, box.high + by)
