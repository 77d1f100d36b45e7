"""The engine of one machine: it trains in this process, or in worker processes beside it."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.queues import SimpleQueue
from pathlib import Path as FilePath
from queue import Empty, Queue
from typing import Any, Self, TypeVar

import torch

from ramet.base.errors import InvalidValue, StoreError
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Path, Task
from ramet.engine.contract import Generation, SplitName
from ramet.engine.trainer import Trainer
from ramet.method.plan import Trained
from ramet.runtime.device import choose_device, cores
from ramet.store.folder import Store, open_store

T = TypeVar("T")

TRIES = 3
"""How often a generation is begun whose worker dies."""
MOST_SAID = 1000
"""Of a note: what fits into a pipe at once is there wholly or not at all, whenever its writer is killed."""
TELL = 0.2
"""Seconds between two tellings of how far a worker is."""


class LocalEngine:
    """Trains the children of a system on this machine (see Engine).

    A worker that dies is replaced, and what it trained goes on from its last validation. Several threads may use one
    engine, each with a generation of its own.

    Args:
        store: the system's.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; with `auto` the workers take turns at the GPUs.
        workers: how many processes train, each a generation at a time; 0 trains in this process.

    Raises:
        InvalidValue: the device is not there, or workers is negative.
    """

    def __init__(self, store: Store, device: str = "auto", workers: int = 0) -> None:
        if workers < 0:
            raise InvalidValue(f"workers is {workers}", "give 0 to train in this process, or at least 1")
        self._here = Trainer(store, choose_device(device))
        self._crew = _Crew(store.folder, device, workers) if workers else None

    @property
    def place(self) -> str:
        """Return where it trains (see Engine)."""
        return self._here.place

    @property
    def pids(self) -> list[int]:
        """Return the processes of its workers that have been started."""
        return [*(self._crew.pool.executor._processes or {})] if self._crew else []

    def train(self, generation: Generation, progress: Progress = QUIET) -> list[Trained]:
        """Train a generation (see Engine)."""
        return self._crew.do(_train, generation, progress) if self._crew else self._here.train(generation, progress)

    def measure(self, task: Task, path: Path, split: SplitName, progress: Progress = QUIET) -> float:
        """Return the quality of a stored path on a split (see Engine)."""
        if self._crew:
            return self._crew.do(_measure, (task, path, split), progress)
        return self._here.measure(task, path, split, progress)

    def close(self) -> None:
        """End the workers."""
        if self._crew:
            self._crew.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class _Orders:
    """The terms that a worker is started with.

    Of every call that may be under way there is an end of a pipe for its news, and one where the word to stop arrives.
    Nothing else is shared: a lock that a killed worker holds would be held for ever.
    """

    folder: FilePath
    device: str
    threads: int
    at_once: int
    numbers: "SimpleQueue[int]"
    news: tuple[Connection, ...]
    stops: tuple[Connection, ...]


class _Pool:
    """Worker processes, with their pipes: all are made anew where one of them dies."""

    def __init__(self, folder: FilePath, device: str, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        threads = torch.get_num_threads()
        self.news, news = zip(*(context.Pipe(duplex=False) for _ in range(count)), strict=True)
        stops, self.stops = zip(*(context.Pipe(duplex=False) for _ in range(count)), strict=True)
        numbers: SimpleQueue[int] = context.SimpleQueue()
        for number in range(count):
            numbers.put(number)
        orders = _Orders(folder, device, threads, max(1, cores() // count // threads), numbers, news, stops)
        self.executor = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(orders,))


class _Crew:
    """Workers for several threads: each call has a place of its own, and a pool that broke is replaced."""

    def __init__(self, folder: FilePath, device: str, count: int) -> None:
        self._make = partial(_Pool, folder, device, count)
        self.pool = self._make()
        self._lock = threading.Lock()
        self._free: Queue[int] = Queue()
        for place in range(count):
            self._free.put(place)

    def do(self, work: Callable[[Any, Progress], T], given: Any, progress: Progress) -> T:
        """Let a worker do something, and tell how far it is; what a watcher raises ends it."""
        with self._place(progress) as place:
            for tries_left in reversed(range(TRIES)):
                pool = self.pool
                try:
                    return _wait(pool, pool.executor.submit(_do, work, given, place), place, progress)
                except BrokenProcessPool as error:
                    if not tries_left:
                        remedy = "see whether memory is short, and run the same command again"
                        raise StoreError(f"the process that trains died {TRIES} times", remedy) from error
                    progress.noted("a process that trains has died; its work goes on from the last validation")
                    with self._lock:
                        if self.pool is pool:  # else another thread was here before
                            self.pool = self._make()
                            pool.executor.shutdown(wait=False)
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Stop what is under way, and end the processes."""
        for stop in self.pool.stops:
            stop.send_bytes(b"stop")
        self.pool.executor.shutdown(cancel_futures=True)

    @contextmanager
    def _place(self, progress: Progress) -> Iterator[int]:
        """Hold a place among the calls under way; whoever finds none free waits here."""
        while True:
            try:
                place = self._free.get(timeout=TELL)
                break
            except Empty:
                progress.advanced("waiting for a worker", 0, 1)
        try:
            yield place
        finally:
            self._free.put(place)


def _wait(pool: _Pool, future: "Future[T]", place: int, progress: Progress) -> T:
    """Return what comes of a call; tell meanwhile how far it is."""
    try:
        while not wait_for([future], timeout=TELL).done:
            _tell(pool.news[place], progress)
    except BaseException:
        pool.stops[place].send_bytes(b"stop")  # its worker sees it at its next step
        wait_for([future])
        _tell(pool.news[place], QUIET)
        raise
    _tell(pool.news[place], QUIET if future.exception() else progress)
    return future.result()


def _tell(news: Connection, progress: Progress) -> None:
    """Pass on what came from a worker; of how far it is, only the last."""
    steps: dict[str, tuple[int, int]] = {}
    while news.poll():
        kind, *told = news.recv()
        if kind == "advanced":
            steps[told[0]] = (told[1], told[2])
        elif kind == "measured":
            progress.measured(*told)
        else:
            progress.noted(*told)
    for what, (done, total) in steps.items():
        progress.advanced(what, done, total)


# In a worker's process

_trainer: Trainer
_orders: _Orders


def _begin(orders: _Orders) -> None:
    """Set a worker's process up: it is the engine's alone.

    It uses as many threads as the process that it works for, on which the last bits of its sums depend; Ctrl-C is for
    that process, and when that is gone, this one ends.
    """
    global _trainer, _orders
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(orders.threads)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    number = orders.numbers.get()
    gpus = torch.cuda.device_count() if orders.device == "auto" else 0
    device = torch.device("cuda", number % gpus) if gpus else choose_device(orders.device)
    _orders = orders
    _trainer = Trainer(open_store(orders.folder), device, orders.at_once)


def _end_with(parent: int) -> None:
    wait([parent])
    os._exit(1)


def _do(work: Callable[[Any, Progress], T], given: Any, place: int) -> T:
    while _orders.stops[place].poll():  # of a call before
        _orders.stops[place].recv_bytes()
    return work(given, _Reporter(place))


def _train(generation: Generation, progress: Progress) -> list[Trained]:
    return _trainer.train(generation, progress)


def _measure(given: tuple[Task, Path, SplitName], progress: Progress) -> float:
    return _trainer.measure(*given, progress)


class _Reporter(Progress):
    """Tells the process that a worker works for how far it is, not too often, and ends the work when that says so."""

    def __init__(self, place: int) -> None:
        self._place = place
        self._told = 0.0

    def advanced(self, what: str, done: int, total: int) -> None:
        if _orders.stops[self._place].poll():
            raise StoppedFromOutside
        now = time.monotonic()
        if now - self._told >= TELL or done == total:
            self._told = now
            _orders.news[self._place].send(("advanced", what, done, total))

    def measured(self, what: str, value: float) -> None:
        _orders.news[self._place].send(("measured", what, value))

    def noted(self, text: str) -> None:
        _orders.news[self._place].send(("noted", text[:MOST_SAID]))


class StoppedFromOutside(Exception):
    """The process that a worker works for wants no more of it."""
