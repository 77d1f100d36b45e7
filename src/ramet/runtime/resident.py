"""Components on a device, by digest."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Parts = dict[str, Mapping[str, Tensor]]
Load = Callable[[str], Mapping[str, Tensor]]
"""Gives the tensors of an object by its digest (memory-mapped, never to be written)."""


def on_device(device: torch.device, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Tensors of a component on the device; on the CPU the very mapping, which the store shares while it is held."""
    return tensors if device.type == "cpu" else {name: t.to(device) for name, t in tensors.items()}
