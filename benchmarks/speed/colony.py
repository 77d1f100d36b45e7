"""A made-up system of many tasks, put together through the real catalog and object store in seconds.

Nothing is trained. Every task's path is a child of the root: it has a norm and a head of its own, and copies of a few
blocks, which ones is drawn for each task; all else it shares with all others. Copies differ from the root's by noise.
As after training, the momentum of what is a task's own is stored too. How much tasks share in a grown system depends on
the tasks and the method: this pattern is an assumption. All tasks come in one transaction, as if they were pulled, each
by a commit of its own.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath

import torch
from benchmarks.speed.report import Say
from torch import Tensor

import ramet
from ramet.base.randomness import Key, generator
from ramet.base.records import Commit, Component, Path, Task, content_id
from ramet.method.document.presets import DEFAULT_METHOD, load
from ramet.method.document.schema import Method
from ramet.store.catalog.agents import Agent
from ramet.store.exchange.parcel import Parcel, receive
from ramet.store.versions.commits import MAIN, new_commit
from ramet.system import System
from ramet.vit import spec
from ramet.vit.initial import new_component
from ramet.vit.kinds import Dimensions

CLASSES = 10
OWN_BLOCKS = 2

Own = Callable[[System, Path, str], Mapping[str, Component]]
"""Gives the components of a task's own, of a system with this root, by their names."""


def stored(system: System, root: Path, task: str) -> Mapping[str, Component]:
    """Components near the root's, with their momentum, as objects of the system."""
    shape = root.architecture
    head = new_component(shape, "head", Dimensions(shape.image_size, CLASSES), seed=0)
    found = {c.name: system.store.objects.get(c.digest) for c in root.components if c.name in own_names(root, task)}
    return {name: _stored(system, name, found.get(name, head), task) for name in own_names(root, task)}


def named(_system: System, root: Path, task: str) -> Mapping[str, Component]:
    """The same components without their objects: what only looks at the catalog does not miss them."""

    def digest(*key: str) -> str:
        return hashlib.sha256("/".join(key).encode()).hexdigest()

    sizes = {**{c.name: c.size for c in root.components}, "head": _head_size(root)}
    return {
        name: Component(name, digest(task, name), sizes[name], digest(task, name, "momentum"), task=task)
        for name in own_names(root, task)
    }


def grow(folder: FilePath, root: str, tasks: int, say: Say, own: Own = stored) -> System:
    """The system in a folder, which is made if it is not there yet."""
    if (folder / "ramet.json").exists():
        return ramet.open(folder)
    say(f"making a system of {tasks:,} tasks")
    system = ramet.init(folder, root)
    (parent,) = system.roots().values()
    method, head = load(DEFAULT_METHOD), system.versions.commit().id
    made = [_task(system, f"task-{number:03d}", parent, method, own) for number in range(tasks)]
    commits = _commits(head, [path for _, path, _ in made], method.label)
    parcel = Parcel(
        tasks={task.name: task for task, _, _ in made},
        roots={},
        paths={path.id: path for _, path, _ in made},
        agents={agent.id: agent for _, _, agent in made},
        commits={commit.id: commit for commit in commits},
    )
    receive(system.store.catalog, parcel, MAIN, commits[-1].id, old=head)
    return system


def own_names(root: Path, task: str) -> tuple[str, ...]:
    """What of a task's path is its own, in the order the input meets it."""
    blocks = generator(task, "blocks").permutation(root.architecture.layers)[:OWN_BLOCKS]
    return (*(f"block.{i}" for i in sorted(blocks)), "norm", "head")


def child(parent: Path, task: str, own: Mapping[str, Component], method: Method, agent: str) -> Path:
    """A path of a task: its parent's components but for the task's own."""
    shape, rng = parent.architecture, generator(task, "quality")
    body = tuple(own.get(c.name, c) for c in parent.components if c.name != "head")
    return Path(
        id="",
        task=task,
        architecture=shape,
        components=(*body, own["head"]),
        hyperparameters={name: choices.default for name, choices in method.space(shape).items()},
        parent=parent.id,
        agent=agent,
        trained=tuple(own),
        method=method.label,
        metrics={"quality": float(rng.random()), "test_quality": float(rng.random())},
    ).identified()


def _task(system: System, name: str, root: Path, method: Method, own: Own) -> tuple[Task, Path, Agent]:
    """A task, its path, and the agent that would have made it."""
    classes = tuple(f"class-{i}" for i in range(CLASSES))
    size = 2 * (root.architecture.image_size,)
    task = Task(name, "made up", classes, {"train": 1000, "validation": 100, "test": 100}, name, {"size": size})
    agent = Agent(
        id=content_id([name, "agent"]),
        task=name,
        number=0,
        branch=MAIN,
        method=method.model_dump(mode="json"),
        label=method.label,
        seed=0,
        cycles=1,
        samples=1,
        state="done",
        cycle=1,
        base="",  # is known to who takes it in
    )
    return task, child(root, name, own(system, root, name), method, agent.id), agent


def _commits(head: str, paths: list[Path], method: str) -> list[Commit]:
    commits: list[Commit] = []
    for path in paths:
        before = commits[-1].id if commits else head
        changes = {path.task or "": path.id}
        commits.append(new_commit((before,), changes, message=path.task or "", method=method, **_ORIGIN))
    return commits


_ORIGIN = {"time": "2026-01-01T00:00:00+00:00", "author": "", "code": ""}


def _head_size(root: Path) -> int:
    shape = root.architecture
    return spec.size(shape, "head", Dimensions(shape.image_size, CLASSES))


def _stored(system: System, name: str, tensors: Mapping[str, Tensor], task: str) -> Component:
    """A component of a task's own, near the given one, with its momentum."""
    digest, momentum = (
        system.store.objects.put({key: base + _noise(base, (task, name, kind, key)) for key, base in start.items()})
        for kind, start in (("weights", tensors), ("momentum", {k: torch.zeros_like(t) for k, t in tensors.items()}))
    )
    return Component(name, digest, sum(t.numel() for t in tensors.values()), momentum, task=task)


def _noise(like: Tensor, key: Key) -> Tensor:
    drawn = generator(*key).standard_normal(tuple(like.shape), dtype="float32")
    return 0.01 * torch.from_numpy(drawn)
