"""Which examples a step trains on, and the images of a split where the device can reach them.

All children of a generation see one stream of batches, so that a batch is read, augmented and moved once. Every epoch
is a permutation of its own, keyed by the generation, and batches run on across epochs: none of the data is left out.
"""

import warnings
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


@dataclass(frozen=True)
class Examples:
    """A split ready to be drawn from: images uint8 (N, H, W, 3) and labels int64 (N,), here or on the device."""

    images: Tensor
    labels: Tensor
    device: torch.device

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Indices) -> tuple[Tensor, Tensor]:
        """The images (B, H, W, 3) and labels (B,) of the given examples, on the device."""
        where = torch.from_numpy(indices).to(self.images.device)
        images, labels = self.images[where], self.labels[where]
        return images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)


def examples(split: Split, device: torch.device, subset: Indices | None = None) -> Examples:
    """A split, moved to the device once if it fits there; else memory-mapped and moved a batch at a time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # nothing here writes to it
        images, labels = torch.from_numpy(split.images), torch.from_numpy(split.labels)
    if subset is not None:
        images, labels = images[torch.from_numpy(subset)], labels[torch.from_numpy(subset)]
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if images.nbytes <= RESIDENT_SHARE * free:
            images, labels = images.to(device), labels.to(device)
    return Examples(images, labels, device)


def sample_subset(count: int, limit: int, key: Key) -> Indices | None:
    """A fixed random choice of at most limit out of count examples, in order; None where all are taken."""
    if count <= limit:
        return None
    chosen: Indices = np.sort(generator(*key).permutation(count)[:limit]).astype(np.int64)
    return chosen


def stream(count: int, batch: int, key: Key) -> Iterator[Indices]:
    """Endless batches of draw numbers: draw number n is example n % count in epoch n // count.

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
