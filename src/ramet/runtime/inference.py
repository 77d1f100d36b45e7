"""Runs trained paths: accuracy on a split, class probabilities of images."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ramet.base.records import Architecture, Path
from ramet.runtime.device import precision
from ramet.runtime.grouping import R, finish, run_shared
from ramet.runtime.loader import Examples, examples
from ramet.runtime.resident import Load, Parts, on_device
from ramet.runtime.workers import Workers
from ramet.tasks.augment import batch_images
from ramet.tasks.data import Split
from ramet.vit.network import stages

EVALUATION_BATCH = 256
"""Fixed, since the last bits of a logit depend on the batch: a quality measured again is then equal."""


class LoadedPath:
    """A published path's tensors on a device, all frozen."""

    def __init__(self, path: Path, load: Load, device: torch.device) -> None:
        self.architecture: Architecture = path.architecture
        self.image_size = int(path.hyperparameters["data.image_size"])
        self.device = device
        self.parts: Parts = {c.name: on_device(device, load(c.digest)) for c in path.components}
        digests = {c.name: c.digest for c in path.components}
        self.shared_stages = tuple(
            tuple(digests[name] for name in stage) for stage in stages(self.architecture, list(self.parts))[:-1]
        )

    def probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Class probabilities (B, K) of images (B, H, W, 3)."""
        with torch.inference_mode(), precision(self.device):
            x = batch_images(torch.from_numpy(images).to(self.device), image_size=self.image_size)
            ((_, y),) = run_shared([self], x)
            table: npt.NDArray[np.float32] = finish(self, y).float().softmax(dim=1).cpu().numpy()
        return table

    def accuracy(self, split: Split, progress: Callable[[int, int], None] | None = None) -> float:
        """Top-1 accuracy on a whole split."""
        with Workers(1, self.device) as workers:
            return accuracies([self], examples(split, self.device), self.image_size, workers, progress)[0]


def accuracies(
    paths: Sequence[R],
    data: Examples,
    image_size: int,
    workers: Workers,
    progress: Callable[[int, int], None] | None = None,
) -> list[float]:
    """Top-1 accuracy of each path on the same examples, in the given order; shared stages run once a batch."""
    correct: Mapping[int, Tensor] = {id(p): torch.zeros((), dtype=torch.int64, device=data.device) for p in paths}
    for images, labels, done in _batches(data):

        def count(entered: tuple[R, Tensor], labels: Tensor = labels) -> None:
            path, y = entered
            with torch.inference_mode(), precision(data.device):
                correct[id(path)].add_((finish(path, y).argmax(dim=1) == labels).sum())

        with torch.inference_mode(), precision(data.device):
            workers.each(run_shared(paths, batch_images(images, image_size=image_size)), count)
        if progress:
            progress(done, len(data))
    return [int(correct[id(p)]) / len(data) for p in paths]


def _batches(data: Examples) -> Iterator[tuple[Tensor, Tensor, int]]:
    for start in range(0, len(data), EVALUATION_BATCH):
        stop = min(start + EVALUATION_BATCH, len(data))
        yield *data.take(np.arange(start, stop)), stop
