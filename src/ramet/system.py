"""A system as a library sees it: make or open one, add tasks, evolve them, look at them, use them.

The command line mirrors this module: each command is the method of the same name. What reads images or handles tensors
is imported where it is used, so that looking at a system is quick.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from difflib import get_close_matches
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.records import Child, Commit, Component, Path, Task
from ramet.evolution.observer import Observer
from ramet.evolution.status import statuses
from ramet.method.document.presets import DEFAULT_METHOD, load
from ramet.method.document.schema import Method
from ramet.method.score import agent_of
from ramet.method.world import World
from ramet.results import Evaluation, Prediction, QualityCheck, Replay, TaskStatus
from ramet.store.care import Fault, GcReport, gc, repair, verify
from ramet.store.exchange.bundle import read_bundle, take_bundle, write_bundle
from ramet.store.exchange.remote import Remote, open_remote
from ramet.store.exchange.transfer import Transfer, pull, push
from ramet.store.folder import COPIES, create, open_store
from ramet.versioning import Versioned

if TYPE_CHECKING:
    from PIL.Image import Image

    from ramet.runtime.inference import LoadedPath
    from ramet.tasks.data import Split

Progress = Callable[[int, int], None]
"""Told (done, total) now and then."""

PREDICTION_BATCH = 64


def init(
    directory: str | FilePath,
    root: str = "random:vit_tiny_patch16",
    *,
    name: str | None = None,
    seed: int = 0,
    store: str | None = None,
    catalog: str | None = None,
) -> "System":
    """Make a system.

    Args:
        directory: its folder; made if it is missing, and must hold nothing else.
        root: the transformer that it grows from: `random:vit_tiny_patch16@32x3`, a timm `.safetensors`, a Hugging Face
            ViT folder, an AugReg `.npz`, `hf:REPO`, or `system:DIR:TASK`, the path of another system's task.
        name: of the system; its folder's by default.
        seed: of a random root's draws.
        store: the URL of the place where its objects are kept, such as `s3://bucket/prefix`; its folder by default.
        catalog: the URL of a PostgreSQL database for its catalog, without a password; by default it is in its folder.

    Raises:
        InvalidValue: the catalog's URL is none, or has a password.
        StoreError: the folder holds a system or other files, or cannot be written, or the store or the catalog is in
            use or cannot be reached.
        UnknownName, CheckpointError: there is no such root, or it cannot be used.
    """
    from ramet.evolution.roots import root_of

    folder = FilePath(directory).expanduser().resolve()
    loaded = root_of(root, seed)
    with create(folder, name or folder.name, objects=store, catalog=catalog) as made:
        components = tuple(
            Component(
                name=component,
                digest=made.objects.put(tensors),
                size=sum(t.numel() for t in tensors.values()),
                untrained=loaded.untrained,
            )
            for component, tensors in loaded.tensors.items()
        )
        shape = loaded.architecture
        hyperparameters = {"layers": shape.layers, "data.image_size": shape.image_size}
        path = Path("", None, shape, components, hyperparameters, agent="root").identified()
        made.catalog.paths.add_root(loaded.name, path)
    return System(open_store(folder))


def open(directory: str | FilePath = ".", branch: str | None = None) -> "System":
    """Open the system of a folder.

    Args:
        directory: the folder.
        branch: what is done and said is on this branch; by default on the one that the folder is on (see switch).

    Raises:
        StoreError: there is none, or it was made by a newer ramet, or it cannot be read.
        UnknownName: there is no such branch.
    """
    return System(open_store(FilePath(directory).expanduser().resolve()), branch)


class System(Versioned):
    """One multitask image classification system (see init and open)."""

    @property
    def name(self) -> str:
        """What it was called when it was made."""
        return self.store.name

    # Tasks

    def add_task(
        self,
        name: str,
        source: str | FilePath,
        *,
        max_side: int | None = None,
        validation: float | None = None,
        test: float | None = None,
        skip_bad_images: bool = False,
        progress: Progress | None = None,
        **options: Any,
    ) -> Task:
        """Add a task, and decode its images once into the system's cache.

        Args:
            name: letters, digits, `.`, `_`, `-` and `/`.
            source: a folder of class folders, `csv:FILE`, `npz:FILE`, `hf:NAME`, `tfds:NAME`, `catalog:NAME` or
                `demo:NAME`.
            max_side: larger images are kept at this many pixels a side (default: the largest root's image size).
            validation: the fraction of train to take for a validation split that is missing (default 0.05).
            test: the same for a missing test split.
            skip_bad_images: leave images out that cannot be decoded, and count them, instead of refusing the task.
            progress: told (done, total) while images are decoded.
            options: the source's own.

        Raises:
            InvalidValue: a task of that name is there, the name is not allowed, or an option is not.
            DataError: the source cannot be used as a task; nothing is added.
        """
        from ramet.tasks import data as task_data

        if self.catalog.tasks.has(name):
            raise InvalidValue(f"there is a task {name!r} already", "choose another name, or remove that one first")
        largest = max(path.architecture.image_size for path in self.catalog.paths.roots().values())
        task = task_data.add(
            self.folder,
            name,
            str(source),
            max_side=largest if max_side is None else max_side,
            validation=validation,
            test=test,
            skip_bad_images=skip_bad_images,
            progress=progress,
            **options,
        )
        self.catalog.tasks.add(task)
        return task

    def tasks(self) -> list[Task]:
        """All tasks, by name."""
        return self.catalog.tasks.all()

    def task(self, name: str) -> Task:
        """The task of that name.

        Raises:
            UnknownName: there is none.
        """
        return self.catalog.tasks.get(name)

    def remove_task(self, name: str) -> None:
        """Take a task off the branch; what other tasks hold of its components stays, and so does its history.

        The task itself is removed unless another branch publishes or evolves it.

        Raises:
            InvalidValue: it is only on other branches.
        """
        from ramet.tasks.data import remove_cache

        with self.catalog.leases.hold(self.task(name).name, branch=self.branch):
            self.catalog.tasks.remove(name, branch=self.branch)
            if not self.catalog.tasks.has(name):
                remove_cache(self.folder, name)

    # Evolution

    def evolve(
        self,
        *tasks: str,
        method: str | FilePath | Mapping[str, Any] | Method = DEFAULT_METHOD,
        settings: Mapping[str, str] | None = None,
        seed: int = 0,
        cycles: int | None = None,
        samples: int | None = None,
        time_limit: float | None = None,
        device: str = "auto",
        restart: bool = False,
        observer: Observer | None = None,
    ) -> list[TaskStatus]:
        """Run an agent a task, one after the other; what was stopped before is resumed by the same call.

        Where one of the tasks has a run that is not done, such runs are finished and no new ones are begun.

        Args:
            tasks: their names.
            method: a preset's name, a YAML file or text, or a method.
            settings: fields of the method to change, by dotted name.
            seed: keys every draw.
            cycles: overrides the method's number of cycles.
            samples: overrides the method's children a cycle.
            time_limit: seconds for all of it, shared out evenly among the tasks; no generation is begun that would not
                end in time, and the best paths so far are published.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            restart: give up runs that are not done, and begin anew.
            observer: told what happens.

        Returns:
            The tasks' status afterwards.

        Raises:
            UnknownName, InvalidValue: a task, a field or a value is not there or not allowed.
            Busy: another process works on one of the tasks.
        """
        from ramet.evolution.evolve import evolve

        counts = {"budget.cycles": cycles, "budget.samples_per_cycle": samples}
        changes = {**(settings or {}), **{key: str(count) for key, count in counts.items() if count is not None}}
        chosen = load(method.model_dump(mode="json") if isinstance(method, Method) else method, changes)
        evolve(
            self.store,
            [self.task(name) for name in dict.fromkeys(tasks)],
            chosen,
            branch=self.branch,
            seed=seed,
            device=device,
            time_limit=time_limit,
            restart=restart,
            observer=observer or Observer(),
        )
        return [status for status in self.status() if status.task in tasks]

    # Look

    def status(self) -> list[TaskStatus]:
        """Every task: quality, size, compute, and what it shares."""
        return statuses(self.catalog, self.branch)

    def path(self, name: str) -> Path:
        """The path of an id, of the unique start of one, or of a task: its published one.

        Raises:
            UnknownName: there is none.
        """
        if self.catalog.tasks.has(name):
            return self._published(name)
        return self.catalog.paths.get(name)

    def find(self, name: str) -> Path | Commit:
        """What a name means: a task's published path, the path of an id or its start, or else a commit.

        Raises:
            UnknownName: none of these.
        """
        try:
            return self.path(name)
        except UnknownName:
            if self.catalog.tasks.has(name):
                raise
        try:
            return self.commit(name)
        except UnknownName as error:
            near = ", ".join(get_close_matches(name, self.catalog.tasks.names()))
            remedy = f"did you mean {near}?" if near else error.remedy
            raise UnknownName(f"no task, path or commit is called {name!r}", remedy) from None

    def history(self, task: str | None = None) -> list[Child]:
        """All children that were ever made, or a task's, in the order they were recorded."""
        if task is not None:
            self.task(task)
        return self.catalog.agents.children(task=task)

    def lineage(self, task: str) -> list[Path]:
        """The paths that a task's published one descends from, from the root down to it."""
        return self.catalog.paths.ancestors(self._published(task).id)[::-1]

    def roots(self) -> dict[str, Path]:
        """The paths that the system started from, by name."""
        return self.catalog.paths.roots()

    def holders(self, path: Path) -> dict[str, tuple[str, ...]]:
        """Of each component of a path, by its name: the roots and the other tasks whose published paths hold it."""
        roots = self.roots()
        held = World.of(self._state(), roots.values()).held
        names = {agent_of(root): name for name, root in roots.items()}
        return {
            c.name: tuple(
                sorted(names.get(agent, agent) for agent in held.get(c.digest, ()) if agent != agent_of(path))
            )
            for c in path.components
        }

    def sharing(self) -> dict[tuple[str, str], tuple[Component, ...]]:
        """The components that the published paths of two tasks both hold, for both orders of the two."""
        digests = {task: {c.digest for c in path.components} for task, path in self._state().items()}
        return {
            (one, other): shared
            for one, path in self._state().items()
            for other in digests.keys() - {one}
            if (shared := tuple(c for c in path.components if c.digest in digests[other]))
        }

    # Use

    def examples(self, task: str, split: str = "test") -> "Split":
        """The images and labels of a split, memory-mapped: what the task's paths are trained and measured on."""
        from ramet.tasks.data import open_splits

        return open_splits(self.folder, self.task(task))[_known_split(split)]

    def evaluate(
        self,
        *tasks: str,
        split: str = "test",
        device: str = "auto",
        progress: Callable[[str, int, int], None] | None = None,
    ) -> list[Evaluation]:
        """Measure the accuracy of tasks' published paths on a split; of all published tasks where none is named.

        Args:
            tasks: their names.
            split: `train`, `validation` or `test`.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            progress: told (task, done, total).
        """
        _known_split(split)
        paths = [self._published(name) for name in tasks] if tasks else list(self._state().values())
        return [self._evaluate(path, split, device, progress) for path in paths]

    def predict(
        self, task: str, images: "Sequence[str | FilePath | Image]", *, device: str = "auto"
    ) -> list[Prediction]:
        """Class probabilities of images: files, or PIL images.

        Raises:
            UnknownName: there is no such task, or it has no path yet.
            DataError: an image cannot be read; it is named.
        """
        import numpy as np

        from ramet.tasks.images import as_cached

        loaded = self._load(self._published(task), device)
        known = self.task(task)
        predictions = []
        for start in range(0, len(images), PREDICTION_BATCH):
            batch = images[start : start + PREDICTION_BATCH]
            pixels = np.stack([as_cached(known, image) for image in batch])
            for image, row in zip(batch, loaded.probabilities(pixels).tolist(), strict=True):
                ranked = sorted(zip(known.classes, row, strict=True), key=lambda pair: -pair[1])
                predictions.append(Prediction(str(image), tuple(ranked)))
        return predictions

    # Care

    def verify(self, *, source: str | None = None, progress: Progress | None = None) -> list[Fault]:
        """Check every object against its name; what is wrong is named with what it affects.

        Args:
            source: a remote that whole copies of damaged and missing objects are brought back from.
            progress: told (done, total) after each object.

        Raises:
            UnknownName: there is no such remote.
        """
        with nullcontext() if source is None else self._remote(source) as remote:
            faults = verify(self.catalog, self.objects, progress=progress)
            return faults if remote is None else repair(faults, self.objects, remote.objects)

    def verify_quality(
        self, *, device: str = "auto", progress: Callable[[str, int, int], None] | None = None
    ) -> list[QualityCheck]:
        """Measure every task's test quality again; it must be what was recorded when its path was published."""
        published = self._state()
        return [
            QualityCheck(e.task, e.path, published[e.task].metrics["test_quality"], e.accuracy)
            for e in self.evaluate(device=device, progress=progress)
        ]

    def replay(
        self,
        name: str,
        *,
        device: str = "auto",
        tolerance: float = 0.02,
        progress: Callable[[str, int, int], None] | None = None,
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
            InvalidValue: it is a root, was never published, or the tolerance is negative.
            DataError: the images of its task are not there any more, or others.
            ObjectError: an object that it starts from is gone.
        """
        from ramet.evolution.replay import replay

        if not tolerance >= 0:
            raise InvalidValue(f"tolerance is {tolerance}", "give a difference of accuracies, such as 0.02")
        return replay(self.store, self.path(name), device=device, tolerance=tolerance, progress=progress)

    def gc(self, *, delete: bool = False) -> GcReport:
        """Find the objects that no branch, tag, root or running agent leads to, and delete them if asked to."""
        return gc(self.catalog, self.objects, delete=delete)

    # Share

    def push(self, remote: str, branch: str | None = None, *, progress: Progress | None = None) -> Transfer:
        """Bring a branch, the one that the system is on by default, to a remote; only what is missing there travels.

        Args:
            remote: another system's folder, or a URL such as `s3://bucket/prefix` or `file:///folder`.
            branch: its name.
            progress: told (done, total) after each object.

        Raises:
            UnknownName: there is no such remote or branch.
            Conflict: the branch has commits there that it has not here.
        """
        with self._remote(remote) as there:
            return push(self.store, there, branch or self.branch, progress)

    def pull(self, remote: str, branch: str | None = None, *, progress: Progress | None = None) -> Transfer:
        """Bring a remote's branch, of the name of the one that the system is on by default, into this system.

        It moves ahead here if it has nothing of its own; else what came is on the branch REMOTE/BRANCH, to be merged.

        Args:
            remote: another system's folder, or a URL that was pushed to.
            branch: its name.
            progress: told (done, total) after each object.

        Raises:
            UnknownName: there is no such remote or branch.
            InvalidValue: a task here is another one than that of the same name there.
        """
        from ramet.tasks.names import check_name

        def accept(task: Task) -> None:
            check_name(task.name)

        with self._remote(remote) as there:
            return pull(self.store, there, branch or self.branch, accept=accept, progress=progress)

    def export_task(self, task: str, directory: str | FilePath) -> int:
        """Write a task's path, with all that it needs, into a new folder, and return the bytes of its tensors.

        Raises:
            UnknownName: there is no such task, or it has no path yet.
            StoreError: the folder holds something, or cannot be written.
        """
        path = self._published(task)
        agent = self.catalog.agents.find(path.agent)
        folder = FilePath(directory).expanduser().resolve()
        return write_bundle(self.store, self.task(task), path, self.lineage(task), agent, folder)

    def import_task(self, directory: str | FilePath, name: str | None = None) -> Path:
        """Publish an exported path as a task's, by one commit; the task is added if it is not there.

        Args:
            directory: the folder that export_task wrote.
            name: of the task here; the one that it had by default.

        Raises:
            StoreError, ObjectError: the folder holds no exported path, or a damaged one.
            InvalidValue: there is a task of that name with other classes.
        """
        from ramet.tasks.names import check_name

        bundle = read_bundle(FilePath(directory).expanduser().resolve())
        chosen = check_name(name or bundle.task.name)
        take_bundle(self.store, bundle, chosen, self.branch)
        return self._published(chosen)

    @contextmanager
    def _remote(self, name: str) -> Iterator[Remote]:
        with closing(open_remote(name, self.folder / COPIES)) as remote:
            if remote.folder == self.folder:
                raise InvalidValue(f"{name!r} is this very system", "name another folder, or a URL")
            yield remote

    def _state(self) -> dict[str, Path]:
        return self.catalog.versions.published(self.branch)

    def _published(self, task: str) -> Path:
        path = self.catalog.versions.published_path(self.branch, task)
        if path is None or not self.catalog.tasks.has(task):
            self.task(task)
            raise UnknownName(f"task {task!r} has no path yet", f"learn it first: `ramet evolve {task}`")
        return path

    def _load(self, path: Path, device: str) -> "LoadedPath":
        from ramet.runtime.device import choose_device
        from ramet.runtime.inference import LoadedPath

        return LoadedPath(path, self.objects.get, choose_device(device))

    def _evaluate(
        self, path: Path, split: str, device: str, progress: Callable[[str, int, int], None] | None
    ) -> Evaluation:
        from ramet.tasks.data import open_splits

        task = self.task(path.task or "")
        data = open_splits(self.folder, task)[split]
        report = partial(progress, task.name) if progress else None
        accuracy = self._load(path, device).accuracy(data, report)
        return Evaluation(task.name, path.id, split, accuracy, len(data.labels))


def _known_split(name: str) -> str:
    from ramet.tasks.sources.base import SPLITS

    if name not in SPLITS:
        raise InvalidValue(f"no split is called {name!r}", f"use one of {', '.join(SPLITS)}")
    return name
