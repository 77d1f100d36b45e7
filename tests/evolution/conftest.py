"""Small real systems: a random root of one narrow-sighted layer, tasks of coloured squares."""

from pathlib import Path

import numpy as np
import pytest
import torch

import ramet.system as ramet
from ramet.system import System

torch.set_num_threads(1)

SMALL = {
    "budget.cycles": "2", "budget.samples_per_cycle": "4", "budget.generation": "2", "budget.validations": "2",
    "budget.examples_per_validation": "96", "batch": "32", "mu": "0.3",
}  # fmt: skip


def write_task(folder: Path, name: str, classes: int = 3, seed: int = 0) -> str:
    """An npz of images whose class shows in the colour of one corner; some show another's."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for split, count in (("train", 192), ("validation", 64), ("test", 64)):
        labels = np.arange(count) % classes
        shown = np.where(rng.random(count) < 0.15, rng.integers(0, classes, count), labels)
        images = rng.integers(0, 120, (count, 16, 16, 3))
        images[np.arange(count), :8, :8, shown % 3] += 100 + 30 * (shown[:, None, None] // 3)
        arrays |= {f"x_{split}": images.astype(np.uint8), f"y_{split}": labels.astype(np.int64)}
    np.savez(folder / f"{name}.npz", **arrays)
    return f"npz:{folder / name}.npz"


def make_system(folder: Path, *tasks: str, root: str = "random:vit_tiny_patch8@16x1") -> System:
    system = ramet.init(folder / "system", root)
    for i, task in enumerate(tasks):
        system.tasks.add(task, write_task(folder, task, classes=3 + i, seed=i))
    return system


@pytest.fixture
def system(tmp_path: Path) -> System:
    return make_system(tmp_path, "one", "two")
