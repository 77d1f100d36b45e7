"""What an agent sees of the system during a cycle: the state that was published when the cycle began."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ramet.method.schema import Score
from ramet.method.score import Holders, accounted_params, holders, path_flops, score
from ramet.records import Path


@dataclass(frozen=True)
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
        return [path for name, path in sorted(self.published.items()) if name != task]

    def accounted_params(self, path: Path) -> float:
        """Parameters of a path, each divided among the agents that hold it (METHOD section 6)."""
        return accounted_params(path, self.held)

    def score(self, terms: Score, path: Path, classes: int) -> float:
        """The score of a measured path in this world; NaN where its quality is unknown."""
        quality = path.metrics.get("quality", float("nan"))
        return score(terms, quality, self.accounted_params(path), path_flops(path, classes))
