"""A kind whose forward pass needs memory that is not there, or has a fault, as told."""

from typing import ClassVar

import torch
from torch import Tensor

from ramet.vit import kinds


@kinds.register("glutton")
class Glutton(kinds.Kind):
    """Scales the tokens before a block. More rows than `rows` need more memory than any machine has."""

    place: ClassVar[kinds.Place] = "before"
    rows: ClassVar[int] = 10**6
    rows_without_gradient: ClassVar[int] = 10**6
    fault: ClassVar[str] = ""

    def shapes(self, architecture, dimensions):
        return {"weight": (architecture.width,)}

    def run(self, tensors: kinds.Tensors, x: Tensor, within: kinds.Within) -> Tensor:
        if self.fault:
            raise ValueError(self.fault)
        if len(x) > (self.rows if torch.is_grad_enabled() else self.rows_without_gradient):
            torch.empty(1 << 60, dtype=torch.uint8)
        return x * tensors["weight"]
