"""A task's path as a plain torch module."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ramet.runtime.inference import LoadedPath
from ramet.tasks.augment import batch_images
from ramet.vit.network import forward


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
