"""The kinds of components, one file each: shapes, cost, initial values, how it runs, what its clone and insertion mean.

Everybody's kind is declared like ramet's own, in a file that a method's `parts:` names or in a module of the entry
points `ramet.methods`; `ramet.extensions.ssf` is an example.
"""

from ramet.vit.kinds import adapter, block, head, lora, norm, stem
from ramet.vit.kinds.kind import INSERTED, Dimensions, Kind, Place, Shapes, Tensors, Within, find, known, register

__all__ = ["INSERTED", "Dimensions", "Kind", "Place", "Shapes", "Tensors", "Within", "find", "known", "register"]
__all__ += ["adapter", "block", "head", "lora", "norm", "stem"]
