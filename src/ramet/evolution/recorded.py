"""How a path came about, as the catalog has it: the children that lead to it, and all that their plans were made from.

A run records no state of the system; the one that a cycle began from is read off the commit that ended it: the commit
before that one. Where another run published in between, that one's path is taken for the earlier one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ramet.errors import InvalidValue, UnknownName
from ramet.evolution.world import World
from ramet.method.mutation import plan_child, plan_data
from ramet.method.plan import ChildPlan
from ramet.method.presets import load
from ramet.method.schema import Method
from ramet.method.selection import Member, best, prune
from ramet.randomness import Key, generator
from ramet.records import Child, Path, Task
from ramet.store.agents import Agent
from ramet.store.catalog import Catalog
from ramet.store.objects import Objects

_ELSEWHERE = "replay it in the system where it was learnt: only published paths travel, not the children of their runs"


@dataclass(frozen=True)
class RecordedCycle:
    """A cycle of a run: its method, its children in their order, and the system that it saw."""

    catalog: Catalog
    agent: Agent
    number: int
    method: Method
    world: World
    children: Sequence[Child]

    @property
    def key(self) -> Key:
        """What keys all its draws."""
        return (self.agent.seed, self.agent.task, self.agent.number, self.number)

    def plan(self, child: Child, task: Task) -> ChildPlan:
        """Plan one of its children again, of the parent that is on record."""
        members = self._population(child.generation, len(task.classes))
        leader, drawn = best(members), (*self.key, child.generation)
        best_path = None if leader is None else self.catalog.path(leader)
        root = self.world.roots[0].architecture
        parent, *older = self.catalog.ancestors(child.path.parent or "")
        alive = {id for id, _ in members} | {p.id for p in (*self.world.others(task.name), *self.world.roots)}
        return plan_child(
            self.method,
            parent,
            task=task.name,
            classes=len(task.classes),
            agent=self.agent.id,
            data=plan_data(self.method, best_path, root, generator(*drawn, "data")),
            ancestors=[parent, *(path for path in older if path.id in alive)],
            rng=generator(*drawn, child.number, "plan"),
        )

    def _population(self, generation: int, classes: int) -> list[Member]:
        """The members and their scores when a generation began."""
        start = self.world.published.get(self.agent.task)
        members = [] if start is None else [(start.id, self.world.score(self.method.score, start, classes))]
        for earlier in range(generation):
            joined = (c.path for c in self.children if c.generation == earlier and c.status == "joined")
            members = prune([*members, *((p.id, p.metrics["score"]) for p in joined)], self.method.max_population)
        return members


@dataclass(frozen=True)
class RecordedStep:
    """A child on the way to a path, and the cycle that made it."""

    cycle: RecordedCycle
    child: Child


def recorded_steps(catalog: Catalog, objects: Objects, path: Path) -> tuple[Path, list[RecordedStep]]:
    """Where the lineage of a path starts, and its steps from there, the first one first.

    It starts from the nearest ancestor that is a root, or another task's whose objects are all there.

    Raises:
        InvalidValue: the path is a root, or was never published.
        UnknownName: its run, or the children of that, are not on record here.
    """
    roots = {root.id for root in catalog.roots().values()}
    if path.id in roots:
        raise InvalidValue(f"path {path.id} is a root, which no run has made", "name a task, or a path of one")
    lineage: list[Path] = []
    for ancestor in catalog.ancestors(path.id):
        foreign = ancestor.task != path.task and all(digest in objects for digest in ancestor.digests())
        if ancestor.id in roots or foreign:
            return ancestor, [*_steps(catalog, lineage[::-1])]
        lineage.append(ancestor)
    raise UnknownName(f"what path {lineage[-1].id} descends from is not on record", _ELSEWHERE)


def otherwise(plan: ChildPlan, child: Child) -> tuple[str, ...]:
    """What a plan has otherwise than the record of its child, in words."""
    record = child.path
    frozen = {c.name: c.digest for c in record.components if c.name not in record.trained}
    recorded: dict[str, Mapping[str, object]] = {
        "": record.hyperparameters,
        "µ of ": record.mu,
        "component ": {c.name: frozen.get(c.name, "trained") for c in record.components},
        "mutation ": dict.fromkeys(child.mutations, "drawn"),
    }
    planned: dict[str, Mapping[str, object]] = {
        "": plan.hyperparameters,
        "µ of ": plan.mu,
        "component ": {p.name: "trained" if p.trainable or not p.origin else p.origin.digest for p in plan.parts},
        "mutation ": dict.fromkeys(plan.mutations, "drawn"),
    }
    return tuple(
        f"{kind}{name}: {_short(values.get(name))} recorded, {_short(planned[kind].get(name))} planned"
        for kind, values in recorded.items()
        for name in dict.fromkeys([*values, *planned[kind]])
        if values.get(name) != planned[kind].get(name)
    )


def _steps(catalog: Catalog, lineage: list[Path]) -> Iterator[RecordedStep]:
    """The children that made these paths; those of one cycle share its record."""
    agents = {agent.id: agent for agent in catalog.agents()}
    ends: dict[tuple[str, int], Path] = {}
    made: list[tuple[Agent, Child]] = []
    for path in lineage:
        agent = agents.get(path.agent)
        child = None if agent is None else next((c for c in catalog.children(agent.id) if c.path.id == path.id), None)
        if agent is None or child is None:
            raise UnknownName(f"the run that made path {path.id} is not on record", _ELSEWHERE)
        made.append((agent, child))
        ends[agent.id, child.cycle] = path
    cycles = {key: _cycle(catalog, agents[key[0]], key[1], end) for key, end in ends.items()}
    return (RecordedStep(cycles[agent.id, child.cycle], child) for agent, child in made)


def _cycle(catalog: Catalog, agent: Agent, number: int, end: Path) -> RecordedCycle:
    """A cycle by the last path of it that counts: the one that it published."""
    commits = [commit for commit in catalog.publishing(end.id) if commit.method == agent.label]
    if not commits:
        raise InvalidValue(f"path {end.id} was never published", "`ramet log` shows what was")
    world = World.of(catalog.published(commits[0].parents[0]), catalog.roots().values())
    children = catalog.children(agent.id, cycle=number)
    return RecordedCycle(catalog, agent, number, load(agent.method), world, children)


def _short(value: object) -> str:
    """A value, or the start of a digest; what is not there is none."""
    return "none" if value is None else str(value)[:12]
