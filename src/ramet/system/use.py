"""Published paths at work: predictions of images, what a split says of a path, and a path as a torch module."""

from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Pillow
from torch import Tensor, nn

from ramet.base.errors import DataError, InvalidValue
from ramet.base.progress import Progress
from ramet.base.records import Path
from ramet.evolution.agent import know_kinds
from ramet.results import ClassDetail, Details, Evaluation, Prediction, WrongImage
from ramet.runtime.device import choose_device
from ramet.runtime.inference import LoadedPath
from ramet.runtime.program import Resident
from ramet.tasks.augment import batch_images
from ramet.tasks.data import Split
from ramet.tasks.images import as_cached
from ramet.vit.network import forward

if TYPE_CHECKING:
    from ramet.system.facade import System

Image: TypeAlias = str | FilePath | bytes | Pillow.Image | npt.NDArray[np.uint8]

BATCH = 64
"""Images at a time."""
WORST = 20
"""Wrong images that are told of."""


def load(system: "System", path: Path, device: str) -> LoadedPath:
    """Return a path on a device."""
    know_kinds(system.store.catalog, [path])
    return LoadedPath(path, Resident(system.store.objects.get, choose_device(device)))


def predict(
    system: "System", name: str, images: Image | Sequence[Image], *, device: str, skip_bad: bool, progress: Progress
) -> Iterator[Prediction]:
    """Yield the predictions of images in their order (see System.predict)."""
    loaded = load(system, system.versions.published_path(name), device)
    task, chosen = system.tasks[name], _several(images)
    for start in range(0, len(chosen), BATCH):
        named, pixels = [], []
        for number, image in enumerate(chosen[start : start + BATCH], start + 1):
            try:
                pixels.append(as_cached(task, image))
                named.append(_name(image, number))
            except DataError as error:
                if not skip_bad:
                    raise
                progress.noted(error.problem)
        if pixels:
            for name, row in zip(named, loaded.probabilities(np.stack(pixels)).tolist(), strict=True):
                ranked = sorted(zip(task.classes, row, strict=True), key=lambda pair: -pair[1])
                yield Prediction(name, tuple(ranked))
        progress.advanced(f"predicting {task.name}", min(start + BATCH, len(chosen)), len(chosen))


def _several(images: Image | Sequence[Image]) -> Sequence[Image]:
    """Return the images that are meant, one a place.

    Raises:
        InvalidValue: something among them is no image.
    """
    if isinstance(images, np.ndarray) and images.ndim == 4:
        chosen: Sequence[Image] = [*images]
    elif isinstance(images, Sequence) and not isinstance(images, str | bytes):
        chosen = images
    else:
        chosen = [images]
    for image in chosen:
        if not isinstance(image, str | FilePath | bytes | Pillow.Image | np.ndarray):
            raise InvalidValue(
                f"{image!r:.60} is no image", "give files, bytes, PIL images, or uint8 arrays (H, W) or (H, W, 3)"
            )
        if isinstance(image, np.ndarray) and (
            image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3))
        ):
            raise InvalidValue(
                f"an array of {image.dtype} {image.shape} is no image",
                "give uint8 pixels (H, W) or (H, W, 3); of floats in [0, 1], `(255 * x).round().astype(numpy.uint8)`",
            )
    return chosen


def _name(image: Image, number: int) -> str:
    if isinstance(image, str | FilePath):
        return str(image)
    return str(getattr(image, "filename", "") or f"image {number}")


def evaluate(
    system: "System", tasks: Sequence[str], split: str, *, details: bool, device: str, progress: Progress
) -> Iterator[Evaluation]:
    """Yield what a split says of tasks' published paths (see System.evaluate)."""
    published = system.versions.published_path
    for path in [published(name) for name in tasks] if tasks else system.versions.published().values():
        task = system.tasks[path.task or ""]
        data = system.examples(task.name, split)
        loaded = load(system, path, device)
        accuracy = loaded.quality(data, progress)
        found = _details(loaded, task.classes, data, progress) if details else None
        yield Evaluation(task.name, path.id, split, accuracy, len(data.labels), path.metrics.get("quality"), found)


def _details(loaded: LoadedPath, classes: Sequence[str], data: Split, progress: Progress) -> Details:
    labels = np.asarray(data.labels)
    rows = []
    for start in range(0, len(labels), BATCH):
        rows.append(loaded.probabilities(np.array(data.images[start : start + BATCH])))
        progress.advanced("measuring classes", min(start + BATCH, len(labels)), len(labels))
    table = np.concatenate(rows)
    predicted = table.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    right, there, said = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    of_class = tuple(
        ClassDetail(
            name=name,
            examples=int(there[i]),
            accuracy=float(right[i] / there[i]) if there[i] else None,
            precision=float(right[i] / said[i]) if said[i] else None,
        )
        for i, name in enumerate(classes)
    )
    wrong = np.flatnonzero(predicted != labels)
    surest = wrong[np.argsort(-table[wrong, predicted[wrong]], kind="stable")][:WORST]
    return Details(
        classes=of_class,
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        worst=tuple(
            WrongImage(int(i), classes[labels[i]], classes[predicted[i]], float(table[i, predicted[i]])) for i in surest
        ),
    )


class TaskModel(nn.Module):
    """Logits (B, classes) of images, all frozen: the very function that `predict` computes.

    It takes uint8 images (B, H, W, 3), resizes them to the path's image size and scales them as in training; or float
    images (B, 3, H, W) in [0, 1] of that size, through which gradients flow. Its parameters are named
    `components.NAME.TENSOR`.

    Attributes:
        classes: the names of the classes, in the order of the logits.
        image_size: pixels a side.
    """

    def __init__(self, path: LoadedPath, classes: Sequence[str]) -> None:
        super().__init__()
        self._path = path
        self.classes = tuple(classes)
        self.image_size = path.image_size
        self.components = nn.ModuleDict(
            {
                _plain(name): nn.ParameterDict(
                    {_plain(key): nn.Parameter(tensor, requires_grad=False) for key, tensor in tensors.items()}
                )
                for name, tensors in path.parts.items()
            }
        )
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        device = next(self.parameters()).device
        parts = {
            name: {key: self.components[_plain(name)][_plain(key)] for key in tensors}  # type: ignore[index]
            for name, tensors in self._path.parts.items()
        }
        x = images.to(device)
        x = batch_images(x, image_size=self.image_size) if x.dtype == torch.uint8 else 2 * x - 1
        return forward(self._path.architecture, parts, x).float()


def _plain(name: str) -> str:
    return name.replace(".", "_")  # a module's names hold no dots
