"""The engine of one machine: it trains in this process, or in worker processes beside it."""

import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path as FilePath
from queue import Empty, Queue
from typing import Any, Self

import torch

from ramet.base.errors import InvalidValue, StoreError
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Path, Task
from ramet.engine.contract import Generation, SplitName
from ramet.engine.trainer import Trainer
from ramet.method.plan import Trained
from ramet.runtime.device import choose_device, cores
from ramet.store.folder import Store, open_store

TRIES = 3
"""How often a generation is begun whose worker dies."""
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
        self._workers = [_Worker(store.folder, device, number, workers) for number in range(workers)]
        self._free: Queue[_Worker] = Queue()
        for worker in self._workers:
            self._free.put(worker)

    @property
    def place(self) -> str:
        """Return where it trains (see Engine)."""
        return self._here.place

    @property
    def pids(self) -> list[int]:
        """Return the processes of its workers that have been started."""
        return [worker.process.pid for worker in self._workers if worker.process and worker.process.pid]

    def train(self, generation: Generation, progress: Progress = QUIET) -> list[Trained]:
        """Train a generation (see Engine)."""
        with self._trainer(progress) as trainer:
            return trainer.train(generation, progress)

    def measure(self, task: Task, path: Path, split: SplitName, progress: Progress = QUIET) -> float:
        """Return the quality of a stored path on a split (see Engine)."""
        with self._trainer(progress) as trainer:
            return trainer.measure(task, path, split, progress)

    def close(self) -> None:
        """Stop what is under way, and end the workers."""
        for worker in self._workers:
            worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _trainer(self, progress: Progress) -> "Iterator[Trainer | _Worker]":
        """Give who trains: a worker that is free, for which one waits, or this process."""
        if not self._workers:
            yield self._here
            return
        while True:
            try:
                worker = self._free.get(timeout=TELL)
                break
            except Empty:
                progress.advanced("waiting for a worker", 0, 1)
        try:
            yield worker
        finally:
            self._free.put(worker)


class _Worker:
    """A process that trains, with a pipe to it: started when it is needed, and again where it has died.

    Nothing but the pipe is shared: a lock that a killed process holds would be held for ever.
    """

    def __init__(self, folder: FilePath, device: str, number: int, of: int) -> None:
        self.process: SpawnProcess | None = None
        self._pipe: Connection
        self._folder, self._device, self._number = folder, device, number
        self._threads = torch.get_num_threads()
        self._at_once = max(1, cores() // of // self._threads)

    def train(self, generation: Generation, progress: Progress) -> list[Trained]:
        trained: list[Trained] = self._do("train", (generation,), progress)
        return trained

    def measure(self, task: Task, path: Path, split: SplitName, progress: Progress) -> float:
        return float(self._do("measure", (task, path, split), progress))

    def end(self) -> None:
        if self.process:
            with suppress(_Died):
                self._send(None)
            self.process.join()

    def _do(self, what: str, given: tuple[object, ...], progress: Progress) -> Any:
        """Let the process do something, and tell how far it is; what a watcher raises ends it."""
        for tries_left in reversed(range(TRIES)):
            try:
                answer = self._asked(what, given, progress)
            except _Died as died:
                if self.process:
                    self.process.kill()
                    self.process.join()
                if not tries_left:
                    remedy = "see whether memory is short, and run the same command again"
                    raise StoreError(f"the process that trains died {TRIES} times", remedy) from died
                progress.noted("a process that trains has died; its work goes on from the last validation")
                continue
            if isinstance(answer, BaseException):
                raise answer
            return answer
        raise AssertionError("the last try returns or raises")

    def _asked(self, what: str, given: tuple[object, ...], progress: Progress) -> Any:
        if not (self.process and self.process.is_alive()):
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            terms = (theirs, self._folder, self._device, self._number, self._threads, self._at_once)
            self.process = context.Process(target=_serve, args=terms, daemon=True)
            self.process.start()
            theirs.close()
        self._send((what, given))
        try:
            while (news := self._received())[0] != "done":
                getattr(progress, news[0])(*news[1:])
        except _Died:
            raise
        except BaseException:
            with suppress(_Died):
                self._send("stop")  # the process sees it at its next step
                while self._received()[0] != "done":
                    pass
            raise
        return news[1]

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError as error:
            raise _Died from error

    def _received(self) -> tuple[Any, ...]:
        try:
            while not self._pipe.poll(TELL):  # a wait without an end is deaf to Ctrl-C on some systems
                pass
            received: tuple[Any, ...] = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise _Died from error
        return received


class _Died(Exception):
    """A worker's process is gone."""


def _serve(pipe: Connection, folder: FilePath, device: str, number: int, threads: int, at_once: int) -> None:
    """Do, in a worker's process, what the pipe says, until it says no more.

    The process is the engine's alone. It uses as many threads as the one that it works for, on which the last bits of
    its sums depend; Ctrl-C is for that one, and when that is gone, this one ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    gpus = torch.cuda.device_count() if device == "auto" else 0
    chosen = torch.device("cuda", number % gpus) if gpus else choose_device(device)
    trainer = Trainer(open_store(folder), chosen, at_once)
    while (message := pipe.recv()) is not None:
        if message == "stop":  # of a call that had ended
            continue
        what, given = message
        try:
            answer = getattr(trainer, what)(*given, _Reporter(pipe))
        except BaseException as error:
            answer = _travelling(error)
        pipe.send(("done", answer))


def _end_with(parent: int) -> None:
    wait([parent])
    os._exit(1)


def _travelling(error: BaseException) -> BaseException:
    """Return an error that comes out of a pipe as it goes in, with its traceback as a note."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(text)
    error.add_note(text)
    return error


class _Reporter(Progress):
    """Tells the process that a worker works for how far it is, not too often, and ends the work when that says so."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._told = 0.0

    def advanced(self, what: str, done: int, total: int) -> None:
        if self._pipe.poll():
            raise StoppedFromOutside
        now = time.monotonic()
        if now - self._told >= TELL or done == total:
            self._told = now
            self._pipe.send(("advanced", what, done, total))

    def measured(self, what: str, value: float) -> None:
        self._pipe.send(("measured", what, value))

    def noted(self, text: str) -> None:
        self._pipe.send(("noted", text))


class StoppedFromOutside(Exception):
    """The process that a worker works for wants no more of it."""
