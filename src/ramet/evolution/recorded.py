"""A child of a run as the catalog has it, with all that its plan was made from: to be planned again and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ramet.base.randomness import Key, generator
from ramet.base.records import Child, Task
from ramet.method.document.schema import Method
from ramet.method.draft import Draft
from ramet.method.mutation import plan_child, plan_data
from ramet.method.plan import ChildPlan
from ramet.method.protocols import Member
from ramet.method.selection import best, pruned
from ramet.method.world import World
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.catalog import Catalog


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
        members = self._population(child.generation)
        drawn = (*self.key, child.generation)
        root = self.world.roots[0].architecture
        parent, *older = self.catalog.paths.ancestors(child.path.parent or "")
        live = (*(member.path for member in members), *self.world.published.values(), *self.world.roots)
        alive = {path.id for path in live}
        return plan_child(
            Draft(
                self.method,
                parent,
                task=task.name,
                classes=len(task.classes),
                agent=self.agent.id,
                data=plan_data(self.method, best(members), root, generator(*drawn, "data")),
                ancestors=[parent, *(path for path in older if path.id in alive)],
                rng=generator(*drawn, child.number, "plan"),
            )
        )

    def _population(self, generation: int) -> list[Member]:
        """The members and their scores when a generation began."""
        start, method = self.world.published.get(self.agent.task), self.method
        members = [] if start is None else [Member(start, self.world.score(method.score, start))]
        for earlier in range(generation):
            joined = (c.path for c in self.children if c.generation == earlier and c.status == "joined")
            members += [Member(path, path.metrics["score"]) for path in joined]
            members = pruned(method.pruning, members, method.max_population)
        return members


@dataclass(frozen=True)
class RecordedStep:
    """A child on the way to a path, and the cycle that made it."""

    cycle: RecordedCycle
    child: Child


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


def _short(value: object) -> str:
    """A value, or the start of a digest; what is not there is none."""
    return "none" if value is None else str(value)[:12]
