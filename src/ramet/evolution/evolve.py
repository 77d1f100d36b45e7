"""Runs an agent a task, and takes up what an earlier call left undone."""

import math
import time
from collections.abc import Sequence
from contextlib import ExitStack

from ramet.base.errors import DataError, InvalidValue
from ramet.base.records import Task
from ramet.evolution.agent import Lab, Run
from ramet.evolution.features import features_by_root
from ramet.evolution.observer import Observer
from ramet.method.document.schema import Method
from ramet.runtime.device import choose_device
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from ramet.tasks.data import check_source, open_splits


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
    observer: Observer,
) -> None:
    """Evolve tasks on a branch, one after the other (see System.evolve).

    Raises:
        InvalidValue: no task is given, or one has a run under way that this call would not continue.
        Busy: another process works on one of the tasks.
    """
    if not tasks:
        raise InvalidValue("no task to evolve", "name at least one; `ramet task list` lists them")
    chosen_device = choose_device(device)
    deadline = math.inf if time_limit is None else time.monotonic() + time_limit
    features = features_by_root(store, chosen_device)
    with ExitStack() as held:
        leases = {task.name: held.enter_context(store.catalog.leases.hold(task.name, branch=branch)) for task in tasks}
        agents = _agents(store.catalog, tasks, method, branch, seed, restart, observer)
        by_name = {task.name: task for task in tasks}
        for left, agent in zip(range(len(agents), 0, -1), agents, strict=True):
            task = by_name[agent.task]
            _check_source(store, task, observer)
            splits = open_splits(store.folder, task, observer.cached)
            share = time.monotonic() + (deadline - time.monotonic()) / left
            lab = Lab(
                store.catalog, store.objects, leases[task.name], task, splits, chosen_device, observer, features, share
            )
            Run(lab, agent, method).run()


def _agents(
    catalog: Catalog, tasks: Sequence[Task], method: Method, branch: str, seed: int, restart: bool, observer: Observer
) -> list[Agent]:
    """The agents to run: those left undone, and new ones for tasks that this very call has not finished before.

    All are on record before the first one runs, so that the same call finds after an interruption which are done.
    """
    resolved = method.resolved()
    budget = resolved.budget
    wanted = (method.label, seed, budget.cycles, budget.samples_per_cycle)
    undone = {t.name: a for t in tasks if (a := _running(catalog, t.name, branch, wanted, restart)) is not None}
    agents = []
    for task in tasks:
        agent = undone.get(task.name)
        if agent is None and undone and _is_last(catalog, task.name, branch, wanted):
            observer.skipped(task.name)
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
    """The task's run to go on with. One that has nothing on record yet, or is to be restarted, is given up."""
    agent = catalog.agents.running(task, branch=branch)
    if agent is None or (_terms(agent) == wanted and not restart):
        return agent
    if not restart and catalog.agents.count_children(agent.id):
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
    """What is cached is what the task is; a source that is not the same any more is only worth a word."""
    try:
        check_source(store.folder, task)
    except DataError as error:
        observer.warned(f"{error.problem}; the images read then are used")
