"""A mutation: low-rank adapters on attention (LoRA, Hu et al. 2021, arXiv 2106.09685).

A block's weights stay shared and frozen, and the child trains a narrow update of its queries and values: 4 d r
parameters in place of the 12 d² of a clone. An update starts as zero, so an insertion leaves the path's outputs as they
were. Its component kind, `lora.i`, is ramet's own: paths that have one need no extension to be read.
"""

from typing import ClassVar

from ramet.base.records import Value
from ramet.method.document.hyperparameters import Domain, Hyperparameter
from ramet.method.mutation import Insertion
from ramet.method.parts import register


@register("hyperparameter", "lora_rank")
class LoraRank(Hyperparameter):
    """The rank of all low-rank updates of a path; another one begins them anew, as another width does adapters."""

    domain: ClassVar[Domain | None] = Domain(int, 1)

    default: Value = 4
    values: tuple[Value, ...] | str = (1, 2, 4, 8, 16)


@register("mutation", "lora")
class Lora(Insertion):
    """Low-rank updates are inserted into blocks that have none."""

    hyperparameters: ClassVar[tuple[type[Hyperparameter], ...]] = (LoraRank,)
    inserts: ClassVar[str] = "lora"
