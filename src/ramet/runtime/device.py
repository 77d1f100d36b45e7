"""Where training and inference run, in which precision, how many rows at once fit there, and how many paths."""

import os
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

import torch

from ramet.base.errors import InvalidValue

T = TypeVar("T")
Given = TypeVar("Given")
Item = TypeVar("Item", bound=tuple[Any, ...])

MOST_AHEAD = 4
"""How many batches are prepared at most while children train on an earlier one: each takes memory."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_device(name: str = "auto") -> torch.device:
    """Return the named device, or the best there is: a CUDA GPU, else the CPU.

    Raises:
        InvalidValue: the name is no device, or the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InvalidValue(f"no device {name!r} here", "use auto, cpu, cuda or cuda:N") from error
    return device


def computes_in_bf16(device: torch.device, on_cpus: bool = False) -> bool:
    """Return whether matrix products on the device are in bfloat16: on GPUs that can, and on such CPUs if wanted."""
    if device.type == "cpu":
        return on_cpus and _cpu_has_bf16()
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


def precision(device: torch.device, low: bool | None = None) -> AbstractContextManager[None]:
    """Return a block of mixed precision, where one computes in it; parameters and optimiser stay float32.

    Args:
        device: where.
        low: whether in bfloat16; by default what `computes_in_bf16` says of the device.
    """
    low = computes_in_bf16(device) if low is None else low
    context: AbstractContextManager[None] = torch.autocast(device.type, torch.bfloat16, enabled=low)
    return context


@cache
def _cpu_has_bf16() -> bool:
    """Return whether this CPU multiplies bfloat16 natively; elsewhere it would be slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the device's memory is spent (on the CPU torch raises a plain RuntimeError)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


class MicroBatch:
    """The number of rows worked on at once: the whole batch, until memory does not do; then half, and so on.

    Rows that are worked on in pieces come out as in one piece but for rounding: a matrix product of fewer rows adds up
    in another order.
    """

    def __init__(self, rows: int | None = None) -> None:
        self.rows = rows

    def each(self, total: int, work: Callable[[slice], T]) -> Iterator[tuple[slice, T]]:
        """Give every piece of so many rows, in order, with what the work made of it.

        Work that runs out of memory is done again on half as many rows, so it must leave nothing behind when it fails.

        Raises:
            RuntimeError, MemoryError: memory does not do for one row.
        """
        start = 0
        while start < total:
            piece = slice(start, min(start + (self.rows or total), total))
            try:
                made = work(piece)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or piece.stop - start == 1:
                    raise
                self.rows = (piece.stop - start + 1) // 2
                continue
            yield piece, made
            start = piece.stop


class Siblings:
    """Works on several paths side by side on the cores of a CPU, and in turn on a GPU, which each of them fills.

    Used in a `with` block. How many threads torch uses is the process's own choice, and is not touched: where it uses
    one, a path is worked on for every core (small networks gain little from many threads on one matrix product); where
    it uses all, paths take turns.

    Args:
        device: where the work is done.
        at_once: how many are worked on at the same time on a CPU; by default as many as there are cores for.
    """

    def __init__(self, device: torch.device, at_once: int | None = None) -> None:
        if device.type != "cpu":
            at_once = 1
        elif at_once is None:
            at_once = max(1, cores() // torch.get_num_threads())
        self._pool = ThreadPoolExecutor(at_once, "child") if at_once > 1 else None
        self._ahead = min(at_once, MOST_AHEAD)

    def __enter__(self) -> "Siblings":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def ahead(self, items: Iterable[Given], prepare: Callable[[Given], T]) -> Iterator[T]:
        """Give what is made of every item, in their order; the next ones are made while one is used."""
        if self._pool is None:
            yield from map(prepare, items)
            return
        waiting: deque[Future[T]] = deque()
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
