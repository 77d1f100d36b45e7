"""What an agent sees of the system during a cycle: the state that was published when the cycle began."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ramet.base.records import Path
from ramet.method.protocols import Score
from ramet.method.score import Holders, accounted_params, holders, scored
from ramet.results import Others


@dataclass(frozen=True, eq=False)  # by identity, so that what follows from it can be cached
class World:
    """The published paths by task, the roots, and which agents hold what."""

    published: Mapping[str, Path]
    roots: Sequence[Path]
    held: Holders

    @staticmethod
    def of(published: Mapping[str, Path], roots: Iterable[Path]) -> "World":
        """The world of a state of the system."""
        roots = tuple(roots)
        return World(published, roots, holders([*published.values(), *roots]))

    def others(self, task: str) -> list[Path]:
        """The best paths of the other tasks, in the order of their names."""
        return [path for name, path in self._in_order if name != task]

    @cached_property
    def _in_order(self) -> list[tuple[str, Path]]:
        return sorted(self.published.items())

    def sharing(self) -> dict[str, Others]:
        """The tasks that hold a component of each task's path.

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
        """Who holds what of a published path, if not it alone; just everybody, if they do."""
        found = set()
        for component in path.components:
            agents = self.held[component.digest]
            if len(agents) == len(self.published) + len(self.roots):
                return frozenset({agents})
            if len(agents) > 1:
                found.add(agents)
        return frozenset(found)

    def accounted_params(self, path: Path) -> float:
        """Parameters of a path, each divided among the agents that hold it (METHOD section 6)."""
        return accounted_params(path, self.held)

    def score(self, part: Score, path: Path) -> float:
        """The score of a measured path in this world; NaN where its quality is unknown."""
        return scored(part, path, self)
