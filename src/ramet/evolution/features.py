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
from ramet.method.protocols import Features
from ramet.runtime.inference import LoadedPath
from ramet.runtime.loader import sample_subset
from ramet.runtime.resident import Resident
from ramet.store.folder import Store
from ramet.tasks.cache import folder_of
from ramet.tasks.data import open_splits

EXAMPLES = 128
DECIMALS = 3
"""Kept of an embedding: the last bits of a float are another machine's."""


def features_by_root(store: Store, device: torch.device) -> Features:
    """Return what gives the mean embedding (D,) of a task's images by the first root; None where they are not here.

    The mean is over some training images and all their tokens, as the root's readout is given them.
    """
    tasks = {task.name: task for task in store.catalog.tasks.all()}
    root = next(iter(store.catalog.paths.roots().values()))

    @cache
    def features(name: str) -> npt.NDArray[np.float32] | None:
        if name not in tasks:
            return None
        try:
            split = open_splits(store.folder, tasks[name])["train"]
        except DataError:
            return None
        file = folder_of(store.folder, name) / f"features.{root.id}.npy"
        if not file.is_file():
            chosen = sample_subset(len(split.labels), EXAMPLES, (name, "features"))
            images = split.images if chosen is None else split.images[chosen]
            tokens = LoadedPath(root, Resident(store.objects.get, device)).tokens(images)
            buffer = io.BytesIO()
            np.save(buffer, tokens.mean(dim=(0, 1)).cpu().numpy().round(DECIMALS))
            write_whole(file, buffer.getvalue())
        kept: npt.NDArray[np.float32] = np.load(file)
        return kept

    return features
