"""Components on a device, by digest: one copy of each, loaded when it is first needed."""

from collections.abc import Callable, Mapping
from threading import Lock

import torch
from torch import Tensor

from ramet.runtime.device import computes_in_bf16
from ramet.vit import kinds

Parts = dict[str, Mapping[str, Tensor]]
Load = Callable[[str], Mapping[str, Tensor]]
"""Gives the tensors of an object by its digest (memory-mapped, never to be written)."""


class Resident:
    """Frozen components on a device, ready to compute with.

    On a CPU they are the very mappings that the store shares. Where the device computes in bfloat16, what only enters
    matrix products is cast once, here, to what autocast would make of it in every step.
    """

    def __init__(self, load: Load, device: torch.device) -> None:
        self.load = load
        self.device = device
        self._held: dict[tuple[str, str], Mapping[str, Tensor]] = {}
        self._lock = Lock()

    def component(self, name: str, digest: str) -> Mapping[str, Tensor]:
        """Return the tensors of a component of that name, never to be written."""
        kind = kinds.find(name)
        with self._lock:
            if (kind.name, digest) not in self._held:
                self._held[kind.name, digest] = self._brought(kind, self.load(digest))
            return self._held[kind.name, digest]

    def _brought(self, kind: kinds.Kind, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if self.device.type == "cpu":
            return tensors
        low = kind.products if computes_in_bf16(self.device) else ()
        return {
            key: t.to(self.device, torch.bfloat16 if low and key.startswith(low) else None)
            for key, t in tensors.items()
        }
