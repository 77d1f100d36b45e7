"""Small records and systems, and a way to die at a given write."""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path as FilePath
from typing import Any, TypeVar
from unittest.mock import patch

from sqlalchemy import Engine, event

from ramet.base.progress import Progress
from ramet.base.records import Architecture, Child, ChildStatus, Component, Path, Task
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store, create, open_store
from ramet.store.versions import commits as versions

ARCHITECTURE = Architecture(patch_size=16, width=8, heads=2, mlp_width=16, layers=2, image_size=32)
NOWHERE = "0" * 64
T = TypeVar("T")


def a_path(task: str | None = "digits", digests: tuple[str, ...] = (NOWHERE,), **fields: Any) -> Path:
    """A path with a component a digest."""
    components = tuple(Component(f"block.{i}", digest, 10) for i, digest in enumerate(digests))
    known: dict[str, Any] = {"hyperparameters": {"layers": 2, "opt.lr": 0.1, "opt.nesterov": True}, **fields}
    return Path("", task, ARCHITECTURE, components, **known).identified()


def a_task(name: str = "digits") -> Task:
    return Task(name, f"demo:{name}", ("zero", "one"), {"train": 8, "test": 2}, "f00d", {"limit": 10})


def a_child(
    path: Path, number: int = 0, *, status: ChildStatus = "joined", generation: int = 0, cycle: int = 0
) -> Child:
    return Child(path, status, cycle, generation, number, ("hp:mu",), (0.25, 0.5), {"seconds": 1.5})


def start(
    catalog: Catalog, task: str = "digits", *, cycles: int = 2, seed: int = 0, branch: str = versions.MAIN
) -> Agent:
    return catalog.agents.start(
        task, method={"mu": [0.1]}, label="m/1", seed=seed, cycles=cycles, samples=4, branch=branch
    )


def make_system(folder: FilePath, tasks: tuple[str, ...] = ("digits",), *, catalog: str | None = None) -> Store:
    """A system with one root, whose only object has other bytes than NOWHERE."""
    import torch

    with create(folder, "colony", catalog=catalog) as store:
        root = a_path(None, (store.objects.put({"weight": torch.arange(6.0)}),), agent="root")
        store.catalog.paths.add_root("vit", root)
    store = open_store(folder)
    for task in tasks:
        store.catalog.tasks.add(a_task(task))
    return store


def again(catalog: Catalog) -> Catalog:
    """The same catalog, as another process has it."""
    return Catalog(catalog.database.address)


def in_a_thread(run: Callable[[], T]) -> T:
    """Run something in another thread, as another holder of leases."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def start_in_child(action: Callable[[], object]) -> int:
    """Begin something in a process of its own, and return its id."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            action()
            status = 0
        finally:
            os._exit(status)
    return pid


def run_in_child(action: Callable[[], object]) -> int:
    """Run something in a process of its own, and return its exit status as waitpid gives it."""
    return os.waitpid(start_in_child(action), 0)[1]


def dies_at(point: int, action: Callable[[], object]) -> bool:
    """Run an action in a process that is killed right before its n-th write, and say whether it came that far.

    A write is a system call that changes the disk, a statement that changes a database, or a commit. What the process
    has done right after one is what it has done right before the next.
    """

    def deadly() -> None:
        with _before_each_write(lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == point else None):
            action()

    status = run_in_child(deadly)
    assert status in (0, signal.SIGKILL), f"the action failed: {status}"
    return status == signal.SIGKILL


@contextmanager
def _before_each_write(tell: Callable[[int], None]) -> Iterator[None]:
    numbers = itertools.count()

    def statement(_connection: object, _cursor: object, text: str, *_: object) -> None:
        if text.lstrip().startswith(("INSERT", "UPDATE", "DELETE", "ALTER", "DROP", "CREATE")):
            tell(next(numbers))

    def told(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            tell(next(numbers))
            return call(*args, **kwargs)

        return wrapped

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", lambda _: tell(next(numbers)))
    with ExitStack() as patches:
        for name in ("replace", "rename", "fsync", "utime", "unlink", "mkdir"):
            patches.enter_context(patch.object(os, name, told(getattr(os, name))))
        yield


class Told(Progress):
    """Keeps what it is told of."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []

    def advanced(self, what: str, done: int, total: int) -> None:
        self.steps.append((what, done, total))
