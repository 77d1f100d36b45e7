"""The kinds of components: shapes, cost, initial values, how one runs, what its clone and insertion mean.

Everybody's kind is declared like ramet's own, in a file that a method's `parts:` names or in a module of the entry
points `ramet.methods`; `ramet.extensions.ssf` is an example.
"""

from ramet.vit.kinds import adapter, block, head, lora, norm, stem
from ramet.vit.kinds.kind import (
    INSERTED,
    LAYERED,
    Dimensions,
    Kind,
    Place,
    Shapes,
    Tensors,
    Within,
    find,
    known,
    register,
)

__all__ = [
    "INSERTED",
    "LAYERED",
    "Dimensions",
    "Kind",
    "Place",
    "Shapes",
    "Tensors",
    "Within",
    "adapter",
    "block",
    "find",
    "head",
    "known",
    "lora",
    "norm",
    "register",
    "stem",
]
