"""Trains the lineage of a path again from the recorded seeds, and compares every step with its record.

A child trained alone comes out as it did among its siblings. Every step is proposed again by the search, from the state
that its cycle saw. Where the bytes of a step are others than they were (another machine, another number of threads),
the next steps go on from the new ones. Nothing is written to the system.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Literal

import torch
from torch import Tensor

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Child, Path, Task
from ramet.evolution.agent import cycle_states
from ramet.evolution.images import images_of
from ramet.method.document.presets import load
from ramet.method.plan import ChildPlan, Rounds
from ramet.method.protocols import Images
from ramet.method.search import State, propose
from ramet.results import Replay, ReplayStep
from ramet.runtime.device import choose_device
from ramet.runtime.inference import LoadedPath
from ramet.runtime.program import Resident
from ramet.store.catalog.agents import Agent, Terms
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from ramet.store.objects import FolderObjects, Objects
from ramet.tasks.data import open_splits
from ramet.training.generation import TrainedChild, train_generation

_ELSEWHERE = "replay it in the system where it was learned: only published paths travel, not the children of their runs"


@dataclass(frozen=True)
class Step:
    """A child on the way to a path.

    state is what it was proposed from, siblings the size of its generation, terms how it was trained.
    """

    task: Task
    state: State
    siblings: int
    child: Child
    terms: Terms


def replay(store: Store, path: Path, *, device: str, tolerance: float, progress: Progress = QUIET) -> Replay:
    """Train a path's lineage again (see System.replay); progress is told `advanced("step 1 of 3", ...)`."""
    chosen = choose_device(device)
    start, made = steps(store.catalog, store.objects, path, images_of(store, chosen))
    done: list[ReplayStep] = []
    with TemporaryDirectory(prefix="ramet-replay-") as place:
        lab = _Laboratory(store, chosen, tolerance, FilePath(place))
        for i, step in enumerate(made, start=1):
            done.append(lab.replayed(step, _Told(progress, f"step {i} of {len(made)}")))
            if done[-1].otherwise:
                break
    return Replay(path.id, start.id, str(chosen), tolerance, tuple(done))


class _Laboratory:
    """A place to train children again: the system to read from, and a folder of its own for bytes that differ.

    instead maps recorded objects to what is there in their place.
    """

    def __init__(self, store: Store, device: torch.device, tolerance: float, place: FilePath) -> None:
        self.store = store
        self.device = device
        self.tolerance = tolerance
        self.made = FolderObjects(place)
        self.instead: dict[str, str] = {}

    def replayed(self, step: Step, progress: Progress) -> ReplayStep:
        """Plan and train a step again, and return how it compares."""
        state, child, record, terms = step.state, step.child, step.child.path, step.terms
        found = ReplayStep(
            path=record.id,
            task=step.task.name,
            method=record.method,
            cycle=child.cycle,
            generation=child.generation,
            number=child.number,
            mutations=child.mutations,
            verdict="identical",
            quality=record.metrics["quality"],
            test_quality=record.metrics.get("test_quality"),
            place=terms.place,
        )
        plan = propose(state, step.siblings)[child.number]
        differences = otherwise(plan, child)
        if differences:
            return replace(found, verdict="different", otherwise=differences)
        splits = open_splits(self.store.folder, step.task)
        (trained,) = train_generation(
            [plan],
            state.method,
            splits,
            self.load,
            state.key,
            self.device,
            numbers=[child.number],
            rounds=Rounds(terms.rounds, terms.steps, terms.batch),
            progress=progress,
        )
        if trained.failure:
            return replace(found, verdict="different", otherwise=(f"training: joined recorded, {trained.failure} now",))
        changed = self._keep(record, trained)
        if not changed:
            return found
        quality, test_quality = trained.quality, None
        close = abs(found.quality - quality) <= self.tolerance
        if found.test_quality is not None:
            test_quality = LoadedPath(record, Resident(self.load, self.device)).quality(splits["test"])
            close = close and abs(found.test_quality - test_quality) <= self.tolerance
        verdict: Literal["close", "different"] = "close" if close else "different"
        return replace(found, verdict=verdict, changed=changed, quality_now=quality, test_quality_now=test_quality)

    def load(self, digest: str) -> Mapping[str, Tensor]:
        """Return the tensors of an object, or of what is there in its place."""
        if digest in self.instead:
            return self.made.get(self.instead[digest])
        return (self.made if digest in self.made else self.store.objects).get(digest)

    def _keep(self, path: Path, trained: TrainedChild) -> tuple[str, ...]:
        """Keep what was trained for the steps to come; return the components that are not as recorded, to the byte."""
        changed = []
        for name, tensors in trained.tensors.items():
            component = path.component(name)
            assert component is not None  # the plan has the record's components
            for before, now in ((component.digest, tensors), (component.momentum, trained.momentum[name])):
                digest = self.made.put(now)
                if before is not None and digest != before:
                    self.instead[before] = digest
                    changed.append(name)
        return tuple(dict.fromkeys(changed))


class _Told(Progress):
    """Tells of a training as of a step."""

    def __init__(self, progress: Progress, step: str) -> None:
        self._progress, self._step = progress, step

    def advanced(self, what: str, done: int, total: int) -> None:
        self._progress.advanced(self._step, done, total)


def otherwise(plan: ChildPlan, child: Child) -> tuple[str, ...]:
    """Return what a plan has otherwise than the record of its child, in words."""
    record = child.path
    if plan.parent.id != record.parent:
        return (f"parent: {record.parent} recorded, {plan.parent.id} planned",)
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
    """Return a value, or the start of a digest; what is not there is none."""
    return "none" if value is None else str(value)[:12]


def steps(catalog: Catalog, objects: Objects, path: Path, images: Images) -> tuple[Path, list[Step]]:
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
    line: list[tuple[Agent, Child]] = []
    made: dict[str, dict[str, Child]] = {}
    agents = {agent.id: agent for agent in catalog.agents.all()}
    for ancestor in catalog.paths.ancestors(path.id):
        if ancestor.agent in agents and ancestor.agent not in made:
            made[ancestor.agent] = {child.path.id: child for child in catalog.agents.children(ancestor.agent)}
        child = made.get(ancestor.agent, {}).get(ancestor.id)
        foreign = bool(line) and (child is None or ancestor.task != path.task)
        if ancestor.id in roots or (foreign and all(digest in objects for digest in ancestor.digests())):
            return ancestor, _steps(catalog, line[::-1], images)
        if child is None:
            raise UnknownName(f"the run that made path {ancestor.id} is not on record", _ELSEWHERE)
        if child.status != "joined":
            raise InvalidValue(f"path {path.id} was not kept", "name a path that was better than its parent")
        line.append((agents[ancestor.agent], child))
    raise UnknownName(f"what path {line[-1][1].path.id} descends from is not on record", _ELSEWHERE)


def _steps(catalog: Catalog, line: Sequence[tuple[Agent, Child]], images: Images) -> list[Step]:
    """Return the steps that made these children; each cycle is read once."""
    tasks = {task.name: task for task in catalog.tasks.all(removed=True)}
    cycles: dict[tuple[str, int], tuple[list[State], list[Terms], list[Child]]] = {}
    found = []
    for agent, child in line:
        key, task = (agent.id, child.cycle), tasks[agent.task]
        if key not in cycles:
            states = cycle_states(catalog, agent, child.cycle, load(agent.method).resolved(), task, images)
            cycles[key] = states, catalog.agents.terms(*key), catalog.agents.children(agent.id, cycle=child.cycle)
        states, terms, children = cycles[key]
        siblings = sum(other.generation == child.generation for other in children)
        found.append(Step(task, states[child.generation], siblings, child, terms[child.generation]))
    return found
