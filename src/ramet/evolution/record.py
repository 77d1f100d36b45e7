"""States of the search as the catalog has them, and how a path came about."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.base.records import Child, Path, Task
from ramet.method.document.presets import load
from ramet.method.document.schema import Method
from ramet.method.parts import Library
from ramet.method.plan import Rounds
from ramet.method.protocols import Features, no_features
from ramet.method.search import State, after, begin
from ramet.method.world import World
from ramet.store.catalog.agents import Agent, Terms
from ramet.store.catalog.catalog import Catalog
from ramet.store.objects import Objects
from ramet.vit import kinds

_ELSEWHERE = "replay it in the system where it was learned: only published paths travel, not the children of their runs"


@dataclass(frozen=True)
class Step:
    """A child on the way to a path.

    state is what it was proposed from, siblings the size of its generation, terms how it was trained.
    """

    state: State
    siblings: int
    child: Child
    terms: Terms

    @property
    def rounds(self) -> Rounds:
        """Return how much it was trained."""
        return Rounds(self.terms.rounds, self.terms.steps, self.terms.batch)


def cycle_states(
    catalog: Catalog,
    agent: Agent,
    cycle: int,
    method: Method,
    task: Task,
    features: Features = no_features,
    known: World | None = None,
) -> list[State]:
    """Return the states of a cycle on record: as it began, and after each of its generations.

    Args:
        catalog: where it is on record.
        agent: its agent.
        cycle: its number.
        method: the agent's, resolved.
        task: the agent's.
        features: what the images of tasks look like.
        known: the world that the cycle saw, where somebody has it; it is read otherwise.

    Raises:
        UnknownName: the cycle has not begun here.
    """
    seen = catalog.agents.cycle(agent.id, cycle)
    world = known
    if world is None or tuple(root.id for root in world.roots) != seen.roots:
        world = World.of(catalog.versions.published(seen.base), catalog.paths.many(seen.roots))
    know_kinds(catalog, [*world.published.values(), *world.roots])
    state = State(
        method=method,
        task=task.name,
        classes=len(task.classes),
        label=agent.label,
        agent=agent.id,
        seed=agent.seed,
        run=agent.number,
        cycle=cycle,
        generation=0,
        world=world,
        population=(),
        taken=tuple(catalog.agents.parents_taken(task.name, branch=agent.branch, before=(agent.id, cycle))),
        lineage=catalog.paths.ancestors,
        features=features,
    )
    states = [begin(state)]
    children = catalog.agents.children(agent.id, cycle=cycle)
    for generation in range(catalog.agents.generations_done(agent.id, cycle)):
        states.append(after(states[-1], [child for child in children if child.generation == generation]))
    return states


def know_kinds(catalog: Catalog, paths: Iterable[Path]) -> None:
    """Import the files of recorded methods, where they are here as they were, if a path has a component kind of one.

    What is not found stays unknown, and is an error with a remedy where it is used.
    """
    try:
        for name in {component.name for path in paths for component in path.components}:
            kinds.find(name)
    except UnknownName:
        for text in set(catalog.agents.score_terms().values()):  # each with the sources of its method
            with suppress(RametError):
                Library(json.loads(text).get("parts"))


def steps(catalog: Catalog, objects: Objects, path: Path, features: Features) -> tuple[Path, list[Step]]:
    """Return where the lineage of a path starts, and its steps from there, the first one first.

    It starts from the nearest ancestor that is a root, or whose objects are all here and which is another task's or was
    made elsewhere.

    Raises:
        InvalidValue: the path is a root, or was not kept.
        UnknownName: its run, or the children of that, are not on record here.
    """
    roots = {root.id for root in catalog.paths.roots().values()}
    if path.id in roots:
        raise InvalidValue(f"path {path.id} is a root, which no run has made", "name a task, or a path of one")
    line: list[tuple[Path, Agent, Child]] = []
    made: dict[str, dict[str, Child]] = {}
    agents = {agent.id: agent for agent in catalog.agents.all()}
    for ancestor in catalog.paths.ancestors(path.id):
        if ancestor.agent in agents and ancestor.agent not in made:
            made[ancestor.agent] = {child.path.id: child for child in catalog.agents.children(ancestor.agent)}
        child = made.get(ancestor.agent, {}).get(ancestor.id)
        foreign = bool(line) and (child is None or ancestor.task != path.task)
        if ancestor.id in roots or (foreign and all(digest in objects for digest in ancestor.digests())):
            return ancestor, _steps(catalog, line[::-1], features)
        if child is None:
            raise UnknownName(f"the run that made path {ancestor.id} is not on record", _ELSEWHERE)
        if child.status != "joined":
            raise InvalidValue(f"path {path.id} was not kept", "name a path that was better than its parent")
        line.append((child.path, agents[ancestor.agent], child))
    raise UnknownName(f"what path {line[-1][0].id} descends from is not on record", _ELSEWHERE)


def _steps(catalog: Catalog, line: Sequence[tuple[Path, Agent, Child]], features: Features) -> list[Step]:
    """Return the steps that made these paths; each cycle is read once."""
    tasks = {task.name: task for task in catalog.tasks.all(removed=True)}
    cycles: dict[tuple[str, int], tuple[list[State], list[Terms], list[Child]]] = {}
    found = []
    for _, agent, child in line:
        key = (agent.id, child.cycle)
        if key not in cycles:
            method = load(agent.method).resolved()
            states = cycle_states(catalog, agent, child.cycle, method, tasks[agent.task], features)
            cycles[key] = states, catalog.agents.terms(*key), catalog.agents.children(agent.id, cycle=child.cycle)
        states, terms, children = cycles[key]
        siblings = sum(other.generation == child.generation for other in children)
        found.append(Step(states[child.generation], siblings, child, terms[child.generation]))
    return found
