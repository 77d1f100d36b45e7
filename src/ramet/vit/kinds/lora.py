"""A low-rank update of a block's queries and values (LoRA, Hu et al. 2021, arXiv 2106.09685)."""

from typing import TYPE_CHECKING, ClassVar

from ramet.base.records import Architecture
from ramet.vit.kinds.kind import Dimensions, Kind, Place, Shapes, Tensors, Within, register
from ramet.vit.kinds.stem import tokens

if TYPE_CHECKING:
    from torch import Tensor


@register("lora")
class Lora(Kind):
    """A low-rank update of a block's queries and values (Hu et al. 2021, arXiv 2106.09685).

    The block computes as if `up @ down` were added to its weights; a new update adds nothing yet.
    """

    place: ClassVar[Place] = "inside"
    sized_by: ClassVar[str | None] = "lora_rank"
    silent: ClassVar[tuple[str, ...]] = ("q.up.", "v.up.")
    products: ClassVar[tuple[str, ...]] = ("q.", "v.")

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        d, r = architecture.width, dimensions["lora_rank"]
        return {
            "q.down.weight": (r, d), "q.up.weight": (d, r),
            "v.down.weight": (r, d), "v.up.weight": (d, r),
        }  # fmt: skip

    def flops(self, architecture: Architecture, dimensions: Dimensions) -> int:
        return 2 * tokens(architecture, dimensions.image_size) * 4 * architecture.width * dimensions["lora_rank"]

    def attend(
        self, tensors: Tensors, y_BLD: "Tensor", qkv: tuple["Tensor", "Tensor", "Tensor"], within: Within
    ) -> tuple["Tensor", "Tensor", "Tensor"]:
        q, k, v = qkv
        heads = within.architecture.heads
        q = q + _update(tensors, "q", y_BLD[:, : within.outputs], heads)
        return q, k, v + _update(tensors, "v", y_BLD, heads)

    def merged(self, tensors: Tensors, block: Tensors) -> Tensors:
        """Return the block with the updates in its weights; its outputs are those of before but for rounding."""
        import torch

        query, value = (tensors[f"{x}.up.weight"] @ tensors[f"{x}.down.weight"] for x in "qv")
        update = torch.cat([query, torch.zeros_like(query), value])
        return {**block, "attn.qkv.weight": block["attn.qkv.weight"] + update}


def _update(tensors: Tensors, of: str, y_BLD: "Tensor", heads: int) -> "Tensor":
    """Return what is added to the queries (q) or values (v) x_BNLE."""
    import torch.nn.functional as F

    update = F.linear(F.linear(y_BLD, tensors[f"{of}.down.weight"]), tensors[f"{of}.up.weight"])
    return update.view(*update.shape[:2], heads, -1).transpose(1, 2)
