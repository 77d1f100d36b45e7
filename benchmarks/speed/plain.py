"""What one would write without ramet: a ViT as modules, a data loader, one model trained after the other.

The modules bear ramet's names, so that a component's tensors are at home in both. Shape suffixes as in vit/network.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ramet.base.records import Architecture
from ramet.method.schedule import Cosine

if TYPE_CHECKING:
    from ramet.tasks.data import Split

Batches = Iterable[tuple[Tensor, Tensor]]
"""Images (B, C, H, W) in [-1, 1] and labels (B,), an epoch at a time: a data loader, or a list."""

EVALUATION_BATCH = 256


class Attention(nn.Module):
    """Multi-head self-attention by torch's fused kernel."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Tokens x_BLD to tokens x_BLD."""
        b, length, d = x_BLD.shape
        q, k, v = self.qkv(x_BLD).reshape(b, length, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y: Tensor = self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, length, d))
        return y


class Mlp(nn.Module):
    """Two linear maps with a GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Tokens x_BLD to tokens x_BLD."""
        y: Tensor = self.fc2(F.gelu(self.fc1(x_BLD)))
        return y


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.width, eps=shape.layer_norm_eps)
        self.attn = Attention(shape.width, shape.heads)
        self.norm2 = nn.LayerNorm(shape.width, eps=shape.layer_norm_eps)
        self.mlp = Mlp(shape.width, shape.mlp_width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Tokens x_BLD to tokens x_BLD."""
        x_BLD = x_BLD + self.attn(self.norm1(x_BLD))
        y: Tensor = x_BLD + self.mlp(self.norm2(x_BLD))
        return y


class VisionTransformer(nn.Module):
    """The same network as ramet's, as modules."""

    def __init__(self, shape: Architecture, image_size: int, classes: int) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, shape.width, shape.patch_size, stride=shape.patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, (image_size // shape.patch_size) ** 2 + 1, shape.width))
        self.block = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width, eps=shape.layer_norm_eps)
        self.head = nn.Linear(shape.width, classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Logits x_BK of images in [-1, 1]."""
        x = self.patch_embed(x_BCHW).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed
        for block in self.block:
            x = block(x)
        y: Tensor = self.head(self.norm(x)[:, 0])
        return y


def build(shape: Architecture, image_size: int, state: Mapping[str, Tensor]) -> VisionTransformer:
    """A network that holds these very tensors: no time is spent on initial values, no memory on a second copy."""
    with torch.device("meta"):
        model = VisionTransformer(shape, image_size, len(state["head.bias"]))
    model.load_state_dict(state, assign=True)
    return model


def state_of(parts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The components of a path under the names that the network's parameters have."""
    return {f"{name}.{key}".removesuffix(".value"): t for name, tensors in parts.items() for key, t in tensors.items()}


class Images(Dataset[tuple[Tensor, int]]):
    """A split, an example at a time, as a data loader wants it."""

    def __init__(self, split: "Split") -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = torch.from_numpy(self.split.images[index].copy())
        return image.permute(2, 0, 1).float() / 127.5 - 1, int(self.split.labels[index])


def loaders(splits: Mapping[str, "Split"], batch: int) -> tuple[Batches, Batches]:
    """The training and the validation split, loaded an example at a time whenever they are gone through."""
    training = DataLoader(Images(splits["train"]), batch_size=batch, shuffle=True, drop_last=True)
    return training, DataLoader(Images(splits["validation"]), batch_size=EVALUATION_BATCH)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: rounds of steps, each followed by a validation, with SGD."""

    rounds: int
    steps: int
    lr: float
    warmup: float
    momentum: float
    nesterov: bool
    clip_norm: float


def train(
    model: VisionTransformer, trainable: tuple[str, ...], training: Batches, validation: Batches, recipe: Recipe
) -> list[float]:
    """Train the named components by a plain loop; return the validation accuracy after each round."""
    prefixes = tuple(f"{name}." for name in trainable)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(f"{name}.".startswith(prefixes))
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(weights, lr=0.0, momentum=recipe.momentum, nesterov=recipe.nesterov, fused=True)
    curve, done, batches = [], 0, iter(training)
    for _ in range(recipe.rounds):
        for _ in range(recipe.steps):
            try:
                x, y = next(batches)
            except StopIteration:
                batches = iter(training)
                x, y = next(batches)
            total = recipe.rounds * recipe.steps
            rate = recipe.lr * Cosine().factor(done, total, {"opt.warmup": recipe.warmup}, 1e-3)
            optimiser.param_groups[0]["lr"] = rate
            optimiser.zero_grad()
            F.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(weights, recipe.clip_norm)
            optimiser.step()
            done += 1
        curve.append(_accuracy(model, validation))
    return curve


def _accuracy(model: VisionTransformer, batches: Batches) -> float:
    with torch.inference_mode():
        hits = [model(x).argmax(1) == y for x, y in batches]
        return float(torch.cat(hits).float().mean())
