"""Reads the `.npz` files of the ViT and AugReg papers (arXiv 2010.11929, 2106.10270), which hold JAX's arrays.

Their code used the tanh approximation of GELU; like all who load them into PyTorch, ramet uses the exact one.
"""

import re
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ramet.base.errors import CheckpointError
from ramet.vit.checkpoint import Checkpoint, Name, grouped

_NAMES = {
    "embedding/kernel": ("patch_embed", "weight"),
    "embedding/bias": ("patch_embed", "bias"),
    "cls": ("cls_token", "value"),
    "Transformer/posembed_input/pos_embedding": ("pos_embed", "value"),
    "Transformer/encoder_norm/scale": ("norm", "weight"),
    "Transformer/encoder_norm/bias": ("norm", "bias"),
}
_IN_BLOCK = {
    "LayerNorm_0": "norm1",
    "MultiHeadDotProductAttention_1/query": "q",
    "MultiHeadDotProductAttention_1/key": "k",
    "MultiHeadDotProductAttention_1/value": "v",
    "MultiHeadDotProductAttention_1/out": "attn.proj",
    "LayerNorm_2": "norm2",
    "MlpBlock_3/Dense_0": "mlp.fc1",
    "MlpBlock_3/Dense_1": "mlp.fc2",
}
_BLOCK = re.compile(r"Transformer/encoderblock_(\d+)/(.+)/(?:kernel|scale|(bias))")
_IGNORED = ("head/", "pre_logits/")
_QUERY = "Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/kernel"


def read(file: Path) -> Checkpoint:
    """Return the checkpoint in an AugReg file; the shape of a query's kernel tells the number of heads."""
    tensors = _tensors(file)
    query = tensors.get(_QUERY)
    return Checkpoint(
        file,
        grouped({key: _oriented(key, tensor) for key, tensor in tensors.items()}, _renamed, _IGNORED),
        heads=query.shape[1] if query is not None and query.dim() == 3 else None,
    )


def _tensors(file: Path) -> dict[str, Tensor]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{file} cannot be read as arrays ({error})", "download it again") from error


def _oriented(key: str, tensor: Tensor) -> Tensor:
    """Return a JAX array the way PyTorch has it: outputs first, an attention's heads side by side in one dimension."""
    if tensor.dim() < 2:
        return tensor
    if key == "embedding/kernel" and tensor.dim() == 4:
        return tensor.permute(3, 2, 0, 1)
    if key.endswith(("query/kernel", "key/kernel", "value/kernel")):
        return tensor.flatten(1).T
    if key.endswith("/kernel"):
        return tensor.flatten(0, -2).T
    return tensor.flatten() if key.endswith("/bias") else tensor


def _renamed(key: str) -> Name:
    if (match := _BLOCK.fullmatch(key)) and match[2] in _IN_BLOCK:
        return f"block.{match[1]}", f"{_IN_BLOCK[match[2]]}.{match[3] or 'weight'}"
    return _NAMES.get(key, (key, ""))
