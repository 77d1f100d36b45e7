"""Trains and measures for a system in the process that it is in: what every engine does where it has brought a plan.

It reads images and objects, and writes objects; what comes back is digests and measurements.
"""

import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path as FilePath

import torch
from filelock import FileLock, Timeout

from ramet.base.files import refusals
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Path, Task
from ramet.engine.contract import Generation, SplitName
from ramet.method.plan import Trained
from ramet.runtime.inference import LoadedPath
from ramet.runtime.program import Resident
from ramet.store.folder import Store
from ramet.tasks.data import Split, open_splits
from ramet.training.generation import TrainedChild, call_id, train_generation

UNDER_WAY = "cache/.training"
"""Where in a system's folder the states of generations are that are being trained."""

FORGOTTEN = 14 * 24 * 3600.0
"""Seconds after which a state that nobody went on from is deleted."""


class Trainer:
    """Trains the children of a system on one device.

    Args:
        store: the system's.
        device: where to train.
        at_once: how many children are trained at the same time; by default as many as there are cores for.
    """

    def __init__(self, store: Store, device: torch.device, at_once: int | None = None) -> None:
        self._store = store
        self._device = device
        self._at_once = at_once
        self._splits: dict[str, dict[str, Split]] = {}

    @property
    def place(self) -> str:
        """Return the device, and how many threads a CPU adds up with: the last bits of a sum depend on both."""
        if self._device.type == "cuda":
            return torch.cuda.get_device_name(self._device)
        threads = torch.get_num_threads()
        return f"{self._device}, {threads} thread{'s' if threads > 1 else ''}"

    def train(self, generation: Generation, progress: Progress = QUIET) -> list[Trained]:
        """Train a generation (see Engine.train).

        The state at the last validation is kept until all is done, so that the same generation goes on from there after
        a kill. Where training together raises, each child is trained by itself: those that are well come out as they
        would have beside the others.
        """
        watched = _Watched(progress)
        try:
            return self._train(generation, watched)
        except _Stopped as stopped:
            raise stopped.reason from None
        except Exception as error:  # whatever a child raises is that child's, if there are others that are well
            if len(generation.plans) == 1:
                raise
            return self._one_by_one(generation, watched, error)

    def measure(self, task: Task, path: Path, split: SplitName, progress: Progress = QUIET) -> float:
        """Return the quality of a stored path on a split (see Engine.measure)."""
        loaded = LoadedPath(path, Resident(self._store.objects.get, self._device))
        return loaded.quality(self._open(task, progress)[split], progress)

    def _train(self, generation: Generation, progress: "_Watched") -> list[Trained]:
        with self._state_of(generation) as state:
            trained = train_generation(
                generation.plans, generation.method, self._open(generation.task, progress), self._store.objects.get,
                generation.key, self._device, numbers=generation.numbers, rounds=generation.rounds, progress=progress,
                checkpoint=state, at_once=self._at_once,
            )  # fmt: skip
            numbered = zip(generation.numbers, trained, strict=True)
            told = [self._stored(number, child, generation.keep) for number, child in numbered]
            if state is not None:
                shutil.rmtree(state, ignore_errors=True)
        return told

    def _one_by_one(self, generation: Generation, progress: "_Watched", together: Exception) -> list[Trained]:
        """Train every child by itself; one that raises has failed, and where all do, so has the generation."""
        results = []
        for number, plan in zip(generation.numbers, generation.plans, strict=True):
            try:
                results += self._train(replace(generation, plans=(plan,), numbers=(number,)), progress)
            except _Stopped as stopped:
                raise stopped.reason from None
            except Exception:
                results.append(Trained(number, "failed", (), {}, 0, 0.0, error=traceback.format_exc()))
        if all(result.failure == "failed" for result in results):
            raise together
        return results

    @contextmanager
    def _state_of(self, generation: Generation) -> Iterator[FilePath | None]:
        """Hold the folder for a generation's state, named by all that it follows from, and delete forgotten ones.

        None where nothing is to be kept, or where somebody trains the very same just now, as on another branch.
        """
        if not generation.keep:
            yield None
            return
        place = self._store.folder / UNDER_WAY
        with refusals(f"cannot write to {place}"):
            place.mkdir(parents=True, exist_ok=True)
            for left in place.iterdir():
                with suppress(OSError):  # another process deletes it just now
                    if time.time() - left.stat().st_mtime > FORGOTTEN:
                        shutil.rmtree(left) if left.is_dir() else left.unlink()
        name = call_id(generation.plans, generation.method, generation.key, generation.numbers, generation.rounds)
        lock = FileLock(place / f"{name}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            yield None
            return
        try:
            yield place / name
        finally:
            if not (place / name).exists():
                FilePath(lock.lock_file).unlink(missing_ok=True)
            lock.release()

    def _open(self, task: Task, progress: Progress) -> dict[str, Split]:
        if task.name not in self._splits:
            self._splits[task.name] = open_splits(self._store.folder, task, progress)
        return self._splits[task.name]

    def _stored(self, number: int, child: TrainedChild, keep: bool) -> Trained:
        put = self._store.objects.put
        tensors = child.tensors if keep else {}
        digests = {name: (put(of), put(child.momentum[name])) for name, of in tensors.items()}
        return Trained(number, child.failure, child.curve, digests, child.examples, child.seconds, child.error)


class _Stopped(BaseException):
    """An error that a watcher raised: it ends the training, and is no failure of a child."""

    def __init__(self, reason: BaseException) -> None:
        self.reason = reason
        super().__init__(reason)


class _Watched(Progress):
    """Passes on what it is told, and marks what the watcher raises."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner

    def advanced(self, what: str, done: int, total: int) -> None:
        with _marked():
            self._inner.advanced(what, done, total)

    def measured(self, what: str, value: float) -> None:
        with _marked():
            self._inner.measured(what, value)

    def noted(self, text: str) -> None:
        with _marked():
            self._inner.noted(text)


@contextmanager
def _marked() -> Iterator[None]:
    try:
        yield
    except BaseException as reason:
        raise _Stopped(reason) from reason
