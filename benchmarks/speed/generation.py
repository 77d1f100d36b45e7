"""A generation of 8 children trained side by side, against the same 8 trained one by one by a plain PyTorch loop.

Both start from the same root on the same images, make the same number of steps of the same batch and train the same
components; reading the images and validation are part of both. What the plain loop's data loaders take is measured by
itself too: they run in its process, so the loop without them is the difference. The sides are run in turn, in an order
that alternates, and ratios are taken turn by turn. The plain loop gets the number of threads at which it is faster:
where other processes keep the cores busy, one thread can be several times faster than two.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
from benchmarks.speed import plain
from benchmarks.speed.plain import Batches, VisionTransformer
from benchmarks.speed.report import Row, Say
from torch import Tensor

from ramet.base.randomness import Key, generator
from ramet.base.records import Architecture, Component, Path
from ramet.method.document.presets import load
from ramet.method.document.schema import Method
from ramet.method.mutation import Draft, plan_child, plan_data
from ramet.method.plan import ChildPlan, Rounds
from ramet.tasks.data import Split
from ramet.training.generation import TrainedChild, train_generation
from ramet.vit.initial import new_component, random_root

MEASURES = "Training a generation of 8 children, validation and reading the images included."
NOTE = (
    "ViT-Ti/16, random images, no augmentation. Ratios are ramet's time by the plain loop's: below 1, ramet is faster. "
    "`Ratio without loading` is to the plain loop less its data loader, while ramet's time has the reading in it."
)
CLASSES = 10
KEY: Key = ("benchmark",)


@dataclass(frozen=True)
class Case:
    """One network, and which of its components every child trains: the blocks from the first `frozen` on."""

    layers: int
    image_size: int
    batch: int
    steps: int
    frozen: int
    validation: int
    children: int = 8

    @property
    def name(self) -> str:
        """How the table names it."""
        shared = f"{self.frozen} of {self.layers} blocks shared" if self.frozen else "nothing shared"
        return f"{self.layers} layers, {self.image_size} px, {shared}"

    @property
    def architecture(self) -> Architecture:
        """ViT-Ti/16."""
        return Architecture(16, 192, 3, 768, self.layers, self.image_size)


CASES = (
    Case(layers=3, image_size=32, batch=512, steps=4, frozen=0, validation=512),
    Case(layers=3, image_size=32, batch=512, steps=4, frozen=2, validation=512),
    Case(layers=12, image_size=96, batch=32, steps=3, frozen=0, validation=32),
    Case(layers=12, image_size=96, batch=32, steps=3, frozen=6, validation=32),
    Case(layers=12, image_size=96, batch=32, steps=3, frozen=11, validation=32),
)


@dataclass(frozen=True)
class Setting:
    """What both sides are given: the root's tensors, the images, and the children as plans."""

    case: Case
    method: Method
    tensors: Mapping[str, Mapping[str, Tensor]]
    splits: Mapping[str, Split]
    plans: tuple[ChildPlan, ...]

    @staticmethod
    def of(case: Case) -> "Setting":
        """A case with a random root and random images: what is learnt does not matter here."""
        method, tensors = _method(case), random_root(case.architecture, seed=0)
        plans = tuple(_plan(case, method, tensors) for _ in range(case.children))
        return Setting(case, method, tensors, _splits(case), plans)


def run(repeats: int, say: Say, cases: tuple[Case, ...] = CASES) -> list[Row]:
    """Every case: median seconds of all sides, and the ratios of each turn."""
    rows = []
    for case in cases:
        threads = _best_threads(Setting.of(replace(case, steps=1, children=1)))
        setting = Setting.of(case)
        turns = []
        for number in range(repeats):
            say(f"generation: {case.name}, turn {number + 1} of {repeats}")
            turns.append(_turn(setting, threads, number))
        rows.append(_row(case, threads, turns))
    return rows


def side_by_side(setting: Setting) -> list[TrainedChild]:
    """Return the children trained by ramet, with the share of the threads that `ramet evolve` gives each of them."""
    with _torch_threads(max(1, torch.get_num_threads() // len(setting.plans))):
        return train_generation(
            setting.plans,
            setting.method,
            setting.splits,
            setting.tensors.__getitem__,
            KEY,
            torch.device("cpu"),
            numbers=range(len(setting.plans)),
            rounds=Rounds.of(setting.method, len(setting.splits["train"].labels)),
        )


def one_by_one(setting: Setting, training: Batches, validation: Batches) -> list[tuple[VisionTransformer, list[float]]]:
    """The children trained by the plain loop, each with its validation accuracies."""
    return [_alone(setting, plan, training, validation) for plan in setting.plans]


def _best_threads(setting: Setting) -> int:
    """One thread or all: at which of them the plain loop is faster. What runs here warms both sides up."""
    side_by_side(setting)

    def seconds(count: int) -> float:
        return min(_timed(lambda: _plain(setting, count)) for _ in range(2))

    return min({1, torch.get_num_threads()}, key=seconds)


def _plain(setting: Setting, threads: int) -> None:
    with _torch_threads(threads):
        one_by_one(setting, *plain.loaders(setting.splits, setting.case.batch))


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _turn(setting: Setting, threads: int, number: int) -> dict[str, float]:
    """The seconds of both sides, and of the plain loop's data loaders alone."""

    def load() -> None:
        for _ in setting.plans:
            for batches in plain.loaders(setting.splits, setting.case.batch):
                for _ in batches:
                    pass

    sides: dict[str, Callable[[], object]] = {
        "ramet": lambda: side_by_side(setting),
        "plain": lambda: _plain(setting, threads),
        "loading": load,
    }
    order = list(sides) if number % 2 == 0 else list(sides)[::-1]
    return {side: _timed(sides[side]) for side in order}


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(case: Case, threads: int, turns: list[dict[str, float]]) -> Row:
    ratios = [turn["ramet"] / turn["plain"] for turn in turns]
    return {
        "network": case.name,
        "examples a child": case.steps * case.batch,
        "ramet, s": round(median(turn["ramet"] for turn in turns), 2),
        "plain loop, s": round(median(turn["plain"] for turn in turns), 2),
        "its threads": threads,
        "ratio": round(median(ratios), 3),
        "lowest": round(min(ratios), 3),
        "highest": round(max(ratios), 3),
        "of it loading, s": round(median(turn["loading"] for turn in turns), 2),
        "ratio without loading": round(median(turn["ramet"] / (turn["plain"] - turn["loading"]) for turn in turns), 3),
    }


def _method(case: Case) -> Method:
    name = f"freeze_bottom:{case.frozen}" if case.frozen else "finetune"
    settings = {
        "batch": case.batch,
        "budget.single_run": "false",
        "budget.generation": case.children,
        "budget.validations": 1,
        "budget.examples_per_validation": case.steps * case.batch,
        "mutation.clone_untrained": "false",
    }
    return load(name, {key: str(value) for key, value in settings.items()})


def _splits(case: Case) -> dict[str, Split]:
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        images = rng.integers(0, 256, (count, case.image_size, case.image_size, 3), dtype=np.uint8)
        return Split(images, rng.integers(0, CLASSES, count))

    return {"train": split(case.steps * case.batch), "validation": split(case.validation)}


def _plan(case: Case, method: Method, tensors: Mapping[str, Mapping[str, Tensor]]) -> ChildPlan:
    components = tuple(Component(n, n, sum(t.numel() for t in parts.values())) for n, parts in tensors.items())
    root = Path("", None, case.architecture, components, {}).identified()
    rng = generator(*KEY)
    data = plan_data(method, None, case.architecture, rng)
    return plan_child(Draft(method, root, task="", classes=CLASSES, agent="", data=data, ancestors=[root], rng=rng))


def _alone(
    setting: Setting, plan: ChildPlan, training: Batches, validation: Batches
) -> tuple[VisionTransformer, list[float]]:
    shape, trainable = setting.case.architecture, tuple(part.name for part in plan.parts if part.trainable)
    head = new_component(shape, "head", plan.dimensions, seed=0)
    state = plain.state_of({**setting.tensors, "head": head})
    model = plain.build(shape, setting.case.image_size, {key: t.clone() for key, t in state.items()})
    return model, plain.train(model, trainable, training, validation, _recipe(setting, plan))


def _recipe(setting: Setting, plan: ChildPlan) -> plain.Recipe:
    rounds, hyper = Rounds.of(setting.method, len(setting.splits["train"].labels)), plan.hyperparameters
    return plain.Recipe(
        rounds=rounds.count,
        steps=rounds.steps,
        lr=float(hyper["opt.lr"]),
        warmup=float(hyper["opt.warmup"]),
        momentum=float(hyper["opt.momentum"]),
        nesterov=bool(hyper["opt.nesterov"]),
        clip_norm=setting.method.training.clip_norm or float("inf"),
    )
