"""Train the root on what recipes.root.pictures drew: `python -m recipes.root.train --pictures DIR --out DIR`.

One transformer, a head a sort of pictures, all sorts in every batch. Weights are float32 and computed with in
bfloat16; matrices of the blocks are stepped by Muon, all else by AdamW. The rate warms up, stays, and falls to zero in
the last fifth, so that a run can be made longer: `--images` may grow, and the training goes on from where its rate had
not begun to fall. Started again, it goes on where it was stopped.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from ramet.base.records import Architecture
from ramet.vit.initial import random_root
from ramet.vit.network import forward
from recipes.root import draw

SHARES = {"glyphs": 96, "strokes": 48, "cliparts": 64, "fractals": 24, "textures": 24}
"""Pictures of each sort in a batch."""

PLACING = {  # strength, turn in radians, flip
    "glyphs": (1.0, 0.35, False), "strokes": (1.0, 0.35, False), "cliparts": (1.3, 0.5, True),
    "fractals": (1.0, 0.5, True), "textures": (0.6, 0.3, True),
}  # fmt: skip

FIRST, EASY = 100, 1_200_000
"""Learning begins with so many classes of each sort, little warped; the classes grow to all, and the warps to their
full strength, over so many pictures. Begun with all 10,425 glyphs, nothing was learned of them in 256,000 pictures."""

Parts = dict[str, dict[str, Tensor]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=float, default=5e6)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--patch", type=int, default=8)
    parser.add_argument("--optimiser", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--lr", type=float, default=0.02, help="of Muon; AdamW has a twentieth")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long; the same command goes on")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sorts = [draw.load(arguments.pictures, name) for name in SHARES]
    Training(arguments, sorts).run()


class Training:
    """The weights, their optimisers, and how far they are."""

    def __init__(self, arguments: argparse.Namespace, sorts: list[draw.Pictures]) -> None:
        self.arguments, self.sorts = arguments, sorts
        width = arguments.width
        self.architecture = Architecture(arguments.patch, width, width // 64, 4 * width, arguments.layers, 32, "cls")
        self.parts: Parts = {n: dict(t) for n, t in random_root(self.architecture, 0).items()}
        for sort in sorts:
            self.parts[f"head/{sort.name}"] = {
                "weight": torch.zeros(sort.classes, width),
                "bias": torch.zeros(sort.classes),
            }
        named = [(f"{n}/{k}", t.requires_grad_()) for n, tensors in self.parts.items() for k, t in tensors.items()]
        self.weights = dict(named)
        matrices = [t for n, t in named if n.startswith("block") and t.ndim == 2 and arguments.optimiser == "muon"]
        chosen = set(map(id, matrices))
        rest = [t for _, t in named if id(t) not in chosen]
        self.optimisers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW([
                {"params": [t for t in rest if t.ndim == 2], "weight_decay": 0.05},
                {"params": [t for t in rest if t.ndim != 2], "weight_decay": 0.0},
            ], lr=arguments.lr / 20, betas=(0.9, 0.98), fused=True)
        ]  # fmt: skip
        if matrices:
            self.optimisers.append(torch.optim.Muon(matrices, lr=arguments.lr, weight_decay=0.05, momentum=0.95))
        self.batch = sum(SHARES.values())
        self.steps, self.step = int(arguments.images / self.batch), 0
        self.kept = arguments.out / "training.pt"
        arguments.out.mkdir(parents=True, exist_ok=True)
        if self.kept.exists():
            self._restore()

    def run(self) -> None:
        start, tick, seen = time.perf_counter(), time.perf_counter(), self.step
        losses: dict[str, list[Tensor]] = {sort.name: [] for sort in self.sorts}
        right: dict[str, list[Tensor]] = {sort.name: [] for sort in self.sorts}
        while self.step < self.steps and time.perf_counter() - start < 60 * self.arguments.minutes:
            self._rates()
            x, labels = self._pictures()
            parts = {n: {k: t.bfloat16() for k, t in v.items()} for n, v in self.parts.items() if "head" not in n}
            read = forward(self.architecture, {**parts, "head": _same(self.architecture.width)}, x.bfloat16()).float()
            total, at = torch.zeros(()), 0
            for sort, label in zip(self.sorts, labels, strict=True):
                head = self.parts[f"head/{sort.name}"]
                logits = F.linear(read[at : at + len(label)], head["weight"], head["bias"])
                loss = F.cross_entropy(logits, label, label_smoothing=0.05)
                total = total + loss * len(label) / self.batch
                at += len(label)
                losses[sort.name].append(loss.detach())
                right[sort.name].append((logits.detach().argmax(1) == label).float().mean())
            total.backward()
            torch.nn.utils.clip_grad_norm_(self.weights.values(), 3.0)
            for optimiser in self.optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            self.step += 1
            if self.step % 200 == 0:
                now = time.perf_counter()
                speed = (self.step - seen) * self.batch / (now - tick)
                tick, seen = now, self.step
                said = "  ".join(
                    f"{n} {torch.stack(losses[n]).mean():.2f} {torch.stack(right[n]).mean():.1%}" for n in losses
                )
                left = (self.steps - self.step) * self.batch / speed / 60
                print(f"{self.step * self.batch:,} images  {speed:.0f}/s  {left:.0f} min left  {said}", flush=True)
                losses, right = {n: [] for n in losses}, {n: [] for n in right}
            if self.step % 1000 == 0:
                self._keep()
        self._keep()
        self._save()

    def _pictures(self) -> tuple[Tensor, list[Tensor]]:
        rng = torch.Generator().manual_seed(1_000_003 * self.arguments.layers + self.step)
        textures = next(sort for sort in self.sorts if sort.name == "textures")
        grounds = draw.rgba(textures.draw(24, rng)[0], rng)[:, :3, 8:40, 8:40]
        seen = self.step * self.batch
        force = min(1.0, 0.35 + 0.65 * seen / EASY)
        among = int(FIRST * 2 ** (12 * seen / EASY))
        pictures, labels = [], []
        for sort in self.sorts:
            drawn, label = sort.draw(SHARES[sort.name], rng, among)
            strength, turn, flip = PLACING[sort.name]
            strength, turn = strength * force, turn * force
            x = draw.rgba(drawn, rng)
            if drawn.ndim == 3 and sort.name != "fractals":
                x[:, 3:] = draw.weighted(x[:, 3:], rng)
            x = draw.placed(x, 32, rng, strength, turn, flip)
            x = draw.grounded(x, grounds, rng)
            pictures.append(x if drawn.ndim == 3 else draw.jittered(x, rng))
            labels.append(label)
        return torch.cat(pictures) * 2 - 1, labels

    def _rates(self) -> None:
        warm = min(1.0, (self.step + 1) / 200)
        fall = min(1.0, (self.steps - self.step) / (0.2 * self.steps))
        for optimiser, lr in zip(self.optimisers, (self.arguments.lr / 20, self.arguments.lr), strict=False):
            for group in optimiser.param_groups:
                group["lr"] = lr * warm * fall

    def _keep(self) -> None:
        state = {"step": self.step, "weights": {n: t.detach() for n, t in self.weights.items()},
                 "optimisers": [o.state_dict() for o in self.optimisers]}  # fmt: skip
        falling = self.step > 0.8 * self.steps
        file = self.kept.with_name("falling.pt") if falling else self.kept
        torch.save(state, file.with_suffix(".part"))
        file.with_suffix(".part").rename(file)

    def _restore(self) -> None:
        falling = self.kept.with_name("falling.pt")
        state = torch.load(falling if falling.exists() else self.kept)
        if falling.exists() and state["step"] < 0.8 * self.steps:  # the run was made longer: go back to before its fall
            state = torch.load(self.kept)
        self.step = state["step"]
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(state["weights"][name])
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)

    def _save(self) -> None:
        """Write the root under timm's names, in bfloat16."""
        tensors = {}
        for name, held in self.parts.items():
            for key, tensor in held.items():
                if not name.startswith("head"):
                    tensors[_timm(name, key)] = tensor.detach().bfloat16().contiguous()
        save_file(tensors, self.arguments.out / "root.safetensors")
        (self.arguments.out / "root.json").write_text(json.dumps({"images": self.step * self.batch}))


def _timm(name: str, key: str) -> str:
    """Return timm's name of a component's tensor."""
    if name.startswith("block."):
        return f"blocks.{name[6:]}.{key}"
    return {"patch_embed": f"patch_embed.proj.{key}", "norm": f"norm.{key}"}.get(name, name)


def _same(width: int) -> dict[str, Tensor]:
    return {"weight": torch.eye(width, dtype=torch.bfloat16), "bias": torch.zeros(width, dtype=torch.bfloat16)}


if __name__ == "__main__":
    main()
