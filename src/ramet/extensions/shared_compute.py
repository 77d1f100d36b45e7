"""A score: compute that tasks share is accounted for as parameters are, divided among those that share it.

Tasks whose paths begin with the same frozen components, at the same image size, can be served by running this prefix
once for all of them. What one of them accounts for is its share of the prefix, and all of what comes after.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from ramet.base.records import Path
from ramet.method.parts import register
from ramet.method.world import SizeAndCompute, World, classes_of
from ramet.vit import spec

Prefix = tuple[object, ...]
Sharers = Mapping[Prefix, frozenset[str]]
"""The tasks whose published paths begin with a prefix."""


@register("score", "shared-compute")
class SharedCompute(SizeAndCompute):
    """As size-and-compute, with the FLOPs of every shared prefix divided among the tasks that share it."""

    def score(self, path: Path, quality: float, world: World) -> float:
        """Return the quality, scaled down by the accounted parameters and the accounted FLOPs."""
        return self.penalised(quality, world.accounted_params(path), accounted_flops(path, world))


def accounted_flops(path: Path, world: World) -> float:
    """Return the FLOPs of one forward pass, those of a component divided among the tasks that share all up to it."""
    dimensions = spec.dimensions(path.hyperparameters, classes_of(path))
    sharers, own = _sharers(world), {path.task}
    total = 0.0
    for component, prefix in zip(path.components, _prefixes(path), strict=True):
        flops = spec.component_flops(path.architecture, component.name, dimensions)
        total += flops / len(sharers.get(prefix, frozenset()) | own)
    return total


@lru_cache(maxsize=4)  # a world scores many paths
def _sharers(world: World) -> Sharers:
    found: defaultdict[Prefix, set[str]] = defaultdict(set)
    for task, path in world.published.items():
        for prefix in _prefixes(path):
            found[prefix].add(task)
    return {prefix: frozenset(tasks) for prefix, tasks in found.items()}


def _prefixes(path: Path) -> Iterator[Prefix]:
    """Yield, for every component of a path, it and all before it: equal for equal beginnings, and only for those."""
    so_far: Prefix = (path.architecture, path.hyperparameters["data.image_size"])
    for component in path.components:
        so_far = (so_far, component.name, component.digest)
        yield so_far
