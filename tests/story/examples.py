"""Systems whose paths are made up, through the real catalog: stories are told of records alone."""

import hashlib
from math import isnan
from pathlib import Path as FilePath

import ramet.system as ramet
from ramet.base.records import Commit, Component, Path, Task
from ramet.system import System
from ramet.vit import spec
from ramet.vit.kinds import Dimensions

CLASSES = 4


def new_system(folder: FilePath) -> System:
    return ramet.init(folder, "random:vit_tiny_patch8@16x2")


def learn(
    system: System,
    task: str,
    *own: str,
    parent: Path | None = None,
    adapters: tuple[int, ...] = (),
    layers: int = 2,
    method: str = "plain v1 #1",
    quality: float = 0.5,
) -> tuple[Path, Commit]:
    """Publish a path of a task: its parent's (the root's) components, but norm, head and some others of its own."""
    (root,) = system.roots().values()
    if task not in {known.name for known in system.tasks}:
        classes = tuple(f"class-{i}" for i in range(CLASSES))
        system.store.catalog.tasks.add(Task(task, "made up", classes, {"train": 9}, task, {"size": (16, 16)}))
    start = parent or root
    trained = {*own, "norm", "head", *(f"adapter.{i}" for i in adapters)}
    names = spec.component_names(layers, {*(f"adapter.{i}" for i in adapters), *_adapters(start)})
    path = Path(
        id="",
        task=task,
        architecture=root.architecture,
        components=tuple(_component(start, name, task, quality, own=name in trained) for name in names),
        hyperparameters={
            "layers": layers,
            "data.image_size": 16,
            "adapter_width": 8,
            "opt.lr": 0.0 if isnan(quality) else quality,
        },
        parent=start.id,
        parent_task=start.task,
        trained=tuple(sorted(trained)),
        method=method,
        metrics={"quality": quality, "test_quality": quality - 0.1},
    ).identified()
    commit = system.store.catalog.versions.publish(
        [path], message=f"learn {task}", method=method, branch=system.versions.branch
    )
    return path, commit


def _component(parent: Path, name: str, task: str, salt: float, *, own: bool) -> Component:
    found = parent.component(name)
    if found is not None and not own:
        return found
    size = spec.size(parent.architecture, name, Dimensions(16, CLASSES, (("adapter_width", 8),)))
    digest = hashlib.sha256(f"{task}/{name}/{salt}".encode()).hexdigest()
    return Component(name, digest, size, task=task)


def _adapters(path: Path) -> set[str]:
    return {c.name for c in path.components if spec.kind(c.name) == "adapter"}


def grown(folder: FilePath) -> System:
    """Three tasks, the second from the first, the third from the second with one layer less; the first is back."""
    system = new_system(folder)
    first, _ = learn(system, "one", "block.0", quality=0.5)
    second, _ = learn(system, "two", parent=first, adapters=(1,), quality=0.6)
    learn(system, "three", "cls_token", parent=second, layers=1, method="other v1 #2", quality=0.7)
    learn(system, "one", "block.1", parent=first, method="other v1 #2", quality=0.8)
    return system
