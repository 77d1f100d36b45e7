"""A tiny task, a tiny random root held in memory, and plans made by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from ramet.base.records import Architecture, Component, Path, Value
from ramet.method.document.schema import Budget, Method
from ramet.method.plan import ChildPlan, Planned
from ramet.tasks.data import Split
from ramet.vit.initial import new_component, random_root
from ramet.vit.spec import component_names

torch.set_num_threads(1)

ARCHITECTURE = Architecture(patch_size=4, width=16, heads=2, mlp_width=32, layers=3, image_size=8)
CLASSES = 3
HYPERPARAMETERS: dict[str, Value] = {
    "mu": 0.1, "layers": 3, "adapter_width": 4, "data.image_size": 8, "data.crop_area_min": 1.0,
    "data.crop_aspect_min": 1.0, "data.flip": False, "data.brightness": 0.0, "data.contrast": 0.0,
    "data.saturation": 0.0, "data.hue": 0.0, "data.jpeg": 0.0, "opt.lr": 0.1, "opt.warmup": 0.1,
    "opt.momentum": 0.9, "opt.nesterov": False,
}  # fmt: skip


@dataclass
class Memory:
    """Objects in a dict: enough for the trainer, which only reads."""

    objects: dict[str, Mapping[str, Tensor]] = field(default_factory=dict)

    def keep(self, name: str, tensors: Mapping[str, Tensor]) -> Component:
        digest = f"{name}-{len(self.objects)}"
        self.objects[digest] = tensors
        return Component(name, digest, sum(t.numel() for t in tensors.values()))

    def load(self, digest: str) -> Mapping[str, Tensor]:
        return self.objects[digest]


@dataclass
class Lab:
    memory: Memory
    root: Path
    method: Method
    splits: dict[str, Split]

    def plan(self, trainable: set[str], inserted: tuple[str, ...] = (), **changes: Value) -> ChildPlan:
        """A child of the root that trains the named components (norm, head and what is inserted always)."""
        hyper = {**HYPERPARAMETERS, **{k.replace("__", "."): v for k, v in changes.items()}}
        parts = []
        for name in component_names(int(hyper["layers"]), inserted):
            origin = self.root.component(name)
            parts.append(Planned(name, origin, origin is None or name in trainable | {"norm"}))
        return ChildPlan(self.root, "tiny", CLASSES, tuple(parts), hyper, {}, ())


def make_split(seed: int, count: int) -> Split:
    """Images whose class shows in the brightness of one quarter."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    images = rng.integers(0, 80, (count, 8, 8, 3))
    images[:, :4, :4] += (labels * 80)[:, None, None, None]
    return Split(images.astype(np.uint8), labels.astype(np.int64))


@pytest.fixture
def lab() -> Lab:
    torch.manual_seed(0)
    memory = Memory()
    tensors = random_root(ARCHITECTURE, seed=0)
    components = tuple(memory.keep(name, t) for name, t in tensors.items())
    root = Path("root", None, ARCHITECTURE, components, {"layers": 3, "data.image_size": 8}).identified()
    budget = Budget(
        cycles=1, samples_per_cycle=4, generation=4, validations=3, examples_per_validation=96, validation_examples=64
    )
    method = Method(name="tiny", budget=budget, batch=32, hyperparameters=dict(HYPERPARAMETERS))
    splits = {"train": make_split(1, 160), "validation": make_split(2, 80), "test": make_split(3, 80)}
    return Lab(memory, root, method, splits)


__all__ = ["ARCHITECTURE", "CLASSES", "HYPERPARAMETERS", "Lab", "Memory", "make_split", "new_component"]
