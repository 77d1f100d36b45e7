"""What the images of a task look like to the root: their mean embedding, for parts that compare tasks.

It is worked out once a task and kept in the task's folder of the cache, so a run that is resumed sees the same numbers.
"""

import os
from functools import cache
from pathlib import Path as FilePath

import numpy as np
import numpy.typing as npt
import torch

from ramet.base.errors import DataError
from ramet.base.files import refusals
from ramet.base.records import Path, Task
from ramet.method.protocols import Features
from ramet.runtime.device import precision
from ramet.runtime.inference import LoadedPath
from ramet.runtime.loader import examples, sample_subset
from ramet.store.folder import Store
from ramet.tasks.augment import batch_images
from ramet.tasks.cache import folder_of
from ramet.tasks.data import Split, open_splits
from ramet.vit.network import run_stage, stages

EXAMPLES = 128
DECIMALS = 3
"""Kept of an embedding: the last bits of a float are another machine's."""


def features_by_root(store: Store, device: torch.device) -> Features:
    """Gives the mean embedding of a task's training images by the system's first root; None where they are not here."""
    tasks = {task.name: task for task in store.catalog.tasks.all()}
    root = next(iter(store.catalog.paths.roots().values()))

    @cache
    def features(name: str) -> npt.NDArray[np.float32] | None:
        try:
            return _features(store, tasks[name], root, device) if name in tasks else None
        except DataError:
            return None

    return features


def _features(store: Store, task: Task, root: Path, device: torch.device) -> npt.NDArray[np.float32]:
    split = open_splits(store.folder, task)["train"]
    folder = folder_of(store.folder, task.name)
    file = folder / f"features.{root.id}.npy"
    if not file.is_file():
        found = mean_embedding(LoadedPath(root, store.objects.get, device), split, task.name)
        with refusals(f"the cache {folder} cannot be written"):
            _write(file, found)
    kept: npt.NDArray[np.float32] = np.load(file)
    return kept


def mean_embedding(root: LoadedPath, split: Split, task: str) -> npt.NDArray[np.float32]:
    """The mean, over some of a split's images and all their tokens, of what a root's readout is given (D,)."""
    chosen = sample_subset(len(split.labels), EXAMPLES, (task, "features"))
    data = examples(split, root.device, chosen)
    images, _ = data.take(np.arange(len(data)))
    with torch.inference_mode(), precision(root.device):
        x = batch_images(images, image_size=root.image_size)
        for stage in stages(root.architecture, list(root.parts))[:-1]:
            x = run_stage(root.architecture, stage, root.parts, x)
        mean: npt.NDArray[np.float32] = x.float().mean(dim=(0, 1)).cpu().numpy()
    return mean.round(DECIMALS)


def _write(file: FilePath, array: npt.NDArray[np.float32]) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with part.open("wb") as stream:
        np.save(stream, array)
    os.replace(part, file)
