"""The score of a path: its quality, scaled down by the parameters and compute it accounts for (METHOD section 6)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import isinf, nan

from pydantic import Field

from ramet.base.records import Path
from ramet.method.parts import Part, refuse, register, working
from ramet.method.protocols import Score, World
from ramet.vit import spec

Holders = Mapping[str, frozenset[str]]
"""The agents that hold a component, by its digest."""

_NOBODY = frozenset[str]()


def agent_of(path: Path) -> str:
    """Return who holds the components of a published path: its task, or the root itself."""
    return path.task if path.task is not None else f"root:{path.id}"


def holders(published: Iterable[Path]) -> Holders:
    """Return the agents that hold each component of a system.

    Args:
        published: the best path of every task, and the roots.
    """
    by_digest: defaultdict[str, list[str]] = defaultdict(list)
    for path in published:
        agent = agent_of(path)
        for component in path.components:
            by_digest[component.digest].append(agent)
    # What many components have in common is one set, which is then quick to compare with itself.
    same: dict[frozenset[str], frozenset[str]] = {}
    sets = ((digest, frozenset(agents)) for digest, agents in by_digest.items())
    return {digest: same.setdefault(agents, agents) for digest, agents in sets}


def accounted_params(path: Path, held: Holders) -> float:
    """Return the sum of the path's component sizes, each shared by the agents that hold it, the path's own included.

    It changes as the system grows: held is the system of now.
    """
    own, total = agent_of(path), 0.0
    for component in path.components:  # a plain loop: a status of 10,000 tasks runs it half a million times
        agents = held.get(component.digest, _NOBODY)
        total += component.size / (len(agents) if own in agents else len(agents) + 1)
    return total


def path_flops(path: Path, classes: int) -> int:
    """Return the FLOPs of one forward pass of one image at the path's image size."""
    dimensions = spec.dimensions(path.hyperparameters, classes)
    return spec.flops(path.architecture, (c.name for c in path.components), dimensions)


def classes_of(path: Path) -> int:
    """Return the number of classes of a path: its head has as many weights as it is wide, and a bias, a class."""
    head = path.component("head")
    return head.size // (path.architecture.width + 1) if head else 0


@register("score", "size-and-compute")
class SizeAndCompute(Part):
    """quality * s ** (parameters / P) * s ** (FLOPs / F), of METHOD section 6; a penalty without its unit is off."""

    factor: float = Field(default=1.0, gt=0, le=1)
    params: float | None = Field(default=None, gt=0)
    flops: float | None = Field(default=None, gt=0)

    def score(self, path: Path, quality: float, world: World) -> float:
        """Return the quality, scaled down by the accounted parameters and by the FLOPs."""
        accounted = 0.0 if self.params is None else accounted_params(path, world.held)
        flops = 0 if self.flops is None else path_flops(path, classes_of(path))
        return self.penalised(quality, accounted, flops)

    def penalised(self, quality: float, accounted: float, flops: float) -> float:
        """Return quality * s ** (accounted / P) * s ** (flops / F); NaN stays NaN."""
        for cost, unit in ((accounted, self.params), (flops, self.flops)):
            if unit is not None:
                quality *= self.factor ** (cost / unit)
        return quality


def scored(part: Score, path: Path, world: World) -> float:
    """Return the score of a measured path in a world by a part; NaN where its quality is unknown.

    Raises:
        PartError: the part fails, or answers with no number.
    """
    quality = path.metrics.get("quality", nan)
    with working(part):
        found = part.score(path, quality, world)
    if not isinstance(found, int | float) or isinstance(found, bool) or isinf(found):
        refuse(part, found, "a finite number, or NaN for a quality of NaN")
    return float(found)
