"""Runs an agent a task, and takes up what an earlier call left undone."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from statistics import fmean
from typing import Any

from ramet.base.errors import DataError, InvalidValue
from ramet.base.progress import Progress
from ramet.base.records import Task
from ramet.engine.contract import Engine
from ramet.engine.local import LocalEngine
from ramet.evolution.agent import Lab, Run
from ramet.evolution.features import features_by_root
from ramet.evolution.observer import Observer
from ramet.evolution.pace import TRIAL_SHARE, TRIAL_STEPS, Clock, Estimate, trial, validated
from ramet.method.document.schema import Method
from ramet.method.inheritance import ineffective
from ramet.method.plan import Rounds
from ramet.method.search import State, begin, propose
from ramet.method.world import World
from ramet.runtime.device import choose_device
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from ramet.tasks.data import check_source


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
    """Evolve tasks on a branch, one after the other (see System.evolve).

    Args:
        store: the system's.
        tasks: in this order.
        method: what decides.
        branch: where to publish.
        seed: keys every draw.
        device: where to train, if no engine is given.
        time_limit: seconds for all; what a task leaves of its share is the next ones'.
        restart: give up runs that are not done.
        more: begin another run of a task whose last one was finished by the same terms.
        settings: the fields of the method that were set for this call, as `load` took them.
        observer: told what happens.
        engine: where children are trained; it stays open.
        clock: seconds, for the time limit.

    Raises:
        InvalidValue: no task is given, or one has a run under way that this call would not continue.
        Busy: another process works on one of the tasks.
    """
    if not tasks:
        raise InvalidValue("no task to evolve", "name at least one; `ramet task list` lists them")
    chosen_device = choose_device(device)
    deadline = math.inf if time_limit is None else clock() + time_limit
    features = features_by_root(store, chosen_device)
    with ExitStack() as held:
        leases = {task.name: held.enter_context(store.catalog.leases.hold(task.name, branch=branch)) for task in tasks}
        used = held.enter_context(LocalEngine(store, device) if engine is None else nullcontext(engine))
        agents = _agents(store.catalog, tasks, method, branch, seed, restart, more, observer)
        by_name = {task.name: task for task in tasks}
        for left, agent in zip(range(len(agents), 0, -1), agents, strict=True):
            task = by_name[agent.task]
            _check_source(store, task, observer)
            _note_ineffective(store, task, method, settings, branch, observer)
            share = clock() + (deadline - clock()) / left
            lab = Lab(store.catalog, store.objects, used, leases[task.name], task, observer, features, share, clock)
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
    catalog, chosen_device = store.catalog, choose_device(device)
    left = {task.name: _children_left(catalog, task.name, method, branch, seed, more) for task in tasks}
    tasks = [task for task in tasks if left[task.name]]
    rounds = {task.name: Rounds.of(method, task.splits["train"]) for task in tasks}
    steps = sum(left[name] * of.count * of.steps for name, of in rounds.items())
    if steps * TRIAL_SHARE < TRIAL_STEPS:
        return None
    world = World.of(catalog.versions.published(branch), catalog.paths.roots().values())
    features = features_by_root(store, chosen_device)
    make = partial(State, method, method.label, seed=seed, features=features)
    lineage = catalog.paths.ancestors
    states = [begin(make(task.name, len(task.classes), world, lineage)) for task in tasks]
    plans = [propose(state, method.budget.generation) for state in states]
    with LocalEngine(store, device) if engine is None else nullcontext(engine) as used:
        pace = trial(used, tasks[0], states[0], plans[0], progress, clock)
    if pace is None:
        return None
    seconds = 0.0
    for task, planned in zip(tasks, plans, strict=True):
        each = fmean(pace.seconds([plan], rounds[task.name], validated(method, task)) for plan in planned)
        seconds += left[task.name] * each
    examples = sum(left[name] * of.examples for name, of in rounds.items())
    return Estimate(seconds, sum(left.values()), examples)


def _children_left(catalog: Catalog, task: str, method: Method, branch: str, seed: int, more: bool) -> int:
    """Return how many children the same call of evolve would make of a task."""
    budget = method.budget
    wanted = (method.label, seed, budget.cycles, budget.samples_per_cycle)
    agent = catalog.agents.running(task, branch=branch)
    if agent is not None and _terms(agent) == wanted:
        return agent.cycles * agent.samples - catalog.agents.count_children(agent.id)
    is_finished = agent is None and not more and _is_last(catalog, task, branch, wanted)
    return 0 if is_finished else budget.cycles * budget.samples_per_cycle


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
    budget = resolved.budget
    wanted = (method.label, seed, budget.cycles, budget.samples_per_cycle)
    undone = {t.name: a for t in tasks if (a := _running(catalog, t.name, branch, wanted, restart)) is not None}
    agents = []
    for task in tasks:
        agent = undone.get(task.name)
        if agent is None and (undone or not (more or restart)) and _is_last(catalog, task.name, branch, wanted):
            observer.finished(task.name)
            continue
        agents.append(
            agent
            or catalog.agents.start(
                task.name,
                method=resolved.model_dump(mode="json"),
                label=method.label,
                seed=seed,
                cycles=budget.cycles,
                samples=budget.samples_per_cycle,
                branch=branch,
            )
        )
    return agents


def _running(
    catalog: Catalog, task: str, branch: str, wanted: tuple[str, int, int, int], restart: bool
) -> Agent | None:
    """Return the task's run to go on with. One with nothing on record yet, or to be restarted, is given up."""
    agent = catalog.agents.running(task, branch=branch)
    if agent is None or (_terms(agent) == wanted and not restart):
        return agent
    if not restart and catalog.agents.children(agent.id):
        raise InvalidValue(
            f"task {task!r} has a run that is not done: {agent.label}, seed {agent.seed}, "
            f"{agent.cycles} cycles of {agent.samples} samples",
            "finish it by the same command, or give it up with --restart",
        )
    catalog.agents.finish(agent.id)
    return None


def _is_last(catalog: Catalog, task: str, branch: str, wanted: tuple[str, int, int, int]) -> bool:
    done = catalog.agents.all(task, branch=branch)
    return bool(done) and _terms(done[-1]) == wanted


def _terms(agent: Agent) -> tuple[str, int, int, int]:
    return agent.label, agent.seed, agent.cycles, agent.samples


def _check_source(store: Store, task: Task, observer: Observer) -> None:
    """Note a source that is not what it was; what is cached is what the task is."""
    try:
        check_source(store.folder, task)
    except DataError as error:
        observer.noted(f"{error.problem}; the images read then are used")


def _note_ineffective(
    store: Store, task: Task, method: Method, settings: Mapping[str, Any], branch: str, observer: Observer
) -> None:
    """Say which settings children will not begin with, as they inherit their parents' values."""
    if settings:
        published = store.catalog.versions.published(branch)
        parents = [*published.values(), *store.catalog.paths.roots().values()]
        for inherited in ineffective(method, settings, task.name, parents):
            observer.noted(str(inherited))
