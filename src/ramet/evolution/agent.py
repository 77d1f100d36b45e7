"""One run of a method on one task: cycles of generations, each on record before the next begins (METHOD section 2).

An agent reads the state that is on record, asks the search for plans, hands them to an engine, and records what the
search makes of the results. Every draw is keyed, so a run that was killed goes on with the generation that is not on
record as if it had not been.
"""

import json
import math
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ramet.base.errors import RametError, UnknownName
from ramet.base.progress import Progress
from ramet.base.records import Path, Task
from ramet.engine.contract import Engine, Generation
from ramet.evolution.observer import Clock, Observer, Plan
from ramet.evolution.pace import TRIAL_STEPS, filling, fitting, generation_flops, trial, validated, validation_flops
from ramet.method.document.schema import Method
from ramet.method.parts import Library
from ramet.method.plan import ChildPlan, Rounds
from ramet.method.protocols import Images
from ramet.method.search import State, after, begin, judge, propose
from ramet.method.world import World
from ramet.store.care import needed, unheld
from ramet.store.catalog.agents import Agent, Terms
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.leases import Lease
from ramet.store.objects import Objects
from ramet.vit import kinds

MARGIN = 0.9
"""The part of the time left that is planned with: paces vary."""

LEAST = 0.1
"""Of its training, what a generation must get once something was learned; less would hardly find anything better."""


@dataclass(frozen=True)
class Lab:
    """The things an agent works with: the system's store, an engine, the task with its lease, somebody who watches.

    images is what parts may ask about those of tasks. deadline, on the clock, ends the run early:
    trainings are shortened to end before it, the best path so far is published, and what is left is dropped.
    """

    catalog: Catalog
    objects: Objects
    engine: Engine
    lease: Lease
    task: Task
    observer: Observer
    images: Images = field(default_factory=Images)
    deadline: float = math.inf
    clock: Clock = time.monotonic


class Run:
    """Carries out an agent from where the catalog says it is."""

    def __init__(self, lab: Lab, agent: Agent, method: Method) -> None:
        self.lab = lab
        self.agent = agent
        self.method = method.resolved()
        self._full = Rounds.of(self.method, lab.task.splits["train"])
        self._validation = validated(self.method, lab.task)
        self._pace: float | None = None
        self._published: tuple[str, World] | None = None

    def run(self) -> None:
        """Run the cycles that are left."""
        agent, agents = self.agent, self.lab.catalog.agents
        done = agents.count_children(agent.id, cycle=agent.cycle)
        self.lab.observer.run_started(Plan(agent.task, agent.label, agent.cycles, agent.samples, agent.cycle, done))
        while self.agent.state == "running":
            self._cycle()
            self.agent = agents.get(agent.id)
            if self.agent.state == "running" and self._is_over():
                agents.finish(agent.id)
                break

    def _cycle(self) -> None:
        lab, catalog = self.lab, self.lab.catalog
        self.agent = agent = catalog.agents.begin_cycle(self.agent.id)
        known = self._published[1] if self._published and self._published[0] == agent.base else None
        states = cycle_states(catalog, agent, agent.cycle, self.method, lab.task, lab.images, known)
        done, state = len(states[-1].taken) - len(states[0].taken), states[-1]
        while done < agent.samples:
            count = min(self.method.budget.generation, agent.samples - done)
            later = self._generation(state, count, done)
            if later is None:
                break
            done, state = done + count, later
        if done:
            self._publish(state)
            return
        if state.best is None:
            lab.observer.noted(f"the time limit leaves no time to learn {agent.task}")
        catalog.agents.finish(agent.id)

    def _generation(self, state: State, count: int, done: int) -> State | None:
        """Plan, train and record one generation; return the state after it, None if there is no time for it."""
        lab, agent = self.lab, self.agent
        plans = propose(state, count)
        rounds = self._rounds(state, plans)
        if rounds is None:
            return None
        lab.observer.generation_started(agent.cycle, done, count, _top(state))
        began = lab.clock()
        # it ends at the deadline where there is something to publish
        progress = _Bounded(lab) if lab.deadline < math.inf and state.population else lab.observer
        generation = Generation(lab.task, self.method, state.key, plans, tuple(range(count)), rounds)
        try:
            results = lab.engine.train(generation, progress)
        except _TimeIsUp:
            return None
        self._pace = (lab.clock() - began) / generation_flops(plans, rounds, self._validation)
        later, children = judge(state, plans, results)
        lab.lease.ensure()
        terms = Terms(rounds.count, rounds.steps, rounds.batch, lab.engine.place)
        alive = [path.id for path, _ in later.population]
        lab.catalog.agents.record_generation(agent.id, agent.cycle, state.generation, children, alive, terms)
        lost = [result for result in results if children[result.number].status != "joined"]
        made = {digest for result in lost for pair in result.digests.values() for digest in pair}
        self._delete(unheld(lab.catalog, made))
        lab.observer.generation_finished(children, _top(later))
        return later

    def _rounds(self, state: State, plans: tuple[ChildPlan, ...]) -> Rounds | None:
        """Return how much a generation trains: what the method says, or what the time left is enough for."""
        lab = self.lab
        if lab.deadline == math.inf:
            return self._full
        if self._pace is None and self._full.count * self._full.steps > 2 * TRIAL_STEPS and not self._is_over():
            self._pace = trial(lab.engine, lab.task, state, plans, lab.observer, lab.clock)
        if self._pace is None:
            return None if self._is_over() else self._full
        testing = self._pace * validation_flops(plans[:1], lab.task.splits["test"])
        left = MARGIN * (lab.deadline - lab.clock()) - testing
        if self.method.budget.epochs is not None:
            return filling(plans, self._full, self._validation, self._pace, left)
        return fitting(plans, self._full, self._validation, self._pace, left, LEAST if state.population else 0.0)

    def _publish(self, state: State) -> None:
        """Keep the best path, measure its test quality once, publish it, and drop the rest of the population."""
        lab, agent, path = self.lab, self.agent, state.best
        if path is None:
            lab.catalog.agents.finish(agent.id)
            lab.observer.cycle_finished(agent.cycle, None, published=False)
            return
        if "test_quality" not in path.metrics:
            quality = lab.engine.measure(lab.task, path, "test", lab.observer)
            path = replace(path, metrics={**path.metrics, "test_quality": quality})
        lab.lease.ensure()
        current = state.world.published.get(agent.task)
        message = f"{agent.task}: cycle {agent.cycle + 1} of {agent.cycles}"
        commit = lab.catalog.versions.publish(
            [path], message=message, method=agent.label, branch=agent.branch, close_cycle=agent
        )
        if commit.id == agent.base:
            self._published = commit.id, state.world
        elif commit.parents == (agent.base,) and commit.changes == {agent.task: path.id}:  # nobody else did meanwhile
            self._published = commit.id, state.world.publishing(path)
        made = {d for c in lab.catalog.agents.children(agent.id, cycle=agent.cycle) for d in c.path.digests()}
        if made:
            self._delete(made - needed(lab.catalog).keys())
        lab.observer.cycle_finished(agent.cycle, path, published=current is None or current.id != path.id)

    def _delete(self, digests: Iterable[str]) -> None:
        """Delete objects that nothing holds any more.

        The same run on another branch makes the same objects; while there may be one, they are left to gc.
        """
        if self.lab.catalog.leases.branches(self.agent.task) == [self.agent.branch]:
            for digest in digests:
                self.lab.objects.delete(digest)

    def _is_over(self) -> bool:
        return self.lab.clock() >= self.lab.deadline


def cycle_states(
    catalog: Catalog,
    agent: Agent,
    cycle: int,
    method: Method,
    task: Task,
    images: Images | None = None,
    world: World | None = None,
) -> list[State]:
    """Return the states of a cycle of an agent on record: as it began, and after each of its generations.

    method and task are the agent's, the method resolved; world is what the cycle saw, where somebody has it.

    Raises:
        UnknownName: the cycle has not begun here.
    """
    seen = catalog.agents.cycle(agent.id, cycle)
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
        world=world,
        taken=tuple(catalog.agents.parents_taken(task.name, branch=agent.branch, before=(agent.id, cycle))),
        lineage=catalog.paths.ancestors,
        images=images or Images(),
    )
    states, children = [begin(state)], catalog.agents.children(agent.id, cycle=cycle)
    for generation in range(len(catalog.agents.terms(agent.id, cycle))):
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


class _TimeIsUp(Exception):
    """The deadline has come in the middle of a training."""


class _Bounded(Progress):
    """Hands on what it is told, and ends the work when the deadline has come."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def advanced(self, what: str, done: int, total: int) -> None:
        self._lab.observer.advanced(what, done, total)
        if done < total and self._lab.clock() >= self._lab.deadline:
            raise _TimeIsUp

    def measured(self, what: str, value: float) -> None:
        self._lab.observer.measured(what, value)

    def noted(self, text: str) -> None:
        self._lab.observer.noted(text)


def _top(state: State) -> float:
    """Return the best score of the population, NaN while there is none."""
    return max((member.score for member in state.population), default=math.nan)
