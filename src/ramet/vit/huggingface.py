"""Reads the ViT folders that Hugging Face transformers saves (model_type vit), without transformers."""

import re
from pathlib import Path
from typing import Any

from torch import Tensor

from ramet.base.errors import CheckpointError
from ramet.vit.checkpoint import PLAIN, Checkpoint, Name, grouped, read_config, read_tensors

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

_NAMES = {
    "embeddings.patch_embeddings.projection.weight": ("patch_embed", "weight"),
    "embeddings.patch_embeddings.projection.bias": ("patch_embed", "bias"),
    "embeddings.cls_token": ("cls_token", "value"),
    "embeddings.position_embeddings": ("pos_embed", "value"),
    "layernorm.weight": ("norm", "weight"),
    "layernorm.bias": ("norm", "bias"),
}
_IN_BLOCK = {
    "layernorm_before": "norm1",
    "attention.attention.query": "q",
    "attention.attention.key": "k",
    "attention.attention.value": "v",
    "attention.output.dense": "attn.proj",
    "layernorm_after": "norm2",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
}
_BLOCK = re.compile(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)")
_IGNORED = ("classifier.", "pooler.", "decoder.", "embeddings.mask_token")


def holds(folder: Path) -> bool:
    """Return whether a folder is one that transformers saved, of whatever model, as safetensors."""
    saved = any((folder / name).is_file() for name in (WEIGHTS, INDEX))
    return saved and "model_type" in read_config(folder / "config.json")


def read(folder: Path) -> Checkpoint:
    """Return the checkpoint in a folder with config.json, safetensors and perhaps preprocessor_config.json.

    Settings that config.json leaves out have the values that transformers' ViTConfig gives them.
    """
    config = read_config(folder / "config.json")
    if (model := config.get("model_type")) != "vit":
        raise CheckpointError(f"{folder} holds a {model!r}, not a 'vit'", PLAIN)
    if (activation := config.get("hidden_act", "gelu")) != "gelu":
        raise CheckpointError(f"{folder} uses the activation {activation!r}; ramet has the exact GELU alone", PLAIN)
    tensors = {key.removeprefix("vit."): tensor for key, tensor in _tensors(folder).items()}
    mean, std = _normalisation(read_config(folder / "preprocessor_config.json"))
    return Checkpoint(
        folder,
        grouped(tensors, _renamed, _IGNORED),
        heads=config.get("num_attention_heads", 12),
        layer_norm_eps=config.get("layer_norm_eps", 1e-12),
        mean=mean,
        std=std,
    )


def _tensors(folder: Path) -> dict[str, Tensor]:
    if (folder / WEIGHTS).is_file():
        return read_tensors(folder / WEIGHTS)
    shards = sorted(set(read_config(folder / INDEX).get("weight_map", {}).values()))
    return {key: tensor for shard in shards for key, tensor in read_tensors(folder / shard).items()}


def _renamed(key: str) -> Name:
    if (match := _BLOCK.fullmatch(key)) and match[2] in _IN_BLOCK:
        return f"block.{match[1]}", f"{_IN_BLOCK[match[2]]}.{match[3]}"
    return _NAMES.get(key, (key, ""))


def _normalisation(settings: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation for images in [0, 1], of what an image processor does to bytes."""
    mean, std = settings.get("image_mean") or [0.5] * 3, settings.get("image_std") or [0.5] * 3
    if not settings.get("do_normalize", True):
        mean, std = [0.0] * 3, [1.0] * 3
    gain = 255 * (settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1)
    return tuple(m / gain for m in mean), tuple(s / gain for s in std)
