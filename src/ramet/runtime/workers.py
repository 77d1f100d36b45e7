"""Trains the children of a generation at the same time on the cores of a CPU.

Small networks gain little from many threads on one matrix product, and lose much where cores are busy otherwise; a
child a core has nothing to wait for. On a GPU the children take turns, as each fills it.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

import torch

T = TypeVar("T")


class Workers:
    """Threads for the children of a generation, used in a `with` block.

    Args:
        children: how many children the method trains side by side. Each has an even share of the cores, so that a
            child's bits do not depend on how many siblings it really has (the last bits of a sum depend on threads).
        device: where they are trained.
    """

    def __init__(self, children: int, device: torch.device) -> None:
        cores = torch.get_num_threads()
        count = min(children, cores) if device.type == "cpu" else 1
        self._cores = cores
        self._pool = None
        if count > 1:
            self._pool = ThreadPoolExecutor(count, "child", torch.set_num_threads, (max(1, cores // children),))

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            torch.set_num_threads(self._cores)  # what a thread sets is what later threads begin with

    def each(self, items: Iterable[T], work: Callable[[T], None]) -> None:
        """Do the work on every item; the next is taken while earlier ones are worked on. The first error is raised."""
        if self._pool is None:
            for item in items:
                work(item)
            return
        for future in [self._pool.submit(work, item) for item in items]:
            future.result()
