"""Labels that are computed from a record's annotations, for those data sets of VTAB that have no such class label.

A rule reads one record as tfds gives it: nested dictionaries of arrays. Distances are put into bins: a bin holds what
is greater than its lower edge and not greater than the next one; the last one has no end.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

CYLINDER = 2
"""The index of this shape among those of clevr: cube, sphere, cylinder."""

VEHICLES = 3
"""The types of kitti's objects begin with so many kinds of vehicles: car, van, truck."""

Record = Mapping[str, Any]

_CLEVR_DEPTHS = (0.0, 8.0, 8.5, 9.0, 9.5, 10.0, 100.0)
_KITTI_DISTANCES = (-100.0, 5.6, 8.4, 13.4, 23.4)
_KITTI_VEHICLE_DISTANCES = (-100.0, 8.0, 20.0, 999.0)


@dataclass(frozen=True, slots=True)
class LabelRule:
    """of gives a record's label, an index of the classes' names."""

    of: Callable[[Record], int]
    classes: tuple[str, ...]


def bin_of(value: float, edges: Sequence[float]) -> int:
    """Return the bin whose edges a value lies between: `edges[i] < value <= edges[i + 1]`; -1 where it is below all."""
    return bisect_left(edges, value) - 1


def _nearest(distances: Iterable[float], edges: Sequence[float]) -> int:
    return bin_of(min(distances, default=1000.0), edges)


def _clevr_depths(record: Record) -> list[float]:
    return [float(depth) for _, _, depth in record["objects"]["pixel_coords"]]


def _kitti_distances(record: Record, kinds: int = 1000) -> list[float]:
    """Return how far in front of the camera the objects are, of the first so many kinds."""
    objects = zip(record["objects"]["type"], record["objects"]["location"], strict=True)
    return [float(z) for kind, (_, _, z) in objects if kind < kinds]


def _bins(edges: Sequence[float]) -> tuple[str, ...]:
    """Return names of the bins that begin at each edge; nothing is below the first one."""
    between = (f"{low:g} to {high:g}" for low, high in pairwise(edges[1:]))
    return (f"up to {edges[1]:g}", *between, f"over {edges[-1]:g}")


RULES: Mapping[str, LabelRule] = {
    "clevr.cylinders": LabelRule(
        lambda record: sum(int(shape) == CYLINDER for shape in record["objects"]["shape"]), tuple(map(str, range(11)))
    ),
    "clevr.objects": LabelRule(lambda record: len(record["objects"]["size"]) - 3, tuple(map(str, range(3, 11)))),
    "clevr.nearest": LabelRule(
        lambda record: _nearest(_clevr_depths(record), _CLEVR_DEPTHS),
        _bins(_CLEVR_DEPTHS[:-1]),  # nothing lies beyond the last edge
    ),
    "kitti.nearest": LabelRule(
        lambda record: _nearest(_kitti_distances(record), _KITTI_DISTANCES), _bins(_KITTI_DISTANCES)
    ),
    "kitti.vehicles": LabelRule(
        lambda record: min(len(_kitti_distances(record, VEHICLES)), 3), ("0", "1", "2", "3 or more")
    ),
    "kitti.nearest_vehicle": LabelRule(
        lambda record: _nearest(_kitti_distances(record, VEHICLES), _KITTI_VEHICLE_DISTANCES),
        (*_bins(_KITTI_VEHICLE_DISTANCES[:-1]), "none"),
    ),
}
"""The rules by the names that the papers' list has for them."""
