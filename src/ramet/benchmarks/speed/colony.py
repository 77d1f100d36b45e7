"""A made-up system of many tasks, put together through the real catalog and object store in seconds.

Nothing is trained. Every task's path is a child of the root: it has a norm and a head of its own, and copies of a few
blocks, which ones is drawn for each task; all else it shares with all others. Copies differ from the root's by noise.
As after training, the momentum of what is a task's own is stored too. How much tasks share in a grown system depends on
the tasks and the method: this pattern is an assumption.
"""

from collections.abc import Mapping
from pathlib import Path as FilePath

import torch
from torch import Tensor

import ramet
from ramet.benchmarks.speed.report import Say
from ramet.method.presets import DEFAULT_METHOD, load
from ramet.method.schema import Method
from ramet.randomness import Key, generator
from ramet.records import Component, Path, Task
from ramet.system import System
from ramet.vit.initial import new_component

CLASSES = 10
OWN_BLOCKS = 2


def grow(folder: FilePath, root: str, tasks: int, say: Say) -> System:
    """The system in a folder, which is made if it is not there yet."""
    if (folder / "ramet.json").exists():
        return ramet.open(folder)
    say(f"making a system of {tasks} tasks")
    system = ramet.init(folder, root)
    (parent,) = system.roots().values()
    method = load(DEFAULT_METHOD)
    for number in range(tasks):
        _add(system, f"task-{number:03d}", parent, method)
    return system


def _add(system: System, name: str, parent: Path, method: Method) -> None:
    classes = tuple(f"class-{i}" for i in range(CLASSES))
    size = 2 * (parent.architecture.image_size,)
    system.catalog.add_task(
        Task(name, "made up", classes, {"train": 1000, "validation": 100, "test": 100}, name, {"size": size})
    )
    agent = system.catalog.start_agent(
        name, method=method.model_dump(mode="json"), label=method.label, seed=0, cycles=1, samples=1
    )
    path = _path(system, name, parent, method, agent.id)
    system.catalog.publish([path], message=name, method=method.label, close_cycle=agent)


def _path(system: System, task: str, parent: Path, method: Method, agent: str) -> Path:
    shape, rng = parent.architecture, generator(task, "quality")
    blocks = generator(task, "blocks").permutation(shape.layers)[:OWN_BLOCKS]
    own = (*(f"block.{i}" for i in sorted(blocks)), "norm", "head")
    head = new_component(shape, "head", image_size=shape.image_size, adapter_width=0, classes=CLASSES, seed=0)
    tensors = {c.name: system.objects.get(c.digest) for c in parent.components if c.name in own}
    made = {name: _stored(system, name, tensors.get(name, head), task) for name in own}
    return Path(
        id="",
        task=task,
        architecture=shape,
        components=(*(made.get(c.name, c) for c in parent.components), made["head"]),
        hyperparameters={name: choices.default for name, choices in method.space(shape).items()},
        parent=parent.id,
        agent=agent,
        trained=own,
        method=method.label,
        metrics={"quality": float(rng.random()), "test_quality": float(rng.random())},
    ).identified()


def _stored(system: System, name: str, tensors: Mapping[str, Tensor], task: str) -> Component:
    """A component of a task's own, near the given one, with its momentum."""
    digest, momentum = (
        system.objects.put({key: base + _noise(base, (task, name, kind, key)) for key, base in start.items()})
        for kind, start in (("weights", tensors), ("momentum", {k: torch.zeros_like(t) for k, t in tensors.items()}))
    )
    return Component(name, digest, sum(t.numel() for t in tensors.values()), momentum, task=task)


def _noise(like: Tensor, key: Key) -> Tensor:
    drawn = generator(*key).standard_normal(tuple(like.shape), dtype="float32")
    return 0.01 * torch.from_numpy(drawn)
