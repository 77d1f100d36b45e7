"""The answers to what parts may ask about tasks' images: what they look like to the root, and how a path fits them.

Both are worked out once and kept in the task's folder of the cache, so a run that is resumed sees the same numbers.
"""

import io
import json
from contextlib import suppress
from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from ramet.base.errors import DataError, RametError
from ramet.base.files import write_whole
from ramet.base.records import Path, Task
from ramet.method.protocols import Images
from ramet.runtime.inference import EVALUATION_BATCH, LoadedPath
from ramet.runtime.loader import sample_subset
from ramet.runtime.program import Resident
from ramet.store.folder import Store
from ramet.tasks.cache import folder_of
from ramet.tasks.data import Split, open_splits
from ramet.training.closed_form import closed_form

LOOKED_AT = 128
"""Images of a mean embedding."""

FITTED = 1000
"""Images that a head is fitted to."""

DECIMALS = 3
"""Kept of an embedding, and of an accuracy: the last bits of a float are another machine's."""


def images_of(store: Store, device: torch.device) -> Images:
    """Return what a system's parts may ask about its tasks' images; None is the answer where they are not here."""
    tasks = {task.name: task for task in store.catalog.tasks.all()}
    root = next(iter(store.catalog.paths.roots().values()))
    resident = Resident(store.objects.get, device)

    @cache
    def features(name: str) -> npt.NDArray[np.float32] | None:
        try:
            return _features(store, tasks[name], root, device) if name in tasks else None
        except DataError:
            return None

    @cache
    def train(name: str) -> Split | None:
        try:
            return open_splits(store.folder, tasks[name])["train"] if name in tasks else None
        except DataError:
            return None

    def fit(name: str, path: Path) -> float | None:
        split = train(name)
        if split is None:
            return None
        file, known = folder_of(store.folder, name) / "fits.json", dict[str, float]()
        with suppress(OSError, ValueError):
            known = json.loads(file.read_bytes())
        if path.id not in known:
            known[path.id] = fitted(LoadedPath(path, resident), split, len(tasks[name].classes), name)
            with suppress(OSError, RametError):  # where nothing can be written, it is worked out again
                write_whole(file, json.dumps(known).encode())
        return known[path.id]

    return Images(features, fit)


def fitted(path: LoadedPath, split: Split, classes: int, task: str) -> float:
    """Return the accuracy of a head in closed form on a path's features, of some images each left out in turn."""
    chosen = sample_subset(len(split.labels), FITTED, (task, "fit"))
    images, labels = (split.images, split.labels) if chosen is None else (split.images[chosen], split.labels[chosen])
    rows = range(0, len(labels), EVALUATION_BATCH)
    features = torch.cat([path.features(np.array(images[start : start + EVALUATION_BATCH])) for start in rows]).cpu()
    known = torch.from_numpy(np.asarray(labels))
    scores = closed_form(features, known, classes).scores
    return round(float((scores.argmax(1) == known).double().mean()), DECIMALS)


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
    chosen = sample_subset(len(split.labels), LOOKED_AT, (task, "features"))
    images = split.images if chosen is None else split.images[chosen]
    mean: npt.NDArray[np.float32] = root.tokens(images).mean(dim=(0, 1)).cpu().numpy()
    return mean.round(DECIMALS)
