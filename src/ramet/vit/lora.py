"""Low-rank updates (LoRA, arXiv 2106.09685) worked into the weights of their blocks."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ramet.vit import spec

Parts = Mapping[str, Mapping[str, Tensor]]
"""A path's tensors, by component and name."""


def merged(parts: Parts) -> dict[str, dict[str, Tensor]]:
    """The components without their low-rank updates, which are in the weights of their blocks instead.

    A block that has none is handed on as it is. The outputs are those of before but for rounding.
    """
    updates = {f"block.{spec.index(name)}": tensors for name, tensors in parts.items() if spec.kind(name) == "lora"}
    return {
        name: _updated(tensors, updates[name]) if name in updates else dict(tensors)
        for name, tensors in parts.items()
        if spec.kind(name) != "lora"
    }


def _updated(block: Mapping[str, Tensor], lora: Mapping[str, Tensor]) -> dict[str, Tensor]:
    query, value = (lora[f"{x}.up.weight"] @ lora[f"{x}.down.weight"] for x in "qv")
    update = torch.cat([query, torch.zeros_like(query), value])
    return {**block, "attn.qkv.weight": block["attn.qkv.weight"] + update}
