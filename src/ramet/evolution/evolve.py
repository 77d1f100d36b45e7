"""Runs an agent a task, and takes up what an earlier call left undone."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any

from ramet.base.errors import DataError, InvalidValue
from ramet.base.progress import Progress
from ramet.base.records import Path, Task
from ramet.engine.contract import Engine
from ramet.engine.local import LocalEngine
from ramet.evolution.agent import Lab, Run
from ramet.evolution.images import images_of
from ramet.evolution.observer import Clock, Observer
from ramet.evolution.pace import TRIAL_SHARE, TRIAL_STEPS, Estimate, generation_flops, trial, validated
from ramet.method.document.hyperparameters import Number, changed, is_shared, shown
from ramet.method.document.presets import setting
from ramet.method.document.schema import Method
from ramet.method.mutation import start
from ramet.method.parts import Library
from ramet.method.plan import Rounds
from ramet.method.search import State, begin, propose
from ramet.method.selection import Root
from ramet.method.world import World
from ramet.runtime.device import choose_device
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from ramet.tasks.data import check_source

Asked = tuple[str, int, int, int]
"""What a run was asked for, and the same command asks for again: the label, the seed, cycles, samples a cycle."""


def evolve(
    store: Store,
    tasks: Sequence[Task],
    method: Method,
    *,
    branch: str,
    seed: int,
    device: str,
    time_limit: float | None,
    restart: bool,
    more: bool,
    settings: Mapping[str, Any],
    observer: Observer,
    engine: Engine | None = None,
    clock: Clock = time.monotonic,
) -> None:
    """Evolve tasks on a branch, one after the other, with the arguments of System.evolve.

    settings are the fields of the method that were set for this call, as `load` took them. An engine that is given
    stays open.

    Raises:
        InvalidValue: no task is given, or one has a run under way that this call would not continue.
        Busy: another process works on one of the tasks.
    """
    if not tasks:
        raise InvalidValue("no task to evolve", "name at least one; `ramet task list` lists them")
    chosen_device = choose_device(device)
    deadline = math.inf if time_limit is None else clock() + time_limit
    images = images_of(store, chosen_device)
    by_name = {task.name: task for task in tasks}
    with ExitStack() as held:
        leases = {name: held.enter_context(store.catalog.leases.hold(name, branch=branch)) for name in by_name}
        used = held.enter_context(LocalEngine(store, device) if engine is None else nullcontext(engine))
        agents = _agents(store.catalog, tasks, method, branch, seed, restart, more, observer)
        for left, agent in zip(range(len(agents), 0, -1), agents, strict=True):
            task = by_name[agent.task]
            try:
                check_source(store.folder, task)
            except DataError as error:  # what is cached is what the task is
                observer.noted(f"{error.problem}; the images read then are used")
            if settings:
                published = store.catalog.versions.published(branch)
                parents = [*published.values(), *store.catalog.paths.roots().values()]
                for inherited in ineffective(method, settings, task.name, parents):
                    observer.noted(str(inherited))
            share = clock() + (deadline - clock()) / left
            lab = Lab(store.catalog, store.objects, used, leases[task.name], task, observer, images, share, clock)
            Run(lab, agent, method).run()


def estimate(
    store: Store,
    tasks: Sequence[Task],
    method: Method,
    *,
    branch: str,
    seed: int,
    device: str,
    more: bool,
    progress: Progress,
    engine: Engine | None = None,
    clock: Clock = time.monotonic,
) -> Estimate | None:
    """Return about how long it takes here to evolve tasks, by a few steps of the largest child of the first one.

    What is done already of the runs is taken off. None where it would cost more than it tells, or cannot be trained at
    all. Nothing is kept of it. Children of one generation stand for all: later ones may be larger or smaller, and share
    more or less of their computation.
    """
    method = method.resolved()
    catalog, images = store.catalog, images_of(store, choose_device(device))
    left = {task.name: _children_left(catalog, task.name, method, branch, seed, more) for task in tasks}
    tasks = [task for task in tasks if left[task.name]]
    rounds = {task.name: Rounds.of(method, task.splits["train"]) for task in tasks}
    if sum(left[name] * of.count * of.steps for name, of in rounds.items()) * TRIAL_SHARE < TRIAL_STEPS:
        return None
    world = World.of(catalog.versions.published(branch), catalog.paths.roots().values())
    make = partial(State, method, method.label, seed=seed, images=images)
    states = [begin(make(task.name, len(task.classes), world, catalog.paths.ancestors)) for task in tasks]
    plans = [propose(state, method.budget.generation) for state in states]
    with LocalEngine(store, device) if engine is None else nullcontext(engine) as used:
        pace = trial(used, tasks[0], states[0], plans[0], progress, clock)
    if pace is None:
        return None
    seconds = 0.0
    for task, planned in zip(tasks, plans, strict=True):
        validation = validated(method, task)
        each = fmean(pace * generation_flops([plan], rounds[task.name], validation) for plan in planned)
        seconds += left[task.name] * each
    return Estimate(seconds, sum(left.values()), sum(left[name] * of.examples for name, of in rounds.items()))


@dataclass(frozen=True, slots=True)
class Inherited:
    """A default that was set, and what children inherit instead of it: it is for children of a root.

    rarely: there are roots among the parents, whose children begin with it.
    """

    name: str
    wanted: Number
    instead: tuple[Number, ...]
    rarely: bool

    def __str__(self) -> str:
        said = f"{self.name}={shown(self.wanted)}"
        reach = "is only for children of a root: all others" if self.rarely else "changes nothing: children"
        inherited = " or ".join(map(shown, self.instead))
        return f"{said} {reach} inherit {inherited} from their parents; {said}! fixes it for all"


def ineffective(method: Method, overrides: Mapping[str, Any], task: str, parents: Sequence[Path]) -> list[Inherited]:
    """Return the overridden defaults that children will not begin with, in the order of the overrides.

    Args:
        method: what `load` made of the overrides.
        overrides: settings by their dotted keys, as `load` takes them.
        task: what is to be evolved.
        parents: the paths that children can descend from when the run begins: the task's own, other tasks', roots.
    """
    library = Library(method.parts)
    defaults: dict[str, None] = {}
    for key, raw in overrides.items():
        field, value = setting(key, raw, library)
        if field[0] == "hyperparameters" and (
            field[2:] == ("default",) or (not field[2:] and "default" in changed({}, value))
        ):
            defaults[str(field[1])] = None
    found = []
    for name in defaults:
        roots = [path for path in parents if path.task is None]
        heirs = [path for path in parents if path.task is not None and not isinstance(method.parents, Root)]
        if is_shared(name):  # a generation has those of the task's best path, and the defaults while there is none
            roots, heirs = [], [path for path in parents if path.task == task]
        spaces = [method.space(path.architecture) for path in heirs]
        pairs = [(space[name].default, start(space, path)[name]) for space, path in zip(spaces, heirs, strict=True)]
        instead = sorted({own for wanted, own in pairs if own != wanted})
        if instead:
            found.append(Inherited(name, pairs[0][0], tuple(instead), bool(roots)))
    return found


def _children_left(catalog: Catalog, task: str, method: Method, branch: str, seed: int, more: bool) -> int:
    """Return how many children the same call of evolve would make of a task."""
    wanted = method.label, seed, method.budget.cycles, method.budget.samples_per_cycle
    agent = catalog.agents.running(task, branch=branch)
    if agent is not None and _asked(agent) == wanted:
        return agent.cycles * agent.samples - catalog.agents.count_children(agent.id)
    is_finished = agent is None and not more and _is_last(catalog, task, branch, wanted)
    return 0 if is_finished else method.budget.cycles * method.budget.samples_per_cycle


def _agents(
    catalog: Catalog,
    tasks: Sequence[Task],
    method: Method,
    branch: str,
    seed: int,
    restart: bool,
    more: bool,
    observer: Observer,
) -> list[Agent]:
    """Return the agents to run: those left undone, and new ones for tasks that the same terms have not finished.

    With `more`, a finished task gets a new one unless this very call finished it before it was stopped. All are on
    record before the first one runs, so that the same call finds after an interruption which are done.
    """
    resolved = method.resolved()
    wanted = method.label, seed, resolved.budget.cycles, resolved.budget.samples_per_cycle
    undone: dict[str, Agent] = {}
    for task in tasks:
        agent = catalog.agents.running(task.name, branch=branch)
        if agent is not None and _asked(agent) == wanted and not restart:
            undone[task.name] = agent
        elif agent is not None and not restart and catalog.agents.children(agent.id):
            raise InvalidValue(
                f"task {task.name!r} has a run that is not done: {agent.label}, seed {agent.seed}, "
                f"{agent.cycles} cycles of {agent.samples} samples",
                "finish it by the same command, or give it up with --restart",
            )
        elif agent is not None:  # it has nothing on record yet, or is to be restarted
            catalog.agents.finish(agent.id)
    agents = []
    for task in tasks:
        if task.name in undone:
            agents.append(undone[task.name])
        elif (undone or not (more or restart)) and _is_last(catalog, task.name, branch, wanted):
            observer.finished(task.name)
        else:
            label, _, cycles, samples = wanted
            document = resolved.model_dump(mode="json")
            new = catalog.agents.start(
                task.name, method=document, label=label, seed=seed, cycles=cycles, samples=samples, branch=branch
            )
            agents.append(new)
    return agents


def _is_last(catalog: Catalog, task: str, branch: str, wanted: Asked) -> bool:
    done = catalog.agents.all(task, branch=branch)
    return bool(done) and _asked(done[-1]) == wanted


def _asked(agent: Agent) -> Asked:
    return agent.label, agent.seed, agent.cycles, agent.samples
