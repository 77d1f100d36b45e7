"""The facade: a system, and all that it does."""

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Child, Commit, Component, Path
from ramet.base.text import did_you_mean
from ramet.evolution.lines import default_observer
from ramet.evolution.observer import Observer
from ramet.evolution.status import statuses
from ramet.method.document.presets import DEFAULT_METHOD, load
from ramet.method.document.schema import Method
from ramet.method.score import agent_of
from ramet.results import Evaluation, Listing, Prediction, QualityCheck, Replay, TaskStatus
from ramet.store.catalog.agents import Agent
from ramet.store.folder import Store
from ramet.system.experiments import Experiments
from ramet.system.store import SystemStore
from ramet.system.tasks import Tasks
from ramet.system.versions import Versions

if TYPE_CHECKING:
    from ramet.engine.contract import Engine
    from ramet.evolution.pace import Estimate
    from ramet.runtime.inference import LoadedPath
    from ramet.system.model import TaskModel
    from ramet.system.use import Image
    from ramet.tasks.data import Split


class System:
    """One multitask image classification system, on a branch (see init and open); a context manager.

    Attributes:
        tasks: its tasks by name.
        versions: its history, branches and tags, and the branch that it is on.
        experiments: the experiments on record.
        store: its folder, its objects' care, and what travels between systems.
    """

    def __init__(self, store: Store, branch: str | None = None) -> None:
        self.versions = Versions(store, branch)
        self.tasks = Tasks(store, self.versions)
        self.experiments = Experiments(store)
        self.store = SystemStore(store, self.versions)
        self._catalog = store.catalog

    def __enter__(self) -> "System":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<system {self.store.name!r} at {self.store.folder}, on branch {self.versions.branch}>"

    def close(self) -> None:
        """Let go of the catalog's database, so that nothing is left beside its file."""
        self._catalog.close()

    def on(self, branch: str) -> "System":
        """Return this very system, on another branch; closing one closes both.

        Raises:
            UnknownName: there is no such branch.
        """
        return System(self.store.opened, branch)

    # Evolution

    def evolve(
        self,
        *tasks: str,
        method: str | FilePath | Mapping[str, Any] | Method = DEFAULT_METHOD,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        cycles: int | None = None,
        samples: int | None = None,
        time_limit: float | None = None,
        device: str = "auto",
        restart: bool = False,
        more: bool = False,
        observer: Observer | None = None,
        quiet: bool = False,
        engine: "Engine | None" = None,
    ) -> Listing[TaskStatus]:
        """Run an agent a task, one after the other; what was stopped before is resumed by the same call.

        A task whose last run was finished by the same call is let be, unless there is to be more. Where one of the
        tasks has a run that is not done, such runs are finished and no new ones are begun.

        Args:
            tasks: their names.
            method: a preset's name, a YAML file or text, or a method.
            settings: fields of the method to change, by dotted name: `{"opt.lr": 0.02}`, or as YAML text.
            seed: keys every draw.
            cycles: overrides the method's number of cycles.
            samples: overrides the method's children a cycle.
            time_limit: seconds for all of it, shared among the tasks, what one leaves going to the next; trainings are
                shortened to end in time, and the best paths so far are published.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            restart: give up runs that are not done, and begin anew.
            more: begin another run of a task whose last one was finished by the same call.
            observer: told what happens; by default lines on stderr tell it, on a terminal and in a notebook.
            quiet: tell nothing.
            engine: where children are trained; by default in this process, on the device.

        Returns:
            The tasks' status afterwards.

        Raises:
            UnknownName, InvalidValue: a task, a field or a value is not there or not allowed.
            Busy: another process works on one of the tasks.
        """
        from ramet.base.randomness import check_seed
        from ramet.evolution.evolve import evolve

        check_seed(seed)
        evolve(
            self.store.opened,
            [self.tasks[name] for name in dict.fromkeys(tasks)],
            self._method(method, settings, cycles, samples),
            branch=self.versions.branch,
            seed=seed,
            device=device,
            time_limit=time_limit,
            restart=restart,
            more=more,
            settings=settings or {},
            observer=observer or (Observer() if quiet else default_observer(len(set(tasks)), time_limit)),
            engine=engine,
        )
        return Listing(status for status in self.status() if status.task in tasks)

    def engine(self, name: str = "local", *, device: str = "auto", **settings: Any) -> "Engine":
        """Return a place to train for `evolve`, to be used in a `with` block; several threads may share one.

        Args:
            name: `local`, or that of an installed package (entry point group `ramet.engines`).
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            settings: the engine's own; of `local` the number of `workers`, processes that train (0: this one).

        Raises:
            UnknownName, InvalidValue: there is no such engine, setting or device.
        """
        from ramet.engine import open_engine

        return open_engine(name, self.store.opened, device, **settings)

    def estimate(
        self,
        *tasks: str,
        method: str | FilePath | Mapping[str, Any] | Method = DEFAULT_METHOD,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        cycles: int | None = None,
        samples: int | None = None,
        device: str = "auto",
        more: bool = False,
        progress: Progress = QUIET,
        engine: "Engine | None" = None,
    ) -> "Estimate | None":
        """Return about how long evolve takes with the same arguments, by a few training steps that are thrown away.

        None where the run is so short that measuring would cost more than it tells.
        """
        from ramet.evolution.evolve import estimate

        return estimate(
            self.store.opened,
            [self.tasks[name] for name in dict.fromkeys(tasks)],
            self._method(method, settings, cycles, samples),
            branch=self.versions.branch,
            seed=seed,
            device=device,
            more=more,
            progress=progress,
            engine=engine,
        )

    @staticmethod
    def _method(
        method: str | FilePath | Mapping[str, Any] | Method,
        settings: Mapping[str, Any] | None = None,
        cycles: int | None = None,
        samples: int | None = None,
    ) -> Method:
        counts = {"budget.cycles": cycles, "budget.samples_per_cycle": samples}
        changes = {**(settings or {}), **{key: count for key, count in counts.items() if count is not None}}
        chosen = load(method.model_dump(mode="json") if isinstance(method, Method) else method, changes)
        budget = chosen.budget
        if max(budget.cycles, budget.samples_per_cycle) >= 2**31:
            raise InvalidValue(
                f"the budget is {budget.cycles} cycles of {budget.samples_per_cycle} samples", "ask for less"
            )
        return chosen

    # Look

    def status(self) -> Listing[TaskStatus]:
        """Return the status of every task: quality, size, compute, and what it shares."""
        return Listing(statuses(self._catalog, self.versions.branch))

    def path(self, name: str) -> Path:
        """Return the path of an id, of the unique start of one, or of a task: its published one.

        Raises:
            UnknownName: there is none.
        """
        if name in self.tasks:
            return self.versions.published_path(name)
        try:
            return self._catalog.paths.get(name)
        except UnknownName as error:
            tasks = [task.name for task in self.tasks]
            remedy = did_you_mean(name, tasks, error.remedy or "`ramet status` lists the tasks and paths")
            raise UnknownName(f"no task or path is called {name!r}", remedy) from None

    def paths(self, ids: Sequence[str]) -> list[Path]:
        """Return the paths of these ids, in their order.

        Raises:
            UnknownName: one is not there.
        """
        return self._catalog.paths.many(ids)

    def find(self, name: str) -> Path | Commit:
        """Return what a name means: a task's published path, the path of an id or its start, or else a commit.

        Raises:
            UnknownName: none of these.
        """
        try:
            return self.path(name)
        except UnknownName as error:
            if name in self.tasks:
                raise
            remedy = error.remedy
        try:
            return self.versions.commit(name)
        except UnknownName:
            raise UnknownName(f"no task, path or commit is called {name!r}", remedy) from None

    def history(self, task: str | None = None, *, run: str | None = None) -> Listing[Child]:
        """Return the children that were ever made, in the order they were recorded.

        Args:
            task: only this task's.
            run: only those of the run of this id (see runs).

        Raises:
            UnknownName: there is no such task.
        """
        if task is not None:
            self.tasks[task]
        return Listing(self._catalog.agents.children(run, task=task), _child_row)

    def runs(self, task: str | None = None) -> Listing[Agent]:
        """Return all runs, or a task's, by task and number: each an agent as it is now."""
        return Listing(self._catalog.agents.all(task))

    def lineage(self, name: str) -> list[Path]:
        """Return the paths that a task's published one, or the path of an id, descends from: the root first.

        Raises:
            UnknownName: there is no such path.
        """
        return self._catalog.paths.ancestors(self.path(name).id)[::-1]

    def roots(self) -> dict[str, Path]:
        """Return the paths that the system started from, by name."""
        return self._catalog.paths.roots()

    def holders(self, path: Path) -> dict[str, tuple[str, ...]]:
        """Return the roots and the other tasks whose published paths hold each component of a path, by its name."""
        roots = self.roots()
        held = self.versions.world().held
        names = {agent_of(root): name for name, root in roots.items()}
        return {
            c.name: tuple(
                sorted(names.get(agent, agent) for agent in held.get(c.digest, ()) if agent != agent_of(path))
            )
            for c in path.components
        }

    def sharing(self) -> dict[tuple[str, str], tuple[Component, ...]]:
        """Return the components that the published paths of two tasks both hold, for both orders of the two."""
        state = self.versions.published()
        digests = {task: {c.digest for c in path.components} for task, path in state.items()}
        return {
            (one, other): shared
            for one, path in state.items()
            for other in digests.keys() - {one}
            if (shared := tuple(c for c in path.components if c.digest in digests[other]))
        }

    # Use

    def examples(self, task: str, split: str = "test") -> "Split":
        """Return the images and labels of a split, memory-mapped: what the task's paths are trained and measured on."""
        from ramet.tasks.data import open_splits

        return open_splits(self.store.folder, self.tasks[task])[_known_split(split)]

    def evaluate(
        self,
        *tasks: str,
        split: str = "test",
        details: bool = False,
        device: str = "auto",
        progress: Progress = QUIET,
    ) -> Listing[Evaluation]:
        """Measure the accuracy of tasks' published paths on a split; of all published tasks where none is named.

        Args:
            tasks: their names.
            split: `train`, `validation` or `test`.
            details: tell of every class, too: accuracies, confusion, the images that are most wrong.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            progress: told how many examples are measured.

        Raises:
            UnknownName: there is no such task, or it has no path yet.
        """
        from ramet.system.use import evaluate

        _known_split(split)
        paths = [self.versions.published_path(name) for name in tasks] if tasks else self.versions.published().values()
        return Listing(
            evaluate(
                self._load(path, device),
                path,
                self.tasks[path.task or ""],
                self.examples(path.task or "", split),
                split,
                details=details,
                progress=progress,
            )
            for path in paths
        )

    def predict(
        self,
        task: str,
        images: "Image | Sequence[Image]",
        *,
        device: str = "auto",
        skip_bad_images: bool = False,
        progress: Progress = QUIET,
    ) -> Listing[Prediction]:
        """Return class probabilities of images.

        Args:
            task: its name.
            images: one or several: files (str or Path), whole files' bytes, PIL images, or uint8 arrays (H, W) or
                (H, W, 3); an array (N, H, W, 3) is N images.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            skip_bad_images: leave out those that cannot be read, and note them, instead of refusing all.
            progress: told how many images are done, and of those that are left out.

        Raises:
            UnknownName: there is no such task, or it has no path yet.
            DataError: an image cannot be read; it is named.
            InvalidValue: images holds something that is no image.
        """
        from ramet.system.use import predict

        path = self.versions.published_path(task)
        return Listing(
            predict(self._load(path, device), self.tasks[task], images, skip_bad=skip_bad_images, progress=progress)
        )

    def model(self, task: str, *, device: str = "auto") -> "TaskModel":
        """Return a task's published path as a `torch.nn.Module` from images to logits (see TaskModel).

        Raises:
            UnknownName: there is no such task, or it has no path yet.
        """
        from ramet.system.model import TaskModel

        return TaskModel(self._load(self.versions.published_path(task), device), self.tasks[task].classes)

    def verify_quality(self, *, device: str = "auto", progress: Progress = QUIET) -> Listing[QualityCheck]:
        """Measure every task's test quality again; it must be what was recorded when its path was published."""
        published = self.versions.published()
        return Listing(
            QualityCheck(e.task, e.path, published[e.task].metrics["test_quality"], e.accuracy)
            for e in self.evaluate(device=device, progress=progress)
        )

    def replay(
        self,
        name: str,
        *,
        device: str = "auto",
        tolerance: float = 0.02,
        progress: Progress = QUIET,
    ) -> Replay:
        """Train the lineage of a published path again from its recorded seeds, and compare every step with its record.

        It starts from the nearest ancestor that is a root or another task's path. Nothing is written to the system.

        Args:
            name: a task, whose published path is meant, or the id of a path.
            device: `auto`, `cpu`, `cuda` or `cuda:N`; on another one than before no byte is the same.
            tolerance: how far qualities may be apart where bytes differ.
            progress: told (which step, done, total).

        Raises:
            UnknownName: there is no such path, or how it came about is not on record here.
            InvalidValue: it is a root, was not kept, or the tolerance is negative.
            DataError: the images of its task are not there any more, or others.
            ObjectError: an object that it starts from is gone.
        """
        from ramet.evolution.replay import replay

        if not tolerance >= 0:
            raise InvalidValue(f"tolerance is {tolerance}", "give a difference of accuracies, such as 0.02")
        return replay(self.store.opened, self.path(name), device=device, tolerance=tolerance, progress=progress)

    def _load(self, path: Path, device: str) -> "LoadedPath":
        from ramet.evolution.record import know_kinds
        from ramet.runtime.device import choose_device
        from ramet.runtime.inference import LoadedPath
        from ramet.runtime.program import Resident

        know_kinds(self._catalog, [path])
        return LoadedPath(path, Resident(self.store.objects.get, choose_device(device)))


def _child_row(child: Child) -> dict[str, object]:
    path, metrics = child.path, child.path.metrics
    return {
        "path": path.id,
        "task": path.task,
        "parent": path.parent,
        "cycle": child.cycle,
        "generation": child.generation,
        "number": child.number,
        "status": child.status,
        "quality": metrics.get("quality"),
        "score": metrics.get("score"),
        "mutations": ", ".join(child.mutations),
        **child.cost,
    }


def _known_split(name: str) -> str:
    from ramet.tasks.sources.base import SPLITS

    if name not in SPLITS:
        raise InvalidValue(f"no split is called {name!r}", f"use one of {', '.join(SPLITS)}")
    return name
