"""What one would write without ramet: a ViT as modules, a data loader, one model trained after the other."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ramet.method.schedule import learning_rate
from ramet.records import Architecture
from ramet.tasks.data import Split
from ramet.training.assemble import Parts


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


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.width, eps=shape.layer_norm_eps)
        self.attn = Attention(shape.width, shape.heads)
        self.norm2 = nn.LayerNorm(shape.width, eps=shape.layer_norm_eps)
        self.fc1 = nn.Linear(shape.width, shape.mlp_width)
        self.fc2 = nn.Linear(shape.mlp_width, shape.width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Tokens x_BLD to tokens x_BLD."""
        x_BLD = x_BLD + self.attn(self.norm1(x_BLD))
        y: Tensor = x_BLD + self.fc2(F.gelu(self.fc1(self.norm2(x_BLD))))
        return y


class VisionTransformer(nn.Module):
    """The same network as ramet's, as modules."""

    def __init__(self, shape: Architecture, image_size: int, classes: int) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, shape.width, shape.patch_size, stride=shape.patch_size)
        self.cls = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.pos = nn.Parameter(torch.zeros(1, (image_size // shape.patch_size) ** 2 + 1, shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width, eps=shape.layer_norm_eps)
        self.head = nn.Linear(shape.width, classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Logits x_BK of images in [-1, 1]."""
        x = self.patch(x_BCHW).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.pos
        for block in self.blocks:
            x = block(x)
        y: Tensor = self.head(self.norm(x)[:, 0])
        return y

    def component(self, name: str) -> dict[str, Tensor]:
        """A component's parameters under ramet's names."""
        kind, _, index = name.partition(".")
        if kind in ("cls_token", "pos_embed"):
            return {"value": self.cls if kind == "cls_token" else self.pos}
        module = {"patch_embed": self.patch, "norm": self.norm, "head": self.head}.get(kind)
        if module is None:
            module = self.blocks[int(index)]
        return {key.replace("fc1", "mlp.fc1").replace("fc2", "mlp.fc2"): p for key, p in module.named_parameters()}

    def load(self, parts: Parts) -> None:
        """Start from these components."""
        with torch.no_grad():
            for name, tensors in parts.items():
                for key, parameter in self.component(name).items():
                    parameter.copy_(tensors[key])


class Images(Dataset[tuple[Tensor, int]]):
    """A split, an example at a time, as a data loader wants it."""

    def __init__(self, split: Split) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = torch.from_numpy(self.split.images[index].copy())
        return image.permute(2, 0, 1).float() / 127.5 - 1, int(self.split.labels[index])


def train(
    model: VisionTransformer,
    trainable: tuple[str, ...],
    splits: dict[str, Split],
    *,
    rounds: int,
    steps: int,
    batch: int,
    lr: float,
    warmup: float,
    momentum: float,
) -> list[float]:
    """Train the named components by a plain loop; return the validation accuracy after each round."""
    model.requires_grad_(False)
    weights = [p.requires_grad_() for name in trainable for p in model.component(name).values()]
    optimiser = torch.optim.SGD(weights, lr=lr, momentum=momentum, fused=True)
    loader = DataLoader(Images(splits["train"]), batch_size=batch, shuffle=True, drop_last=True)
    curve, done, batches = [], 0, iter(loader)
    for _ in range(rounds):
        for _ in range(steps):
            try:
                x, y = next(batches)
            except StopIteration:
                batches = iter(loader)
                x, y = next(batches)
            optimiser.param_groups[0]["lr"] = learning_rate(done, rounds * steps, lr, warmup)
            optimiser.zero_grad()
            F.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            done += 1
        curve.append(_accuracy(model, splits["validation"]))
    return curve


def _accuracy(model: VisionTransformer, split: Split) -> float:
    with torch.inference_mode():
        loader = DataLoader(Images(split), batch_size=256)
        return sum(int((model(x).argmax(1) == y).sum()) for x, y in loader) / len(split.labels)
