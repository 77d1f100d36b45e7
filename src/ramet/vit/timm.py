"""Reads checkpoints under timm's names: a `.safetensors` file, with timm's config.json beside it if there is one."""

import re
from pathlib import Path
from typing import Any

from ramet.base.errors import CheckpointError
from ramet.base.records import Pool
from ramet.vit.checkpoint import PLAIN, Checkpoint, Name, grouped, read_config, read_tensors

_NAMES = {
    "patch_embed.proj.weight": ("patch_embed", "weight"),
    "patch_embed.proj.bias": ("patch_embed", "bias"),
    "cls_token": ("cls_token", "value"),
    "pos_embed": ("pos_embed", "value"),
    "norm.weight": ("norm", "weight"),
    "norm.bias": ("norm", "bias"),
}
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")  # inside a block the names are ramet's own
_IGNORED = ("head.", "pre_logits.")
_POOLS: dict[str, Pool] = {"token": "cls", "avg": "mean"}


def read(file: Path) -> Checkpoint:
    """Return the checkpoint in a timm-named safetensors file.

    Without a config.json, images are taken to be normalised to [-1, 1], as timm does for AugReg's weights.
    """
    config = read_config(file.parent / "config.json")
    arguments: dict[str, Any] = config.get("model_args") or {}
    images: dict[str, Any] = config.get("pretrained_cfg") or config
    _check_config(file, config, arguments)
    return Checkpoint(
        file,
        grouped(read_tensors(file), _renamed, _IGNORED),
        heads=arguments.get("num_heads"),
        pool=_POOLS[config.get("global_pool") or "token"],
        mean=tuple(images.get("mean", (0.5, 0.5, 0.5))),
        std=tuple(images.get("std", (0.5, 0.5, 0.5))),
    )


def _check_config(file: Path, config: dict[str, Any], arguments: dict[str, Any]) -> None:
    if (pool := config.get("global_pool") or "token") not in _POOLS:
        raise CheckpointError(f"{file} pools its tokens by {pool!r}, which ramet does not support", PLAIN)
    if (activation := arguments.get("act_layer", "gelu")) != "gelu":
        raise CheckpointError(f"{file} uses the activation {activation!r}; ramet has the exact GELU alone", PLAIN)


def _renamed(key: str) -> Name:
    if match := _BLOCK.fullmatch(key):
        return f"block.{match[1]}", match[2]
    return _NAMES.get(key, (key, ""))
