"""Trains the lineage of a path again from the recorded seeds, and compares every step with its record.

A child trained alone comes out as it did among its siblings. Every step is proposed again by the search, from the state
that its cycle saw. Where the bytes of a step are others than they were (another machine, another number of threads),
the next steps go on from the new ones. Nothing is written to the system.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Literal

import torch
from torch import Tensor

from ramet.base.progress import QUIET, Progress
from ramet.base.records import Child, Path, Task
from ramet.evolution.features import features_by_root
from ramet.evolution.record import Step, steps
from ramet.method.plan import ChildPlan
from ramet.method.search import propose
from ramet.results import Replay, ReplayStep
from ramet.runtime.device import choose_device
from ramet.runtime.inference import LoadedPath
from ramet.runtime.program import Resident
from ramet.store.folder import Store
from ramet.store.objects import FolderObjects
from ramet.tasks.data import Split, open_splits
from ramet.training.generation import TrainedChild, train_generation


def replay(store: Store, path: Path, *, device: str, tolerance: float, progress: Progress = QUIET) -> Replay:
    """Train a path's lineage again (see System.replay); progress is told `advanced("step 1 of 3", ...)`."""
    chosen = choose_device(device)
    start, made = steps(store.catalog, store.objects, path, features_by_root(store, chosen))
    tasks = {task.name: task for task in store.catalog.tasks.all(removed=True)}
    done: list[ReplayStep] = []
    with TemporaryDirectory(prefix="ramet-replay-") as place:
        lab = _Laboratory(store, tasks, chosen, tolerance, FilePath(place))
        for i, step in enumerate(made, start=1):
            done.append(lab.replayed(step, partial(progress.advanced, f"step {i} of {len(made)}")))
            if done[-1].otherwise:
                break
    return Replay(path.id, start.id, str(chosen), tolerance, tuple(done))


class _Laboratory:
    """A place to train children again: the system to read from, and a folder of its own for bytes that differ.

    instead maps recorded objects to what is there in their place.
    """

    def __init__(
        self, store: Store, tasks: Mapping[str, Task], device: torch.device, tolerance: float, place: FilePath
    ) -> None:
        self.store = store
        self.tasks = tasks
        self.device = device
        self.tolerance = tolerance
        self.made = FolderObjects(place)
        self.instead: dict[str, str] = {}
        self._splits: dict[str, dict[str, Split]] = {}

    def replayed(self, step: Step, report: Callable[[int, int], None]) -> ReplayStep:
        """Plan and train a step again, and return how it compares."""
        task, state = self.tasks[step.state.task], step.state
        plan = propose(state, step.siblings)[step.child.number]
        differences = otherwise(plan, step.child)
        if differences:
            return _result(step, "different", otherwise=differences)
        splits = self._open(task)
        (trained,) = train_generation(
            [plan],
            state.method,
            splits,
            self.load,
            state.key,
            self.device,
            numbers=[step.child.number],
            rounds=step.rounds,
            progress=_Told(report),
        )
        if trained.failure:
            return _result(step, "different", otherwise=(f"training: joined recorded, {trained.failure} now",))
        changed = self._keep(step.child.path, trained)
        if not changed:
            return _result(step, "identical")
        recorded, path = step.child.path.metrics, step.child.path
        measured = [(recorded["quality"], trained.quality)]
        if "test_quality" in recorded:
            loaded = LoadedPath(path, Resident(self.load, self.device))
            measured.append((recorded["test_quality"], loaded.quality(splits["test"])))
        close = all(abs(before - now) <= self.tolerance for before, now in measured)
        return _result(step, "close" if close else "different", changed, now=[now for _, now in measured])

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

    def _open(self, task: Task) -> dict[str, Split]:
        if task.name not in self._splits:
            self._splits[task.name] = open_splits(self.store.folder, task)
        return self._splits[task.name]


class _Told(Progress):
    """Tells of a training."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report = report

    def advanced(self, what: str, done: int, total: int) -> None:
        self._report(done, total)


def _result(
    step: Step,
    verdict: Literal["identical", "close", "different"],
    changed: tuple[str, ...] = (),
    *,
    otherwise: tuple[str, ...] = (),
    now: list[float] | None = None,
) -> ReplayStep:
    child, path = step.child, step.child.path
    return ReplayStep(
        path=path.id,
        task=path.task or "",
        method=path.method,
        cycle=child.cycle,
        generation=child.generation,
        number=child.number,
        mutations=child.mutations,
        verdict=verdict,
        quality=path.metrics["quality"],
        test_quality=path.metrics.get("test_quality"),
        otherwise=otherwise,
        changed=changed,
        quality_now=now[0] if now else None,
        test_quality_now=now[1] if now and len(now) > 1 else None,
        place=step.terms.place,
    )


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
