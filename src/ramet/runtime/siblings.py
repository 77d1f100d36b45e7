"""Works on several paths at the same time on the cores of a CPU, and in turn on a GPU, which each of them fills.

How many threads torch uses is the process's own choice, and is not touched: where it uses one, a path is worked on for
every core (small networks gain little from many threads on one matrix product); where it uses all, paths take turns.
"""

import os
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

import torch

Item = TypeVar("Item", bound=tuple[Any, ...])


class Siblings:
    """Threads for paths that are worked on side by side, used in a `with` block.

    Args:
        device: where the work is done.
        at_once: how many are worked on at the same time; by default as many as there are cores for.
    """

    def __init__(self, device: torch.device, at_once: int | None = None) -> None:
        if at_once is None:
            at_once = max(1, _cores() // torch.get_num_threads()) if device.type == "cpu" else 1
        self._pool = ThreadPoolExecutor(at_once, "child") if at_once > 1 else None

    def __enter__(self) -> "Siblings":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def each(self, items: Iterable[Item], work: Callable[[Item], None]) -> None:
        """Do the work on every item; the next is taken while earlier ones are worked on.

        An item's first value says whose it is: one's items are worked on in their order, one at a time. The first error
        is raised.
        """
        if self._pool is None:
            for item in items:
                work(item)
            return
        running: dict[Hashable, Future[None]] = {}
        for item in items:
            if item[0] in running:
                running[item[0]].result()
            running[item[0]] = self._pool.submit(work, item)
        for future in running.values():
            future.result()


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
