"""A mutation: low-rank adapters on attention (LoRA, Hu et al. 2021, arXiv 2106.09685).

A block's weights stay shared and frozen, and the child trains a narrow update of its queries and values: 4 d r
parameters in place of the 12 d² of a clone. An update starts as zero, so an insertion leaves the path's outputs as they
were. What it inserts, `lora.i`, is a component as any other: paths that have one need no extension to be read.
"""

from typing import ClassVar, Literal

from pydantic import field_validator

from ramet.base.records import Value
from ramet.method.document.hyperparameters import Domain, Hyperparameter
from ramet.method.document.rules import matches
from ramet.method.draft import Draft
from ramet.method.parts import Part, register

_DEEP = 1000


@register("hyperparameter", "lora_rank")
class LoraRank(Hyperparameter):
    """The rank of all low-rank updates of a path; another one begins them anew, as another width does adapters."""

    domain: ClassVar[Domain | None] = Domain(int, 1)

    default: Value = 4
    values: tuple[Value, ...] | str = (1, 2, 4, 8, 16)


@register("mutation", "lora")
class Lora(Part):
    """Low-rank updates are inserted into blocks that have none.

    insert: whether an insertion is drawn, each block with its own probability (`add:lora.i`), or is always done.
    blocks: which may have one, as a clone rule names blocks: `block.*`, `block[-4:]`.
    """

    hyperparameters: ClassVar[tuple[type[Hyperparameter], ...]] = (LoraRank,)

    insert: Literal["mutate", "always"] = "mutate"
    blocks: str = "block.*"

    @field_validator("blocks")
    @classmethod
    def _of_blocks(cls, pattern: str) -> str:
        if not any(matches(pattern, f"block.{i}", _DEEP) for i in range(_DEEP)):
            raise ValueError("name blocks, such as block.*, block.[0-3] or block[-4:]")
        return pattern

    def mutate(self, draft: Draft) -> None:
        """Decide on each block."""
        for i in range(draft.layers):
            name = f"lora.{i}"
            if name in draft.components or not matches(self.blocks, f"block.{i}", draft.layers):
                continue
            if self.insert == "always" or draft.acts(f"add:{name}"):
                draft.insert(name)
