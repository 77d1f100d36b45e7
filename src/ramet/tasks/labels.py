"""Labels that are computed from a record's annotations, for those data sets of VTAB that have no such class label.

A rule reads one record as tfds gives it: nested dictionaries of arrays. Distances are put into bins: a bin holds what
is greater than its lower edge and not greater than the next one; the last one has no end.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

CYLINDER = 2
"""The index of this shape among those of clevr: cube, sphere, cylinder."""

VEHICLES = 3
"""The types of kitti's objects begin with so many kinds of vehicles: car, van, truck."""

FAR_AWAY = 1000.0
"""The distance of the nearest object where there is none."""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LabelRule:
    """of gives a record's label, an index of the classes' names."""

    of: Callable[[Record], int]
    classes: tuple[str, ...]


def bin_of(value: float, edges: Sequence[float]) -> int:
    """Return the bin whose edges a value lies between: `edges[i] < value <= edges[i + 1]`; -1 where it is below all."""
    return bisect_left(edges, value) - 1


def _clevr_cylinders(record: Record) -> int:
    return sum(int(shape) == CYLINDER for shape in record["objects"]["shape"])


def _clevr_objects(record: Record) -> int:
    return len(record["objects"]["size"]) - 3


def _clevr_nearest(record: Record) -> int:
    depths = [float(depth) for _, _, depth in record["objects"]["pixel_coords"]]
    return bin_of(min(depths, default=FAR_AWAY), _CLEVR_DEPTHS)


def _kitti_nearest(record: Record) -> int:
    return bin_of(min((z for _, z in _kitti_objects(record)), default=FAR_AWAY), _KITTI_DISTANCES)


def _kitti_vehicles(record: Record) -> int:
    return min(sum(kind < VEHICLES for kind, _ in _kitti_objects(record)), 3)


def _kitti_nearest_vehicle(record: Record) -> int:
    distances = [z for kind, z in _kitti_objects(record) if kind < VEHICLES]
    return bin_of(min(distances, default=FAR_AWAY), _KITTI_VEHICLE_DISTANCES)


def _kitti_objects(record: Record) -> list[tuple[int, float]]:
    """Return the type of each object, and how far in front of the camera it is."""
    objects = record["objects"]
    return [(int(kind), float(z)) for kind, (_, _, z) in zip(objects["type"], objects["location"], strict=True)]


def _bins(edges: Sequence[float]) -> tuple[str, ...]:
    """Return names of the bins that begin at each edge; nothing is below the first one."""
    between = (f"{low:g} to {high:g}" for low, high in pairwise(edges[1:]))
    return (f"up to {edges[1]:g}", *between, f"over {edges[-1]:g}")


_CLEVR_DEPTHS = (0.0, 8.0, 8.5, 9.0, 9.5, 10.0, 100.0)
_KITTI_DISTANCES = (-100.0, 5.6, 8.4, 13.4, 23.4)
_KITTI_VEHICLE_DISTANCES = (-100.0, 8.0, 20.0, 999.0)

RULES: Mapping[str, LabelRule] = {
    "clevr.cylinders": LabelRule(_clevr_cylinders, tuple(str(count) for count in range(11))),
    "clevr.objects": LabelRule(_clevr_objects, tuple(str(count) for count in range(3, 11))),
    "clevr.nearest": LabelRule(_clevr_nearest, _bins(_CLEVR_DEPTHS[:-1])),  # nothing lies beyond the last edge
    "kitti.nearest": LabelRule(_kitti_nearest, _bins(_KITTI_DISTANCES)),
    "kitti.vehicles": LabelRule(_kitti_vehicles, ("0", "1", "2", "3 or more")),
    "kitti.nearest_vehicle": LabelRule(_kitti_nearest_vehicle, (*_bins(_KITTI_VEHICLE_DISTANCES[:-1]), "none")),
}
"""The rules by the names that the papers' list has for them."""
