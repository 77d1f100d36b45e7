"""The tensors that a reader of a checkpoint format gives, made into a root: every name, shape and value is checked.

The architecture follows from their shapes. The normalisation of images that the checkpoint was trained with is folded
into its patch embedding, because ramet scales all images to [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor

from ramet.base.errors import CheckpointError
from ramet.base.records import Architecture, Pool
from ramet.vit import spec
from ramet.vit.kinds import Dimensions, Shapes

Components = dict[str, dict[str, Tensor]]
"""Tensors by component and name."""

PLAIN = "take a plain vision transformer, such as hf:timm/vit_tiny_patch16_224.augreg_in21k"

_UNSUPPORTED = {
    "dist_token": "a distillation token",
    "reg_token": "register tokens",
    "norm_pre": "a norm before the blocks",
    "fc_norm": "a norm after pooling",
    "q_norm": "query-key normalisation",
    "ls1": "LayerScale",
    "conv_root": "a convolutional stem",
    "patch_embed.backbone": "a convolutional stem",
}
"""Known features of other transformers, by a part of the names of their tensors."""

_HEADS = {1152: 16, 1280: 16, 1408: 16, 1664: 16}
"""The published widths whose heads are not 64 wide: So400m, Huge, giant and gigantic."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A transformer's tensors, and what its files say beyond their shapes.

    Tensors of no component of ramet's stand under their own name. heads is None where the files do not tell. mean and
    std normalise images in [0, 1], a value a channel.
    """

    source: Path
    components: Components
    heads: int | None = None
    layer_norm_eps: float = 1e-6
    pool: Pool = "cls"
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)

    def root(self) -> tuple[Architecture, Components]:
        """Return the architecture and the checked float32 components for images in [-1, 1].

        Raises:
            CheckpointError: a tensor is missing, unknown, of a wrong shape, or not finite.
        """
        architecture = self._architecture()
        self._check(architecture)
        components = {
            name: {key: self.components[name][key].float().contiguous() for key in shapes}
            for name, shapes in _shapes(architecture).items()
        }
        components["patch_embed"] = _fold(components["patch_embed"], self.mean, self.std)
        return architecture, components

    def _architecture(self) -> Architecture:
        patch = self._tensor("patch_embed", "weight", dimensions=4)
        positions = self._tensor("pos_embed", "value", dimensions=3).shape[1] - 1
        width, patch_size = patch.shape[0], patch.shape[-1]
        layers = sum(spec.kind(name) == "block" for name in self.components)
        mlp_width = self._tensor("block.0", "mlp.fc1.weight", dimensions=2).shape[0] if layers else 4 * width
        if isqrt(positions) ** 2 != positions or positions < 1:
            raise CheckpointError(f"{self.source} has positions for {positions} patches, which is no square", PLAIN)
        heads = self.heads or _HEADS.get(width, 0 if width % 64 else width // 64)
        if not heads or width % heads:
            shared = f"which {heads or 'no known number of'} attention heads can share"
            remedy = "put the checkpoint's config.json, which tells the number of heads, beside it"
            raise CheckpointError(f"{self.source} has {width} channels, {shared}", remedy)
        return Architecture(
            patch_size, width, heads, mlp_width, layers, isqrt(positions) * patch_size, self.pool, self.layer_norm_eps
        )

    def _tensor(self, name: str, key: str, *, dimensions: int) -> Tensor:
        tensor = self.components.get(name, {}).get(key)
        if tensor is None or tensor.dim() != dimensions:
            self._refuse_features()
            raise CheckpointError(f"{self.source} has no vision transformer's {name} {key}", PLAIN)
        return tensor

    def _check(self, architecture: Architecture) -> None:
        expected = {(n, k): shape for n, shapes in _shapes(architecture).items() for k, shape in shapes.items()}
        found = {(n, k): tensor for n, tensors in self.components.items() for k, tensor in tensors.items()}
        self._refuse_features()
        if unknown := sorted(found.keys() - expected.keys()):
            raise CheckpointError(f"{self.source} holds {_listed(unknown)}, of which ramet knows nothing", PLAIN)
        if missing := sorted(expected.keys() - found.keys()):
            raise CheckpointError(f"{self.source} lacks {_listed(missing)}", PLAIN)
        for (name, key), tensor in found.items():
            if tuple(tensor.shape) != expected[name, key]:
                shapes = f"the shape {tuple(tensor.shape)}, not {expected[name, key]}"
                raise CheckpointError(f"{self.source}: {name} {key} has {shapes}", PLAIN)
            if not tensor.is_floating_point() or not torch.isfinite(tensor).all():
                problem = f"{self.source}: {name} {key} holds values that are not finite numbers"
                raise CheckpointError(problem, "download the checkpoint again, or take another")

    def _refuse_features(self) -> None:
        names = {word for name, tensors in self.components.items() for word in (name, *tensors)}
        for part, feature in _UNSUPPORTED.items():
            if any(part in name for name in names):
                raise CheckpointError(f"{self.source} has {feature}, which ramet does not support", PLAIN)


def _shapes(architecture: Architecture) -> dict[str, Shapes]:
    dimensions = Dimensions(architecture.image_size, classes=0)
    return {name: spec.shapes(architecture, name, dimensions) for name in spec.root_names(architecture)}


def _fold(patch_embed: Mapping[str, Tensor], mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, Tensor]:
    """Return the patch embedding that reads images x in [-1, 1] as the given one reads ((x + 1) / 2 - mean) / std."""
    weight = patch_embed["weight"].double()
    mean_C11, std_C11 = (torch.tensor(v, dtype=torch.float64).view(-1, 1, 1) for v in (mean, std))
    shift = (weight * ((0.5 - mean_C11) / std_C11)).sum(dim=(1, 2, 3))
    return {"weight": (weight / (2 * std_C11)).float(), "bias": (patch_embed["bias"].double() + shift).float()}


def _listed(names: list[tuple[str, str]]) -> str:
    first = ", ".join(" ".join(name).strip() for name in names[:3])
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more tensors"
