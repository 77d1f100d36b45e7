"""Studies made by hand: variants, tasks and seeds, and numbers that can be worked out in the head."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ramet.method.document.presets import load
from ramet.study.design import TOLD, Design, GivenTask, Variant
from ramet.study.record import Record, Study, Tried, write
from ramet.study.summary import Summary, summarise

LOADED = load("mu2net-plus")
METHOD = LOADED.model_dump(mode="json")
TASKS = ("emnist/digits", "kmnist", "omniglot")
SEEDS = (0, 1, 2)
BLOCK, HEAD = 1_000_000, 1_000
QUALITY = {"evolved": 0.9, "evolved-s.9": 0.88, "finetune": 0.85}


def a_variant(name: str, label: str = "", family: str = "", point: str = "") -> Variant:
    label = label or name
    return Variant(
        name=name, label=label, family=family or label, point=point or label, method=METHOD, method_label=LOADED.label
    )


VARIANTS = (
    a_variant("evolved", "µ2Net+", "µ2Net+", "s = 1").model_copy(update={"alone": True}),
    a_variant("evolved-s.9", "µ2Net+, s = .9", "µ2Net+", "s = .9"),
    a_variant("finetune", "full fine-tuning", "freezing", "none"),
)
DESIGN = Design(
    name="tiny",
    title="Tiny suite",
    description="",
    base="main",
    tasks=tuple(GivenTask(name=task) for task in TASKS),
    variants=VARIANTS,
    control="evolved",
    seeds=SEEDS,
    metrics=TOLD,
    judge="test_quality",
    tolerant=True,
    remeasure=True,
    root="random:vit_tiny_patch16",
    scale=0.5,
    settings={"budget.cycles": "2"},
    commands=("ramet benchmark run tiny --seeds 3",),
    paper="A paper of nobody.",
    expect="Evolution is better.",
    reported={"kmnist": {"µNet": 0.821}, "omniglot": {"µNet": 0.606}},
)
"""A suite of three variants: evolution shares its block with all tasks, fine-tuning nothing."""


def quality(variant: str, task: str, seed: int) -> float:
    """Test accuracy: a variant's own, less .1 a task, and .01 up and down with the seed (kmnist .02)."""
    order = TASKS.index(task)
    return round(QUALITY[variant] - 0.1 * order + 0.01 * (seed - 1) * (2 if order == 1 else 1), 6)


def child(number: int, parent: str | None, score: float, *mutations: str) -> Tried:
    return Tried(
        f"child{number}", parent, 0, number // 2, number, "joined", mutations, (score,), 100.0, 1e12, 10.0, score
    )


TRIED = (
    child(0, "root", 0.5, "hp:opt.lr", "clone:block.0"),
    child(1, "root", 0.4, "hp:opt.lr"),
    child(2, "child0", 0.8, "clone:block.1"),
)
"""Three children, the first and the last of them on the way to the published path."""


def record(
    variant: str, task: str, seed: int, tasks: Sequence[str] = TASKS, alone: bool = False, **changes: object
) -> Record:
    """A task learned after those before it."""
    order = tasks.index(task)
    known = (task,) if alone else tuple(tasks[: order + 1])
    shared = variant != "finetune"
    test = quality(variant, task, seed) - (0.03 if alone else 0)
    holders = 1 if alone or not shared else len(tasks)
    made = Record(
        variant=variant, task=task, seed=seed, order=TASKS.index(task), number=len(known) - 1, alone=alone,
        state="done", data="npz", splits={"train": 1000, "validation": 100, "test": 200}, classes=10, path="child2",
        found=True, score=test + 0.02, own_score=test + 0.02, quality=test + 0.02, test_quality=test,
        params=BLOCK + HEAD, trained_params=HEAD if shared else BLOCK + HEAD, accounted_params=BLOCK / holders + HEAD,
        flops=15_000_000 + order, examples=16384.0, children=8, training_flops=1e12, seconds=60.0 * (seed + 1),
        components={"block.0": ("b0" if shared else f"b-{task}", BLOCK), "head": (f"h-{task}", HEAD)},
        measured={task: test} if alone else {name: quality(variant, name, seed) for name in known},
        mu={"hp:opt.lr": (0.2, 0.1)} if variant == "evolved" else {}, tried=TRIED,
        machine={"cpu": "Abacus", "cores": 2, "memory, GB": 8.5, "load": 0.1 * seed, "system": "Linux x86_64"},
        versions={"ramet": "0.1.0", "torch": "2.6"}, date=f"2026-01-3{min(seed, 1)}",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def records(skip: Callable[[str, str, int], bool] = lambda variant, task, seed: False) -> Iterator[Record]:
    """All records but those to be skipped; the first variant has learned its tasks alone too."""
    for variant in QUALITY:
        for seed in SEEDS:
            tasks = [task for task in TASKS if not skip(variant, task, seed)]
            for task in tasks:
                yield record(variant, task, seed, tasks)
                if variant == "evolved" and task != TASKS[0]:
                    yield record(variant, task, seed, alone=True)


def failed(variant: str, task: str, seed: int, error: str = "Traceback:\n  here\nValueError: a | b") -> Record:
    return Record(variant, seed, task, TASKS.index(task), "failed", error=error)


def study(found: Iterable[Record], design: Design = DESIGN) -> Study:
    return Study(design, "0123456789abcdef", "2026-01-31T12:00:00+00:00", tuple(found))


def summary_of(found: Iterable[Record], design: Design = DESIGN) -> Summary:
    return summarise(study(found, design))


def written(folder: Path, found: Iterable[Record]) -> Path:
    write(folder, study(found))
    return folder


Change = Callable[[str, str, int], dict[str, object]]
"""What differs of a variant, task and seed."""


def a_design(*variants: str, control: str = "") -> Design:
    """An experiment with the same method under several names."""
    return Design(
        name="tiny",
        title="Experiment tiny",
        description="Nothing differs but names.",
        base="main",
        tasks=DESIGN.tasks,
        variants=tuple(map(a_variant, variants)),
        control=control or variants[0],
        seeds=SEEDS,
        metrics=TOLD,
    )


def equal_records(design: Design, change: Change = lambda variant, task, seed: {}) -> list[Record]:
    """A record a variant, task and seed, all alike but for what is changed."""
    same = record("evolved", TASKS[0], 0, measured={}, score=0.8, quality=0.8, test_quality=0.7)
    return [
        replace(same, variant=slot.variant, seed=slot.seed, task=task, order=i, number=i,
                **change(slot.variant, task, slot.seed))  # type: ignore[arg-type]
        for slot in design.slots()
        for i, task in enumerate(TASKS)
    ]  # fmt: skip


def a_report(design: Design, change: Change = lambda variant, task, seed: {}) -> Summary:
    return summary_of(equal_records(design, change), design)
