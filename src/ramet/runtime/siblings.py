"""Works on several paths at the same time on the cores of a CPU, and in turn on a GPU, which each of them fills.

How many threads torch uses is the process's own choice, and is not touched: where it uses one, a path is worked on for
every core (small networks gain little from many threads on one matrix product); where it uses all, paths take turns.
"""

import os
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

import torch

Item = TypeVar("Item", bound=tuple[Any, ...])
Given = TypeVar("Given")
Made = TypeVar("Made")

MOST_AHEAD = 4
"""How many batches are prepared at most while children train on an earlier one: each takes memory."""


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
        self._ahead = min(at_once, MOST_AHEAD)

    def __enter__(self) -> "Siblings":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def ahead(self, items: Iterable[Given], prepare: Callable[[Given], Made]) -> Iterator[Made]:
        """Give what is made of every item, in their order; the next ones are made while one is used."""
        if self._pool is None:
            yield from map(prepare, items)
            return
        waiting: deque[Future[Made]] = deque()
        for item in items:
            waiting.append(self._pool.submit(prepare, item))
            if len(waiting) > self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

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
