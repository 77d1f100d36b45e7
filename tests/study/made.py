"""A benchmark made by hand: three methods, three tasks, three seeds, and numbers that can be worked out in the head."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ramet.study.record import Record, Setting, Standing, Terms, Variant, write, write_terms

VARIANTS = (
    Variant("evolved", "µ2Net+", "µ2Net+", "s = 1", "evolved v1 #11111111"),
    Variant("evolved-s.9", "µ2Net+, s = .9", "µ2Net+", "s = .9", "evolved v1 #22222222"),
    Variant("finetune", "full fine-tuning", "freezing", "none", "finetune v1 #33333333"),
)
TASKS = ("emnist/digits", "kmnist", "omniglot")
SEEDS = (0, 1, 2)
TERMS = Terms(
    suite="tiny",
    title="Tiny suite",
    paper="A paper of nobody.",
    expect="Evolution is better.",
    command="ramet benchmark run tiny --seeds 3",
    root="random:vit_tiny_patch16",
    scale=0.5,
    budget=16384,
    tasks=TASKS,
    variants=VARIANTS,
    settings={"budget.cycles": "2"},
    reported={"kmnist": {"µNet": 0.821}, "omniglot": {"µNet": 0.606}},
)
BLOCK, HEAD = 1_000_000, 1_000
QUALITY = {"evolved": 0.9, "evolved-s.9": 0.88, "finetune": 0.85}


def quality(variant: str, task: str, seed: int) -> float:
    """Test accuracy: a method's own, less .1 a task, and .01 up and down with the seed (kmnist .02)."""
    order = TASKS.index(task)
    return round(QUALITY.get(variant, 0.8) - 0.1 * order + 0.01 * (seed - 1) * (2 if order == 1 else 1), 6)


def record(
    variant: Variant,
    task: str,
    seed: int,
    tasks: Sequence[str] = TASKS,
    setting: Setting = "together",
    **changes: object,
) -> Record:
    """A task learned after those before it. Evolution shares the block with all tasks, fine-tuning nothing."""
    order = tasks.index(task)
    known = (task,) if setting == "alone" else tuple(tasks[: order + 1])
    shared = variant.family == "µ2Net+"
    test = quality(variant.name, task, seed) - (0.03 if setting == "alone" else 0)
    made = Record(
        suite="tiny", variant=variant, task=task, seed=seed, order=order, setting=setting, state="done",
        data="npz", splits={"train": 1000, "validation": 100, "test": 200}, classes=10,
        validation=test + 0.02, test=test, params=BLOCK + HEAD, trained_params=HEAD if shared else BLOCK + HEAD,
        accounted_params=BLOCK / (len(known) if shared else 1) + HEAD, flops=15_000_000 + order,
        examples=16384, children=8, training_flops=1e12, seconds=60.0 * (seed + 1),
        standings={name: standing(variant, name, seed, len(known) if shared else 1) for name in known},
        machine={"cpu": "Abacus", "cores": 2, "memory, GB": 8.5, "load": 0.1 * seed, "system": "Linux x86_64"},
        versions={"ramet": "0.1.0", "torch": "2.6"}, date=f"2026-01-3{min(seed, 1)}",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def standing(variant: Variant, task: str, seed: int, holders: int) -> Standing:
    """How a task stands when so many tasks hold its block."""
    block = "b0" if variant.family == "µ2Net+" else f"b-{task}"
    components = {"block.0": (block, BLOCK), "head": (f"h-{task}", HEAD)}
    return Standing(quality(variant.name, task, seed), BLOCK / holders + HEAD, components)


def records(skip: Callable[[str, str, int], bool] = lambda variant, task, seed: False) -> Iterator[Record]:
    """All records but those to be skipped; the first method has learned its tasks alone too."""
    for variant in VARIANTS:
        for seed in SEEDS:
            tasks = [task for task in TASKS if not skip(variant.name, task, seed)]
            for task in tasks:
                yield replace(record(variant, task, seed, tasks), order=TASKS.index(task))
                if variant is VARIANTS[0] and task != TASKS[0]:
                    yield record(variant, task, seed, setting="alone")


def failed(variant: Variant, task: str, seed: int, error: str = "Traceback:\n  here\nValueError: a | b") -> Record:
    """A run that failed."""
    return Record("tiny", variant, task, seed, TASKS.index(task), "together", "failed", error)


def written(folder: Path, found: Iterator[Record] | Sequence[Record], terms: Terms = TERMS) -> Path:
    """A folder with these records."""
    write_terms(folder, terms)
    for one in found:
        write(folder, one)
    return folder
