"""One run of a method on one task: cycles of generations, each on record before the next begins (METHOD section 2).

Everything a generation needs is read from the catalog, and every draw is keyed by (seed, task, run, cycle, generation,
child, purpose): a run that was killed continues with the generation that is not on record, as if it had not been.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from ramet.base.progress import Progress
from ramet.base.randomness import Key, generator
from ramet.base.records import Child, ChildStatus, Component, Path, Task
from ramet.evolution.cost import training_flops
from ramet.evolution.observer import Observer, Plan
from ramet.method.document.schema import Method
from ramet.method.draft import Draft
from ramet.method.mutation import plan_child, plan_data
from ramet.method.plan import ChildPlan, Rounds
from ramet.method.protocols import Candidates, Features, Member, no_features
from ramet.method.selection import best, joins, pruned, ranked, sample_parent
from ramet.method.world import World
from ramet.runtime.inference import LoadedPath
from ramet.runtime.resident import Resident
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.leases import Lease
from ramet.store.objects import Objects
from ramet.tasks.data import Split
from ramet.training.generation import TrainedChild, train_generation
from ramet.vit import spec


@dataclass(frozen=True)
class Lab:
    """What an agent works with: the system's store, the task with its lease and data, a device, somebody who watches.

    features tells a parent selection what the images of a task look like. deadline, on the clock, ends the run early:
    no generation is begun that would not end before it, the best path so far is published, and the cycles that are left
    are dropped.
    """

    catalog: Catalog
    objects: Objects
    lease: Lease
    task: Task
    splits: Mapping[str, Split]
    device: torch.device
    observer: Observer
    features: Features = no_features
    deadline: float = math.inf
    clock: Callable[[], float] = time.monotonic


class _Told(Progress):
    """Tells an observer of a generation's training."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._best: Sequence[float] = ()

    def validated(self, best: Sequence[float]) -> None:
        self._best = best

    def advanced(self, what: str, done: int, total: int) -> None:
        self._observer.trained(done, total, self._best)


class _Tested(Progress):
    """Tells an observer of a test."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def advanced(self, what: str, done: int, total: int) -> None:
        self._observer.tested(done, total)


class Run:
    """Carries out an agent from where the catalog says it is."""

    def __init__(self, lab: Lab, agent: Agent, method: Method) -> None:
        self.lab = lab
        self.agent = agent
        self.method = method.resolved()
        self.world = World({}, (), {})
        self._longest_generation = 0.0

    @property
    def _key(self) -> Key:
        return (self.agent.seed, self.agent.task, self.agent.number, self.agent.cycle)

    def run(self) -> Path | None:
        """Run the cycles that are left and return the task's published path, None if nothing was learnt."""
        self._announce()
        found = None
        while self.agent.state == "running":
            found = self._cycle()
            self.agent = self.lab.catalog.agent(self.agent.id)
            if self._out_of_time():
                self.lab.catalog.finish_agent(self.agent.id)
                break
        return found

    def _cycle(self) -> Path | None:
        catalog = self.lab.catalog
        self.agent = agent = catalog.begin_cycle(self.agent.id)
        self.world = World.of(catalog.published(agent.base), catalog.roots().values())
        done = len(catalog.children(agent.id, cycle=agent.cycle))
        while done < agent.samples and not self._out_of_time():
            done += self._generation(catalog.generations_done(agent.id, agent.cycle), done)
        return self._publish()

    def _generation(self, number: int, done: int) -> int:
        """Plan, train and record one generation; return how many children it had."""
        began = self.lab.clock()
        population = self.lab.catalog.population(self.agent.id)
        members = [Member(path, self._score(path)) for path in population]
        top = max((member.score for member in members), default=math.nan)
        count = min(self.method.budget.generation, self.agent.samples - done)
        self.lab.observer.generation_started(self.agent.cycle, done, count, top)
        plans = self._plan(number, count, members)
        told = _Told(self.lab.observer)
        trained = train_generation(
            plans,
            self.method,
            self.lab.splits,
            self.lab.objects.get,
            (*self._key, number),
            self.lab.device,
            numbers=range(count),
            rounds=Rounds.of(self.method, self.lab.task.splits["train"]),
            progress=told,
            validated=told.validated,
        )
        children = []
        for i, result in enumerate(trained):
            child, score = self._judge(result, number, i)
            children.append(child)
            if child.status == "joined":
                members.append(Member(child.path, score))
        members = pruned(self.method.pruning, members, self.method.max_population)
        self.lab.lease.ensure()
        self.lab.catalog.record_generation(
            self.agent.id, self.agent.cycle, number, children, [path.id for path, _ in members]
        )
        self.lab.observer.generation_finished(children, max((member.score for member in members), default=math.nan))
        self._longest_generation = max(self._longest_generation, self.lab.clock() - began)
        return count

    def _plan(self, number: int, count: int, members: list[Member]) -> list[ChildPlan]:
        catalog, method, task, world = self.lab.catalog, self.method, self.lab.task, self.world
        live = {path.id for path in (*(m.path for m in members), *world.published.values(), *world.roots)}
        taken = [c.path.parent for c in catalog.children(task=task.name, branch=self.agent.branch) if c.path.parent]
        rng = generator(*self._key, number, "data")
        data = plan_data(method, best(members), world.roots[0].architecture, rng)
        plans = []
        for child in range(count):
            candidates = Candidates(
                task=task.name,
                population=ranked(members),
                others=world.others(task.name),
                roots=world.roots,
                children=Counter(taken),
                taken=tuple(taken),
                rng=generator(*self._key, number, child, "parent"),
                cycle_rng=lambda: generator(*self._key, "rotation"),
                features=self.lab.features,
            )
            parent = sample_parent(method.parents, candidates)
            taken.append(parent.id)
            plans.append(
                plan_child(
                    Draft(
                        method,
                        parent,
                        task=task.name,
                        classes=len(task.classes),
                        agent=self.agent.id,
                        data=data,
                        ancestors=[path for path in catalog.ancestors(parent.id) if path.id in live],
                        rng=generator(*self._key, number, child, "plan"),
                    )
                )
            )
        return plans

    def _judge(self, result: TrainedChild, generation: int, number: int) -> tuple[Child, float]:
        """The child's record and score; its tensors are stored only if it joins the population."""
        plan = result.plan
        path = self._path_of(result, {})
        score = self._score(path)
        parent_score = self._score(plan.parent) if plan.parent.task == plan.task else None
        status: ChildStatus = result.failure or "worse"
        if not result.failure and joins(score, parent_score):
            status = "joined"
            path = self._path_of(result, self._store(result))
        cost = {
            "examples": float(result.examples),
            "seconds": result.seconds,
            "flops": float(training_flops(plan, result.examples)),
        }
        child = Child(
            path=replace(path, metrics={**path.metrics, "score": score}).identified(),
            status=status,
            cycle=self.agent.cycle,
            generation=generation,
            number=number,
            mutations=plan.mutations,
            curve=result.curve,
            cost=cost,
        )
        return child, score

    def _store(self, result: TrainedChild) -> dict[str, tuple[str, str]]:
        objects = self.lab.objects
        return {
            name: (objects.put(tensors), objects.put(result.momentum[name])) for name, tensors in result.tensors.items()
        }

    def _path_of(self, result: TrainedChild, stored: Mapping[str, tuple[str, str]]) -> Path:
        """The child as a path; components that were trained but not stored have no digest."""
        plan = result.plan

        def component(name: str, origin: Component | None, trainable: bool, size: int) -> Component:
            if not trainable and origin is not None:
                return origin
            digest, momentum = stored.get(name, ("", None))
            return Component(name, digest, size, momentum, task=plan.task)

        sizes = {p.name: spec.size(plan.parent.architecture, p.name, plan.dimensions) for p in plan.parts}
        return Path(
            id="",
            task=plan.task,
            architecture=plan.parent.architecture,
            components=tuple(
                component(part.name, part.origin, part.trainable, sizes[part.name]) for part in plan.parts
            ),
            hyperparameters=plan.hyperparameters,
            mu=plan.mu,
            parent=plan.parent.id,
            parent_task=plan.parent.parent_task if plan.parent.task == plan.task else plan.parent.task,
            agent=self.agent.id,
            trained=tuple(part.name for part in plan.parts if part.trainable),
            method=self.agent.label,
            metrics={"quality": result.quality},
        )

    def _publish(self) -> Path | None:
        """Keep the best path, measure its test quality once, publish it, and drop the rest of the population."""
        catalog, agent = self.lab.catalog, self.agent
        path = best([Member(path, self._score(path)) for path in catalog.population(agent.id)])
        if path is None:
            catalog.finish_agent(agent.id)
            self.lab.observer.cycle_finished(agent.cycle, None, published=False)
            return None
        if "test_quality" not in path.metrics:
            loaded = LoadedPath(path, Resident(self.lab.objects.get, self.lab.device))
            quality = loaded.quality(self.lab.splits["test"], _Tested(self.lab.observer))
            path = replace(path, metrics={**path.metrics, "test_quality": quality})
        self.lab.lease.ensure()
        current = self.world.published.get(agent.task)
        message = f"{agent.task}: cycle {agent.cycle + 1} of {agent.cycles}"
        catalog.publish([path], message=message, method=agent.label, branch=agent.branch, close_cycle=agent)
        self._drop_losers(agent)
        self.lab.observer.cycle_finished(agent.cycle, path, published=current is None or current.id != path.id)
        return path

    def _drop_losers(self, agent: Agent) -> None:
        """Delete the objects of the cycle's children that nothing holds any more.

        The same run on another branch makes the same objects; while there may be one, they are left to gc.
        """
        if self.lab.catalog.workers(agent.task) != [agent.branch]:
            return
        made = {d for c in self.lab.catalog.children(agent.id, cycle=agent.cycle) for d in c.path.digests()}
        for digest in made - self.lab.catalog.needed().keys():
            self.lab.objects.delete(digest)

    def _score(self, path: Path) -> float:
        return self.world.score(self.method.score, path)

    def _out_of_time(self) -> bool:
        return self.lab.clock() + self._longest_generation >= self.lab.deadline

    def _announce(self) -> None:
        agent = self.agent
        done = len(self.lab.catalog.children(agent.id, cycle=agent.cycle))
        self.lab.observer.run_started(Plan(agent.task, agent.label, agent.cycles, agent.samples, agent.cycle, done))
