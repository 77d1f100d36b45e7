"""Readers of the formats that checkpoints come in; a reader only renames, transposes and joins tensors."""

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ramet.base.errors import CheckpointError
from ramet.base.records import Pool
from ramet.vit.checkpoint import PLAIN, Checkpoint, Components

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

_OUTSIDE = (
    ("patch_embed", "weight"), ("patch_embed", "bias"),
    ("cls_token", "value"), ("pos_embed", "value"),
    ("norm", "weight"), ("norm", "bias"),
)  # fmt: skip
_INSIDE = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
_POOLS: dict[str, Pool] = {"token": "cls", "avg": "mean"}


class _Names(NamedTuple):
    """A format's names of the tensors outside blocks and of the modules in them, and how those begin without a use."""

    outside: tuple[str, ...]
    block: str
    inside: tuple[str | tuple[str, str, str], ...]
    ignored: tuple[str, ...]

    def grouped(self, tensors: Mapping[str, Tensor]) -> Components:
        """Return tensors as components; a block's separate q, k and v become one, unknown ones keep their name."""
        outside = dict(zip(self.outside, _OUTSIDE, strict=True))
        inside: dict[str, str] = {}
        for module, own in zip(self.inside, _INSIDE, strict=True):
            inside |= {module: own} if isinstance(module, str) else dict(zip(module, "qkv", strict=True))
        components: Components = {}
        for key, tensor in tensors.items():
            if key.startswith(self.ignored):
                continue
            name, part = outside.get(key, (key, ""))
            if (match := re.fullmatch(self.block, key)) and match[2] in inside:
                name, part = f"block.{match[1]}", f"{inside[match[2]]}.{'bias' if match[3] == 'bias' else 'weight'}"
            components.setdefault(name, {})[part] = tensor
        for block in components.values():
            for part in ("weight", "bias"):
                if all(f"{x}.{part}" in block for x in "qkv"):
                    block[f"attn.qkv.{part}"] = torch.cat([block.pop(f"{x}.{part}") for x in "qkv"])
        return components


_TIMM = _Names(
    ("patch_embed.proj.weight", "patch_embed.proj.bias", "cls_token", "pos_embed", "norm.weight", "norm.bias"),
    r"blocks\.(\d+)\.(.+)\.(weight|bias)",
    _INSIDE,
    ("head.", "pre_logits."),
)
_HUGGINGFACE = _Names(
    (
        "embeddings.patch_embeddings.projection.weight", "embeddings.patch_embeddings.projection.bias",
        "embeddings.cls_token", "embeddings.position_embeddings", "layernorm.weight", "layernorm.bias",
    ),
    r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)",
    (
        "layernorm_before",
        ("attention.attention.query", "attention.attention.key", "attention.attention.value"),
        "attention.output.dense", "layernorm_after", "intermediate.dense", "output.dense",
    ),
    ("classifier.", "pooler.", "decoder.", "embeddings.mask_token"),
)  # fmt: skip
_ATTENTION = "MultiHeadDotProductAttention_1"
_AUGREG = _Names(
    (
        "embedding/kernel", "embedding/bias", "cls", "Transformer/posembed_input/pos_embedding",
        "Transformer/encoder_norm/scale", "Transformer/encoder_norm/bias",
    ),
    r"Transformer/encoderblock_(\d+)/(.+)/(kernel|scale|bias)",
    (
        "LayerNorm_0", (f"{_ATTENTION}/query", f"{_ATTENTION}/key", f"{_ATTENTION}/value"), f"{_ATTENTION}/out",
        "LayerNorm_2", "MlpBlock_3/Dense_0", "MlpBlock_3/Dense_1",
    ),
    ("head/", "pre_logits/"),
)  # fmt: skip


def read_timm(file: Path) -> Checkpoint:
    """Return the checkpoint in a safetensors file under timm's names, and in timm's config.json beside it.

    Without one, images are taken to be normalised to [-1, 1], as timm does for AugReg's weights.
    """
    config = _json(file.parent / "config.json")
    arguments: dict[str, Any] = config.get("model_args") or {}
    images: dict[str, Any] = config.get("pretrained_cfg") or config
    if (pool := config.get("global_pool") or "token") not in _POOLS:
        raise CheckpointError(f"{file} pools its tokens by {pool!r}, which ramet does not support", PLAIN)
    _check_activation(file, arguments.get("act_layer", "gelu"))
    return Checkpoint(
        file,
        _TIMM.grouped(_tensors(file)),
        heads=arguments.get("num_heads"),
        pool=_POOLS[pool],
        mean=tuple(images.get("mean", (0.5, 0.5, 0.5))),
        std=tuple(images.get("std", (0.5, 0.5, 0.5))),
    )


def is_huggingface(folder: Path) -> bool:
    """Return whether a folder is one that Hugging Face transformers saved, of whatever model, as safetensors."""
    saved = any((folder / name).is_file() for name in (WEIGHTS, INDEX))
    return saved and "model_type" in _json(folder / "config.json")


def read_huggingface(folder: Path) -> Checkpoint:
    """Return the checkpoint (model_type vit) in a folder that Hugging Face transformers saved.

    Settings that config.json leaves out have the values that transformers' ViTConfig gives them.
    """
    config = _json(folder / "config.json")
    if (model := config.get("model_type")) != "vit":
        raise CheckpointError(f"{folder} holds a {model!r}, not a 'vit'", PLAIN)
    _check_activation(folder, config.get("hidden_act", "gelu"))
    shards = {WEIGHTS} if (folder / WEIGHTS).is_file() else {*_json(folder / INDEX).get("weight_map", {}).values()}
    tensors = {key: tensor for shard in sorted(shards) for key, tensor in _tensors(folder / shard).items()}
    images = _json(folder / "preprocessor_config.json")
    mean, std = (images.get(f"image_{what}") or [0.5] * 3 for what in ("mean", "std"))
    if not images.get("do_normalize", True):
        mean, std = [0.0] * 3, [1.0] * 3
    gain = 255 * (images.get("rescale_factor", 1 / 255) if images.get("do_rescale", True) else 1)
    return Checkpoint(
        folder,
        _HUGGINGFACE.grouped({key.removeprefix("vit."): tensor for key, tensor in tensors.items()}),
        heads=config.get("num_attention_heads", 12),
        layer_norm_eps=config.get("layer_norm_eps", 1e-12),
        mean=tuple(m / gain for m in mean),
        std=tuple(s / gain for s in std),
    )


def read_augreg(file: Path) -> Checkpoint:
    """Return the checkpoint in an `.npz` of the ViT and AugReg papers (arXiv 2010.11929, 2106.10270): JAX's arrays.

    Their code used the tanh approximation of GELU; like all who load them into PyTorch, ramet uses the exact one. The
    shape of a query's kernel tells the number of heads.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            tensors = {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{file} cannot be read as arrays ({error})", "download it again") from error
    query = tensors.get(f"Transformer/encoderblock_0/{_ATTENTION}/query/kernel")
    return Checkpoint(
        file,
        _AUGREG.grouped({key: _oriented(key, tensor) for key, tensor in tensors.items()}),
        heads=query.shape[1] if query is not None and query.dim() == 3 else None,
    )


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


def _check_activation(source: Path, activation: str) -> None:
    if activation != "gelu":
        raise CheckpointError(f"{source} uses the activation {activation!r}; ramet has the exact GELU alone", PLAIN)


def _tensors(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file} cannot be read as safetensors ({error})", "download it again") from error


def _json(file: Path) -> dict[str, Any]:
    """Return a JSON file's settings; empty where there is none."""
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{file} is no JSON object ({error})", "download it again") from error
