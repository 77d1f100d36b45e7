"""Transformers made by other hands than ramet's, to compare with: Hugging Face's, and one under timm's names."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ramet.base.records import Architecture
from ramet.vit.network import forward
from ramet.vit.roots import Root

torch.set_num_threads(1)


def randomise(module: nn.Module) -> nn.Module:
    """Every parameter drawn anew, so that no bias is 0 and no norm's scale 1 by default."""
    g = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, p in module.named_parameters():
            scale = 0.1 if p.dim() == 1 else 0.5 / p.shape[-1] ** 0.5
            is_norm = p.dim() == 1 and name.endswith("weight")
            p.copy_(torch.randn(p.shape, generator=g) * scale + is_norm)
    return module.eval()


class TimmBlock(nn.Module):
    def __init__(self, d: int, heads: int, m: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d, 1e-6), nn.LayerNorm(d, 1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(d, 3 * d), "proj": nn.Linear(d, d)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(d, m), "fc2": nn.Linear(m, d)})
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (t.chunk(self.heads, -1) for t in self.attn["qkv"](self.norm1(x)).chunk(3, -1))
        heads = [(a @ b.transpose(1, 2) / a.shape[-1] ** 0.5).softmax(-1) @ c for a, b, c in zip(q, k, v, strict=True)]
        x = x + self.attn["proj"](torch.cat(heads, -1))
        return x + self.mlp["fc2"](nn.functional.gelu(self.mlp["fc1"](self.norm2(x))))


class TimmVit(nn.Module):
    """A vision transformer with the parameter names of timm's VisionTransformer, written plainly."""

    def __init__(self, d: int = 128, heads: int = 2, m: int = 160, layers: int = 2, p: int = 4, size: int = 12) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, d, p, p)})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, d))
        self.pos_embed = nn.Parameter(torch.zeros(1, (size // p) ** 2 + 1, d))
        self.blocks = nn.ModuleList(TimmBlock(d, heads, m) for _ in range(layers))
        self.norm = nn.LayerNorm(d, 1e-6)
        self.head = nn.Linear(d, 10)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), patches], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


@pytest.fixture
def timm_vit() -> TimmVit:
    vit = TimmVit()
    randomise(vit)
    return vit


@pytest.fixture
def make_hf(tmp_path: Path) -> Callable[..., tuple[nn.Module, Path]]:
    """Makes a random model of transformers of the given configuration, and the folder where it is saved."""
    from transformers import ViTConfig, ViTForImageClassification, ViTModel

    def make(*, classifier: bool = False, shard: str = "1GB", **settings: object) -> tuple[nn.Module, Path]:
        config = ViTConfig(**settings)
        model = (ViTForImageClassification if classifier else ViTModel)(config)
        randomise(model)
        folder = tmp_path / f"hf{len(list(tmp_path.iterdir()))}"
        model.save_pretrained(folder, max_shard_size=shard)
        return model, folder

    return make


def features(root: Root, x: Tensor) -> Tensor:
    """What the head of a root's path reads, by way of an identity head."""
    d = root.architecture.width
    return forward(root.architecture, {**root.tensors, "head": {"weight": torch.eye(d), "bias": torch.zeros(d)}}, x)


@pytest.fixture(name="features")
def _features() -> Callable[[Root, Tensor], Tensor]:
    return features


@pytest.fixture
def small() -> Architecture:
    return Architecture(patch_size=4, width=16, heads=2, mlp_width=24, layers=2, image_size=12)
