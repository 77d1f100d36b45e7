"""What an agent sees of the system during a cycle, and the score of a path in it (METHOD section 6).

It is the state that was published when the cycle began. The score is a path's quality, scaled down by the parameters
and compute that it accounts for.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isinf, nan

from pydantic import Field

from ramet.base.records import Path
from ramet.method.parts import Part, refuse, register, working
from ramet.method.protocols import Score
from ramet.results import Others
from ramet.vit import spec

Holders = Mapping[str, frozenset[str]]
"""The agents that hold a component, by its digest."""

_NOBODY = frozenset[str]()


def agent_of(path: Path) -> str:
    """Return who holds the components of a published path: its task, or the root itself."""
    return path.task if path.task is not None else f"root:{path.id}"


def path_flops(path: Path, classes: int) -> int:
    """Return the FLOPs of one forward pass of one image at the path's image size."""
    dimensions = spec.dimensions(path.hyperparameters, classes)
    return spec.flops(path.architecture, (c.name for c in path.components), dimensions)


def classes_of(path: Path) -> int:
    """Return the number of classes of a path: its head has as many weights as it is wide, and a bias, a class."""
    head = path.component("head")
    return head.size // (path.architecture.width + 1) if head else 0


@dataclass(frozen=True, eq=False)  # by identity, so that it can be the key of a cache
class World:
    """The published paths by task, and the roots. It is never changed; what follows from it is worked out once."""

    published: Mapping[str, Path]
    roots: Sequence[Path]

    @staticmethod
    def of(published: Mapping[str, Path], roots: Iterable[Path]) -> "World":
        """Return the world of a state of the system."""
        return World(published, tuple(roots))

    @cached_property
    def held(self) -> Holders:
        """Return the agents that hold each component (tasks, and `root:ID`), by its digest."""
        by_digest: defaultdict[str, list[str]] = defaultdict(list)
        for path in (*self.published.values(), *self.roots):
            for component in path.components:
                by_digest[component.digest].append(agent_of(path))
        # What many components have in common is one set, which is then quick to compare with itself.
        same: dict[frozenset[str], frozenset[str]] = {}
        sets = ((digest, frozenset(agents)) for digest, agents in by_digest.items())
        return {digest: same.setdefault(agents, agents) for digest, agents in sets}

    def publishing(self, path: Path) -> "World":
        """Return the world after a path was published; what this one knows already is carried on, not worked out anew.

        The path's task is its own: nothing that was published under another name is.
        """
        task = agent_of(path)
        before = self.published.get(task)
        known = World({**self.published, task: path}, self.roots)
        if "_in_order" in self.__dict__:
            place = bisect_left(self._in_order, task, key=agent_of)
            rest = place if before is None else place + 1
            known.__dict__["_in_order"] = [*self._in_order[:place], path, *self._in_order[rest:]]
        if "held" in self.__dict__:
            known.__dict__["held"] = _moved(self.held, before, path)
        return known

    def has(self, path: Path) -> bool:
        """Tell whether a path is published as its task's, or a root."""
        now = self.published.get(path.task) if path.task is not None else None
        return (now is not None and now.id == path.id) or any(root.id == path.id for root in self.roots)

    def others(self, task: str) -> Sequence[Path]:
        """Return the best paths of the other tasks, in the order of their names."""
        known = self._in_order
        return known if task not in self.published else [path for path in known if path.task != task]

    @cached_property
    def _in_order(self) -> list[Path]:
        return [self.published[task] for task in sorted(self.published)]

    def sharing(self) -> dict[str, Others]:
        """Return the tasks that hold a component of each task's path.

        What a root has may be held by all, so that all share with all: such names are held once for all of them.
        """
        known: dict[frozenset[frozenset[str]], tuple[str, ...]] = {}
        found = {}
        for task, path in self.published.items():
            groups = self._groups(path)
            if groups not in known:
                known[groups] = tuple(sorted(frozenset[str]().union(*groups) & self.published.keys()))
            found[task] = Others(known[groups] or (task,), task)
        return found

    def _groups(self, path: Path) -> frozenset[frozenset[str]]:
        """Return who holds what of a published path, if not it alone; just everybody, if they do."""
        found = set()
        for component in path.components:
            agents = self.held[component.digest]
            if len(agents) == len(self.published) + len(self.roots):
                return frozenset({agents})
            if len(agents) > 1:
                found.add(agents)
        return frozenset(found)

    def accounted_params(self, path: Path) -> float:
        """Return the parameters of a path, each divided among the agents that hold it, the path's own included.

        It changes as the system grows.
        """
        own, total, held = agent_of(path), 0.0, self.held
        for component in path.components:  # a plain loop: a status of 10,000 tasks runs it half a million times
            agents = held.get(component.digest, _NOBODY)
            total += component.size / (len(agents) if own in agents else len(agents) + 1)
        return total

    def score(self, part: Score, path: Path) -> float:
        """Return the score of a measured path in this world by a part; NaN where its quality is unknown.

        Raises:
            PartError: the part fails, or answers with no number.
        """
        with working(part):
            found = part.score(path, path.metrics.get("quality", nan), self)
        if not isinstance(found, int | float) or isinstance(found, bool) or isinf(found):
            refuse(part, found, "a finite number, or NaN for a quality of NaN")
        return float(found)


def _moved(held: Holders, before: Path | None, now: Path) -> Holders:
    """Return who holds what once an agent's path is another one; equal sets stay one object."""
    agent, moved = agent_of(now), dict(held)
    new = {c.digest for c in now.components}
    old = {c.digest for c in before.components} if before else set()
    same: dict[frozenset[str], frozenset[str]] = {}
    for digest in old - new:
        agents = moved[digest]
        left = same.setdefault(agents, agents - {agent})
        if left:
            moved[digest] = left
        else:
            del moved[digest]
    same.clear()
    for digest in new - old:
        agents = moved.get(digest, _NOBODY)
        moved[digest] = same.setdefault(agents, agents | {agent})
    return moved


@register("score", "size-and-compute")
class SizeAndCompute(Part):
    """quality * s ** (parameters / P) * s ** (FLOPs / F), of METHOD section 6; a penalty without its unit is off."""

    factor: float = Field(default=1.0, gt=0, le=1)
    params: float | None = Field(default=None, gt=0)
    flops: float | None = Field(default=None, gt=0)

    def score(self, path: Path, quality: float, world: World) -> float:
        """Return the quality, scaled down by the accounted parameters and by the FLOPs."""
        accounted = 0.0 if self.params is None else world.accounted_params(path)
        flops = 0 if self.flops is None else path_flops(path, classes_of(path))
        return self.penalised(quality, accounted, flops)

    def penalised(self, quality: float, accounted: float, flops: float) -> float:
        """Return quality * s ** (accounted / P) * s ** (flops / F); NaN stays NaN."""
        for cost, unit in ((accounted, self.params), (flops, self.flops)):
            if unit is not None:
                quality *= self.factor ** (cost / unit)
        return quality
