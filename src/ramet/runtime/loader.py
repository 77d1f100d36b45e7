"""Which examples a step trains on, and the images of a split where the device can reach them.

All children of a generation see one stream of batches, so that a batch is read, augmented and moved once. Every epoch
is a permutation of its own, keyed by the generation, and batches run on across epochs: none of the data is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ramet.base.randomness import Key, generator
from ramet.tasks.data import Split

Indices = npt.NDArray[np.int64]

RESIDENT_SHARE = 0.25
"""The share of a device's free memory that a task's images may take."""

_MOVED_AT_ONCE = 1024


@dataclass(frozen=True)
class Examples:
    """A split ready to be drawn from: images uint8 (N, H, W, 3) and labels int64 (N,).

    resident holds the images where they are on the device as a whole.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    device: torch.device
    resident: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Indices) -> tuple[Tensor, Tensor]:
        """Return the images (B, H, W, 3) and labels (B,) of the given examples, on the device."""
        labels = torch.from_numpy(self.labels[indices]).to(self.device, non_blocking=True)
        if self.resident is not None:
            return self.resident[torch.from_numpy(indices).to(self.device)], labels
        return torch.from_numpy(self.images[indices]).to(self.device, non_blocking=True), labels


def examples(split: Split, device: torch.device, subset: Indices | None = None) -> Examples:
    """Return a split, moved to the device once if it fits there; else memory-mapped and moved a batch at a time."""
    images, labels = split.images, split.labels
    if subset is not None:
        images, labels = images[subset], labels[subset]
    resident = None
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if images.nbytes <= RESIDENT_SHARE * free:
            resident = torch.empty(images.shape, dtype=torch.uint8, device=device)
            for start in range(0, len(images), _MOVED_AT_ONCE):  # copied, since torch wants no read-only memory
                some = torch.from_numpy(images[start : start + _MOVED_AT_ONCE].copy())
                resident[start : start + _MOVED_AT_ONCE] = some
    return Examples(images, labels, device, resident)


def sample_subset(count: int, limit: int, key: Key) -> Indices | None:
    """Return a fixed random choice of at most limit out of count examples, in order; None where all are taken."""
    if count <= limit:
        return None
    chosen: Indices = np.sort(generator(*key).permutation(count)[:limit]).astype(np.int64)
    return chosen


def stream(count: int, batch: int, key: Key) -> Iterator[Indices]:
    """Give endless batches of draw numbers: draw number n is example n % count in epoch n // count.

    A draw number keys the augmentation, so an example is augmented anew in every epoch.
    """
    pending = np.empty(0, np.int64)
    epoch = 0
    while True:
        while len(pending) < batch:
            order = generator(*key, epoch, "order").permutation(count).astype(np.int64)
            pending = np.concatenate([pending, order + epoch * count])
            epoch += 1
        yield pending[:batch]
        pending = pending[batch:]
