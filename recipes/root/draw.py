"""Batches for the root's training: pictures warped, coloured and put on grounds of their own, all in tensors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Pictures:
    """Pictures of one sort: uint8 (N, S, S) ink, (N, S, S, 3) colour or (N, S, S, 4) with transparency; labels (N,)."""

    name: str
    pictures: Tensor
    labels: Tensor
    order: Tensor
    starts: Tensor
    shuffled: Tensor

    @property
    def classes(self) -> int:
        return len(self.starts) - 1

    def draw(self, n: int, rng: torch.Generator, among: int | None = None) -> tuple[Tensor, Tensor]:
        """Return n pictures of classes drawn alike, and their labels; among: only of so many classes."""
        label = torch.randint(min(among or self.classes, self.classes), (n,), generator=rng)
        label = self.shuffled[label]
        first, last = self.starts[label], self.starts[label + 1]
        at = first + (torch.rand(n, generator=rng) * (last - first)).long()
        return self.pictures[self.order[at]], label


def load(folder: Path, name: str) -> Pictures:
    """Return what recipes.root.pictures drew."""
    with np.load(folder / f"{name}.npz") as file:
        pictures, labels = torch.from_numpy(file["pictures"]), torch.from_numpy(file["labels"])
    counts = torch.bincount(labels)
    shuffled = torch.randperm(len(counts), generator=torch.Generator().manual_seed(0))
    return Pictures(
        name, pictures, labels, torch.argsort(labels, stable=True), F.pad(counts.cumsum(0), (1, 0)), shuffled
    )


def rgba(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Return float (N, 4, S, S) in 0 to 1: ink gets a colour and becomes the alpha."""
    if pictures.ndim == 4:
        x = pictures.permute(0, 3, 1, 2).float() / 255
        return x if x.shape[1] == 4 else F.pad(x, (0, 0, 0, 0, 0, 1), value=1.0)
    n = len(pictures)
    ink = _colours(n, rng)[:, :, None, None].expand(-1, -1, *pictures.shape[1:])
    return torch.cat([ink, pictures[:, None].float() / 255], 1)


def placed(x: Tensor, size: int, rng: torch.Generator, strength: float, turn: float, flip: bool) -> Tensor:
    """Return x (N, C, S, S) turned, slanted, stretched, moved and bent, as (N, C, size, size).

    strength scales all, turn is the largest angle in radians.
    """
    n = len(x)
    u = (torch.rand(n, 7, generator=rng) * 2 - 1) * strength
    angle = u[:, 0] * turn / max(strength, 1e-9)
    scale = torch.exp(0.28 * u[:, 1] + 0.08)
    wide, high = scale * torch.exp(0.18 * u[:, 2]), scale * torch.exp(-0.18 * u[:, 2])
    if flip:
        wide = wide * torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0)
    cos, sin, slant = angle.cos(), angle.sin(), 0.35 * u[:, 3]
    row_x = torch.stack([cos * wide, (slant - sin) * high, 0.18 * u[:, 4]], 1)
    row_y = torch.stack([sin * wide, (cos + slant * sin) * high, 0.18 * u[:, 5]], 1)
    grid = F.affine_grid(torch.stack([row_x, row_y], 1), [n, x.shape[1], size, size], align_corners=False)
    bend = torch.randn(n, 2, 4, 4, generator=rng) * (0.05 * strength * torch.rand(n, 1, 1, 1, generator=rng))
    grid = grid + F.interpolate(bend, size=(size, size), mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def weighted(alpha: Tensor, rng: torch.Generator) -> Tensor:
    """Return ink (N, 1, S, S) drawn bolder or thinner for some."""
    which = torch.rand(len(alpha), 1, 1, 1, generator=rng)
    bold = F.max_pool2d(alpha, 3, 1, 1)
    thin = -F.max_pool2d(-alpha, (2, 2), 1, 1)[..., :-1, :-1]
    return torch.where(which < 0.25, bold, torch.where(which > 0.85, thin, alpha))


def grounded(x: Tensor, grounds: Tensor, rng: torch.Generator) -> Tensor:
    """Return RGB (N, 3, S, S) in 0 to 1: x over paper of one colour, shaded, or over a texture, with noise."""
    n, size = len(x), x.shape[-1]
    colour, alpha = x[:, :3], x[:, 3:]
    paper = _colours(n, rng)
    mean = (colour * alpha).sum((2, 3)) / alpha.sum((2, 3)).clamp_min(1e-3)
    near = (paper - mean).abs().mean(1) < 0.25  # ink must be seen
    paper = torch.where(near[:, None], 1 - mean, paper)
    paper = torch.where((near & ((1 - 2 * mean).abs().mean(1) < 0.25))[:, None], (mean < 0.5).float(), paper)
    ramp = torch.linspace(-1, 1, size)
    slope = (torch.rand(n, 2, generator=rng) * 2 - 1) * 0.2
    shade = slope[:, :1, None] * ramp[:, None] + slope[:, 1:, None] * ramp
    ground = paper[:, :, None, None] + shade[:, None]
    textured = torch.rand(n, 1, 1, 1, generator=rng) < 0.15
    mixed = 0.6 * ground + 0.4 * grounds[torch.randint(len(grounds), (n,), generator=rng)]
    ground = torch.where(textured, mixed, ground)
    picture = ground * (1 - alpha) + colour * alpha
    noise = torch.randn(picture.shape, generator=rng) * (0.08 * torch.rand(n, 1, 1, 1, generator=rng) ** 2)
    return (picture + noise).clamp(0, 1)


def jittered(x: Tensor, rng: torch.Generator) -> Tensor:
    """Return RGB pictures with brightness, contrast and colour changed."""
    n = len(x)
    u = torch.rand(n, 5, 1, 1, generator=rng) * 2 - 1
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (1 + 0.6 * u[:, :1])
    middle = x.mean((1, 2, 3), keepdim=True)
    x = middle + (x - middle) * (1 + 0.35 * u[:, 1:2]) + 0.15 * u[:, 2:3]
    fade = torch.rand(n, 1, 1, 1, generator=rng) < 0.15
    return torch.where(fade, x.mean(1, keepdim=True), x).clamp(0, 1)


def _colours(n: int, rng: torch.Generator) -> Tensor:
    """Return RGB (n, 3): half are greys, black and white often."""
    colour = torch.rand(n, 3, generator=rng)
    grey = torch.rand(n, 1, generator=rng)
    extreme = (grey < 0.5).float()
    grey = torch.where(torch.rand(n, 1, generator=rng) < 0.5, extreme, grey).expand(-1, 3)
    return torch.where(torch.rand(n, 1, generator=rng) < 0.5, grey, colour)
