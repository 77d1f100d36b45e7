"""What the images of a task look like to the root: their mean embedding, for parts that compare tasks.

It is worked out once a task and kept in the task's folder of the cache, so a run that is resumed sees the same numbers.
"""

import io
from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from ramet.base.errors import DataError
from ramet.base.files import write_whole
from ramet.base.records import Path, Task
from ramet.method.protocols import Features
from ramet.runtime.inference import LoadedPath
from ramet.runtime.loader import sample_subset
from ramet.runtime.program import Resident
from ramet.store.folder import Store
from ramet.tasks.cache import folder_of
from ramet.tasks.data import Split, open_splits

EXAMPLES = 128
DECIMALS = 3
"""Kept of an embedding: the last bits of a float are another machine's."""


def features_by_root(store: Store, device: torch.device) -> Features:
    """Return what gives the mean embedding of a task's images by the first root, or None where they are not here."""
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
        found = mean_embedding(LoadedPath(root, Resident(store.objects.get, device)), split, task.name)
        buffer = io.BytesIO()
        np.save(buffer, found)
        write_whole(file, buffer.getvalue())
    kept: npt.NDArray[np.float32] = np.load(file)
    return kept


def mean_embedding(root: LoadedPath, split: Split, task: str) -> npt.NDArray[np.float32]:
    """Return the mean, over some of a split's images and all their tokens, of what a root's readout is given (D,)."""
    chosen = sample_subset(len(split.labels), EXAMPLES, (task, "features"))
    images = split.images if chosen is None else split.images[chosen]
    mean: npt.NDArray[np.float32] = root.tokens(images).mean(dim=(0, 1)).cpu().numpy()
    return mean.round(DECIMALS)
