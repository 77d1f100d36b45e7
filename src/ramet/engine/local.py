"""The engine that trains in this process, on one device."""

from types import TracebackType
from typing import Self

import torch

from ramet.base.progress import QUIET, Progress
from ramet.base.records import Path, Task
from ramet.engine.contract import Generation, SplitName
from ramet.method.plan import Trained
from ramet.runtime.inference import LoadedPath
from ramet.runtime.resident import Resident
from ramet.store.folder import Store
from ramet.tasks.data import Split, open_splits
from ramet.training.generation import TrainedChild, train_generation


class LocalEngine:
    """Trains the children of a system in this process (see Engine).

    Args:
        store: the system's.
        device: where to train.
    """

    def __init__(self, store: Store, device: torch.device) -> None:
        self._store = store
        self._device = device
        self._splits: dict[str, dict[str, Split]] = {}

    @property
    def place(self) -> str:
        """Return the device, and how many threads a CPU adds up with."""
        if self._device.type != "cpu":
            return torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else str(self._device)
        threads = torch.get_num_threads()
        return f"cpu, {threads} thread{'s' if threads > 1 else ''}"

    def train(self, generation: Generation, progress: Progress = QUIET) -> list[Trained]:
        """Train a generation (see Engine)."""
        trained = train_generation(
            generation.plans,
            generation.method,
            self._open(generation.task, progress),
            self._store.objects.get,
            generation.key,
            self._device,
            numbers=generation.numbers,
            rounds=generation.rounds,
            progress=progress,
        )
        return [self._told(n, child, generation.keep) for n, child in zip(generation.numbers, trained, strict=True)]

    def measure(self, task: Task, path: Path, split: SplitName, progress: Progress = QUIET) -> float:
        """Return the accuracy of a stored path on a split (see Engine)."""
        loaded = LoadedPath(path, Resident(self._store.objects.get, self._device))
        return loaded.quality(self._open(task, progress)[split], progress)

    def close(self) -> None:
        """Let go of the images."""
        self._splits.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, task: Task, progress: Progress) -> dict[str, Split]:
        if task.name not in self._splits:
            self._splits[task.name] = open_splits(self._store.folder, task, progress)
        return self._splits[task.name]

    def _told(self, number: int, child: TrainedChild, keep: bool) -> Trained:
        put = self._store.objects.put
        tensors = child.tensors if keep else {}
        digests = {name: (put(of), put(child.momentum[name])) for name, of in tensors.items()}
        return Trained(number, child.failure, child.curve, digests, child.examples, child.seconds)
