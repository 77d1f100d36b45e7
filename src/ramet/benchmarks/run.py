"""Runs a suite: every method on every task with every seed, from the same root at the same budget.

A method with a seed has a system of its own, in which it learns the tasks one after the other; for the forward transfer
each task is also learnt alone. Every task done leaves a record (record.py), so that a run is resumed where it was
stopped, and several processes may share the work: a system that another one works on is passed over.
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

import ramet
from ramet.base.errors import DataError, InvalidValue, RametError
from ramet.base.records import Child
from ramet.benchmarks import record, suite
from ramet.benchmarks.data import check, described, link, prepare
from ramet.benchmarks.record import Record, Setting, Standing, Terms, Variant
from ramet.benchmarks.speed.report import machine, versions
from ramet.benchmarks.suite import Suite, SuiteMethod, SuiteTask
from ramet.evolution.observer import Observer
from ramet.method.document.schema import Method
from ramet.system import System

ID_LENGTH = 12


@dataclass(frozen=True)
class Request:
    """What is to be run: a suite with what the user chose of it, and where data is found and results go.

    data is the folder with the tasks' data (data.py), None for where TFDS has it. alone: learn tasks alone too, for
    the methods whose transfer the suite measures.
    """

    suite: Suite
    methods: Sequence[SuiteMethod]
    tasks: Sequence[SuiteTask]
    seeds: int
    scale: float
    root: str
    output: Path
    command: str
    data: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    alone: bool = True
    device: str = "auto"

    def method(self, chosen: SuiteMethod) -> Method:
        """A method as this request runs it."""
        return suite.resolved(self.suite, chosen, self.scale, self.settings)

    def variant(self, chosen: SuiteMethod) -> Variant:
        """How records name a method."""
        return suite.variant(chosen, self.method(chosen))


@dataclass(frozen=True)
class Job:
    """One task to learn by one method with one seed."""

    method: SuiteMethod
    seed: int
    task: SuiteTask
    order: int
    setting: Setting

    @property
    def folder(self) -> str:
        """The system that it is learnt in, below the results' folder."""
        alone = f"-alone-{record.safe(self.task.name)}" if self.setting == "alone" else ""
        return f"systems/{record.safe(self.method.id)}/seed-{self.seed}{alone}"


class NothingLearnt(RametError):
    """A search ended without a path."""


class Watch(Protocol):
    """Is told how a run goes on; the command line prints it."""

    def started(self, job: Job, number: int, total: int) -> AbstractContextManager[Observer]:
        """A task is about to be learnt, number of total from 0; what comes of it is told the observer."""
        ...

    def finished(self, job: Job, found: Record) -> None:
        """A record is written."""
        ...

    def passed_over(self, folder: str) -> None:
        """Another process works on a system."""
        ...


def run(request: Request, watch: Watch, *, resume: bool = False) -> list[Record]:
    """Run all that is not done yet; the records that were written now.

    Raises:
        InvalidValue: results are there and it is not to be resumed, or they were made under other terms.
    """
    _agree(request, resume)
    todo = [job for job in all_jobs(request) if not _done(request, job)]
    written: list[Record] = []
    for folder, jobs in groupby(todo, lambda job: job.folder):
        place = request.output / folder
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(f"{place}.lock", timeout=0):
                for job in jobs:
                    if not _done(request, job):
                        written.append(_carried_out(request, job, watch, todo.index(job), len(todo)))
        except Timeout:
            watch.passed_over(folder)
    return written


def all_jobs(request: Request) -> Iterator[Job]:
    """Every job, in the order in which they are run: all methods with the first seed before the second one."""
    for seed in range(request.seeds):
        for method in request.methods:
            for order, task in enumerate(request.tasks):
                yield Job(method, seed, task, order, "together")
            if method.transfer and request.alone:
                for order, task in enumerate(request.tasks):
                    if order > 0:
                        yield Job(method, seed, task, order, "alone")


def _agree(request: Request, resume: bool) -> None:
    """Put down the run's terms; those that are there already must be the same."""
    terms = _terms(request)
    if (request.output / "suite.json").exists():
        before = record.read_terms(request.output)
        if not resume:
            raise InvalidValue(
                f"{request.output} has results already", "go on with --resume, or name another folder by --output"
            )
        for name in ("suite", "root", "scale", "settings"):
            was, now = getattr(before, name), getattr(terms, name)
            if was != now:
                raise InvalidValue(
                    f"the results in {request.output} were made with {name} {was}, not {now}",
                    "give the same, or name another folder by --output",
                )
        terms = _joined(before, terms)
    record.write_terms(request.output, terms)


def _terms(request: Request) -> Terms:
    chosen = request.suite
    methods = [request.method(method) for method in request.methods]
    return Terms(
        suite=chosen.name,
        title=chosen.title,
        paper=chosen.paper,
        expect=chosen.expect,
        command=request.command,
        root=request.root,
        scale=request.scale,
        budget=max(method.budget.examples for method in methods),
        tasks=tuple(task.name for task in chosen.tasks),
        variants=tuple(request.variant(method) for method in request.methods),
        settings=dict(request.settings),
        reported=chosen.reported,
    )


def _joined(before: Terms, now: Terms) -> Terms:
    """The terms of a run that goes on, perhaps with more methods; the suite's order of methods is kept."""
    variants = {variant.name: variant for variant in (*before.variants, *now.variants)}
    commands = dict.fromkeys([*before.command.splitlines(), *now.command.splitlines()])
    return replace(now, variants=tuple(variants.values()), command="\n".join(commands))


def _done(request: Request, job: Job) -> bool:
    file = record.file_of(request.output, job.method.id, job.seed, job.task.name, job.setting)
    return file.exists() and record.read(file).state == "done"


def _carried_out(request: Request, job: Job, watch: Watch, number: int, total: int) -> Record:
    """The record of a job, done or not: what goes wrong with one does not stop the others."""
    blank = Record(
        suite=request.suite.name,
        variant=request.variant(job.method),
        task=job.task.name,
        seed=job.seed,
        order=job.order,
        setting=job.setting,
        state="failed",
        machine=machine(),
        versions=versions(),
        date=datetime.now(UTC).date().isoformat(),
    )
    with watch.started(job, number, total) as observer:
        try:
            found = _learnt(request, job, blank, observer)
        except DataError as error:
            found = replace(blank, state="no-data", error=_as_typed(str(error), request.data))
        except Exception:  # whatever it is, it is this job's: it goes on record
            found = replace(blank, error=traceback.format_exc())
    record.write(request.output, found)
    watch.finished(job, found)
    return found


def _as_typed(text: str, data: Path | None) -> str:
    """A text with the folder of data as the user named it: records are there to be shared."""
    return text if data is None else text.replace(str(data.absolute()), str(data))


def _learnt(request: Request, job: Job, blank: Record, observer: Observer) -> Record:
    check(request.output, job.task, request.data)
    system = _system(request, job)
    with closing(system.catalog):
        side = max(path.architecture.image_size for path in system.roots().values())
        task = prepare(request.output, job.task, request.data, side)
        if not system.catalog.tasks.has(task.name):
            system.catalog.tasks.add(task)
        if not any(agent.state == "done" for agent in system.catalog.agents.all(task.name)):
            method = request.method(job.method)
            system.evolve(task.name, method=method, seed=job.seed, device=request.device, observer=observer)
        return replace(
            _measured(system, task.name, request, blank),
            state="done",
            data=described(job.task, task),
            splits=task.splits,
            classes=len(task.classes),
        )


def _system(request: Request, job: Job) -> System:
    folder = request.output / job.folder
    if (folder / "ramet.json").exists():
        return ramet.open(folder)
    system = ramet.init(folder, request.root, name=request.suite.name, seed=job.seed)
    link(system, request.output)
    return system


def _measured(system: System, task: str, request: Request, blank: Record) -> Record:
    """What the search cost, what it found, and how every task of the system stands now."""
    children = system.history(task)
    if system.catalog.versions.published_path("main", task) is None:
        raise NothingLearnt(
            f"none of {len(children)} children learnt {task}",
            f"`ramet history {task}` in its system tells how they fared",
        )
    path = system.path(task)
    statuses = {status.task: status for status in system.status()}
    own = statuses[task]
    return replace(
        blank,
        validation=path.metrics["quality"],
        test=path.metrics["test_quality"],
        params=path.params,
        trained_params=path.trained_params,
        accounted_params=own.accounted_params or 0.0,
        flops=own.flops or 0,
        examples=int(_spent(children, "examples")),
        children=len(children),
        training_flops=_spent(children, "flops"),
        seconds=_spent(children, "seconds"),
        parent_task=path.parent_task,
        standings={
            evaluation.task: Standing(
                test=evaluation.accuracy,
                accounted_params=statuses[evaluation.task].accounted_params or 0.0,
                components={c.name: (c.digest[:ID_LENGTH], c.size) for c in system.path(evaluation.task).components},
            )
            for evaluation in system.evaluate(device=request.device)
        },
    )


def _spent(children: Sequence[Child], what: str) -> float:
    return sum(child.cost[what] for child in children)
