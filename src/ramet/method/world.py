"""What an agent sees of the system during a cycle: the state that was published when the cycle began."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ramet.base.records import Path
from ramet.method.protocols import Score
from ramet.method.score import Holders, accounted_params, agent_of, holders, scored
from ramet.results import Others


@dataclass(frozen=True, eq=False)  # by identity, so that what follows from it can be cached
class World:
    """The published paths by task, and the roots. Who holds what is worked out when it is asked for."""

    published: Mapping[str, Path]
    roots: Sequence[Path]

    @staticmethod
    def of(published: Mapping[str, Path], roots: Iterable[Path]) -> "World":
        """Return the world of a state of the system."""
        return World(published, tuple(roots))

    @cached_property
    def held(self) -> Holders:
        """Return the agents that hold each component, by its digest."""
        return holders([*self.published.values(), *self.roots])

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
        """Return the parameters of a path, each divided among the agents that hold it (METHOD section 6)."""
        return accounted_params(path, self.held)

    def score(self, part: Score, path: Path) -> float:
        """Return the score of a measured path in this world; NaN where its quality is unknown."""
        return scored(part, path, self)


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
        agents = moved.get(digest, frozenset())
        moved[digest] = same.setdefault(agents, agents | {agent})
    return moved
