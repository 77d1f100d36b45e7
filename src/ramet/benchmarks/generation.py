"""A generation of 8 children trained side by side, against the same 8 trained one by one by a plain PyTorch loop.

Both start from the same root on the same images, make the same number of steps of the same batch and train the same
components; data loading and validation are included. Pairs are run in turn, and the ratio is taken pair by pair.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ramet.benchmarks import plain
from ramet.method.mutation import plan_child, plan_data
from ramet.method.plan import ChildPlan
from ramet.method.presets import load
from ramet.method.schema import Method
from ramet.randomness import generator
from ramet.records import Architecture, Component, Path
from ramet.tasks.data import Split
from ramet.training.generation import Rounds, train_generation
from ramet.vit.initial import random_root

CHILDREN = 8
CLASSES = 10


@dataclass(frozen=True)
class Case:
    """One network, and which of its components every child trains."""

    name: str
    layers: int
    image_size: int
    batch: int
    steps: int
    frozen_blocks: int

    @property
    def architecture(self) -> Architecture:
        """ViT-Ti/16."""
        return Architecture(16, 192, 3, 768, self.layers, self.image_size)


CASES = (
    Case("Ti/16, 3 layers, 32 px, nothing shared", 3, 32, 512, 6, 0),
    Case("Ti/16, 3 layers, 32 px, 2 of 3 blocks shared", 3, 32, 512, 6, 2),
    Case("Ti/16, 12 layers, 96 px, nothing shared", 12, 96, 64, 3, 0),
    Case("Ti/16, 12 layers, 96 px, 6 of 12 blocks shared", 12, 96, 64, 3, 6),
    Case("Ti/16, 12 layers, 96 px, 11 of 12 blocks shared", 12, 96, 64, 3, 11),
)


def run(repeats: int = 3) -> list[dict[str, Any]]:
    """Every case: median seconds of both, and the ratios ramet / plain of each pair."""
    return [_run_case(case, repeats) for case in CASES]


def _run_case(case: Case, repeats: int) -> dict[str, Any]:
    splits = _splits(case)
    tensors = random_root(case.architecture, seed=0)
    method = _method(case)
    plans = [_plan(case, method, tensors) for _ in range(CHILDREN)]
    ours, plains = [], []
    for repeat in range(repeats + 1):
        a = _timed(lambda: _side_by_side(plans, method, splits, tensors))
        b = _timed(lambda: _one_by_one(case, method, plans, splits, tensors))
        if repeat > 0:  # the first pair warms up
            ours.append(a)
            plains.append(b)
    ratios = [a / b for a, b in zip(ours, plains, strict=True)]
    return {
        "case": case.name,
        "children": CHILDREN,
        "examples a child": 2 * case.steps * case.batch,
        "ramet s": round(median(ours), 2),
        "plain loop s": round(median(plains), 2),
        "ratio": round(median(ratios), 3),
        "ratio min": round(min(ratios), 3),
        "ratio max": round(max(ratios), 3),
    }


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _method(case: Case) -> Method:
    name = f"freeze_bottom:{case.frozen_blocks}" if case.frozen_blocks else "finetune"
    settings = {
        "batch": case.batch,
        "budget.single_run": "false",
        "budget.validations": 2,
        "budget.examples_per_validation": case.steps * case.batch,
        "mutation.clone_untrained": "false",
    }
    return load(name, {key: str(value) for key, value in settings.items()})


def _splits(case: Case) -> dict[str, Split]:
    """Random images: what is learnt does not matter here."""
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        images = rng.integers(0, 256, (count, case.image_size, case.image_size, 3), dtype=np.uint8)
        return Split(images, rng.integers(0, CLASSES, count))

    return {"train": split(case.steps * case.batch), "validation": split(256)}


def _plan(case: Case, method: Method, tensors: Mapping[str, Mapping[str, Tensor]]) -> ChildPlan:
    components = tuple(Component(n, n, sum(t.numel() for t in parts.values())) for n, parts in tensors.items())
    root = Path("", None, case.architecture, components, {}).identified()
    rng = generator("benchmark")
    data = plan_data(method, None, case.architecture, rng)
    return plan_child(method, root, task="", classes=CLASSES, agent="", data=data, ancestors=[root], rng=rng)


def _side_by_side(
    plans: list[ChildPlan],
    method: Method,
    splits: dict[str, Split],
    tensors: Mapping[str, Mapping[str, Tensor]],
) -> None:
    train_generation(plans, method, splits, tensors.__getitem__, ("benchmark",), torch.device("cpu"))


def _one_by_one(
    case: Case,
    method: Method,
    plans: list[ChildPlan],
    splits: dict[str, Split],
    tensors: Mapping[str, Mapping[str, Tensor]],
) -> None:
    for plan in plans:
        _alone(case, method, plan, splits, tensors)


def _alone(
    case: Case,
    method: Method,
    plan: ChildPlan,
    splits: dict[str, Split],
    tensors: Mapping[str, Mapping[str, Tensor]],
) -> None:
    model = plain.VisionTransformer(case.architecture, case.image_size, CLASSES)
    model.load(dict(tensors))
    rounds = Rounds.of(method, len(splits["train"].labels))
    plain.train(
        model,
        tuple(part.name for part in plan.parts if part.trainable),
        splits,
        rounds=rounds.count,
        steps=rounds.steps,
        batch=rounds.batch,
        lr=float(plan.hyperparameters["opt.lr"]),
        warmup=float(plan.hyperparameters["opt.warmup"]),
        momentum=float(plan.hyperparameters["opt.momentum"]),
    )
