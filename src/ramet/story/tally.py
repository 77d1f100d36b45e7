"""What a system amounts to, kept up while its tasks get other paths: each change costs what its path holds."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan

from ramet.base.records import Path
from ramet.method.score import path_flops


@dataclass
class _Holding:
    """Who holds a component: how many tasks and roots, and how often its parameters stand in their paths."""

    size: int = 0
    roots: int = 0
    tasks: int = 0
    times: int = 0

    @property
    def accounted(self) -> float:
        """What all tasks together account for of it."""
        return self.size * self.times / (self.tasks + self.roots) if self.tasks else 0.0


@dataclass
class _Mean:
    """The mean of numbers that come and go; NaN is none."""

    total: float = 0.0
    count: int = 0

    def change(self, value: float, sign: int) -> None:
        if not isnan(value):
            self.total += sign * value
            self.count += sign

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


class Tally:
    """The published paths of a system, and sums over them.

    Args:
        roots: the paths that share what they hold with the tasks.
        classes: of every task, how many there are.
    """

    def __init__(self, roots: Iterable[Path], classes: Mapping[str, int]) -> None:
        self.published: dict[str, Path] = {}
        self.params = 0
        self.quality, self.test_quality, self.flops = _Mean(), _Mean(), _Mean()
        self._accounted = 0.0
        self._classes = classes
        self._held: defaultdict[str, _Holding] = defaultdict(_Holding)
        for root in roots:
            for digest in {c.digest for c in root.components}:
                self._held[digest].roots += 1

    @property
    def accounted_params(self) -> float | None:
        """The mean over tasks of their parameters, each divided by those that hold it (METHOD section 6)."""
        return self._accounted / len(self.published) if self.published else None

    def publish(self, task: str, path: Path | None) -> None:
        """Give a task another path, or take it out."""
        before = self.published.pop(task, None)
        if before is not None:
            self._count(before, task, -1)
        if path is not None:
            self._count(path, task, 1)
            self.published[task] = path

    def _count(self, path: Path, task: str, sign: int) -> None:
        self.quality.change(path.metrics.get("quality", float("nan")), sign)
        self.test_quality.change(path.metrics.get("test_quality", float("nan")), sign)
        self.flops.change(path_flops(path, self._classes[task]), sign)
        sizes = {c.digest: c.size for c in path.components}
        for digest, times in Counter(c.digest for c in path.components).items():
            held = self._held[digest]
            self._accounted -= held.accounted
            held.size, held.times, held.tasks = sizes[digest], held.times + sign * times, held.tasks + sign
            self._accounted += held.accounted
            self.params += sign * held.size * (held.tasks == (1 if sign > 0 else 0))
