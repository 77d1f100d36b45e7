"""Outcomes made by hand."""

from collections.abc import Callable
from dataclasses import replace

from ramet.study import Design
from ramet.study.design import TOLD, GivenTask, Variant
from ramet.study.summary import Report
from ramet.study.gather import Outcome
from ramet.study.summary import summarise

from ramet.method.document.presets import load
from ramet.store.catalog.experiments import Experiment

TASKS = ("one", "two", "three")
SEEDS = (0, 1, 2)
RECORD = Experiment("tiny", {}, "0123456789abcdef", "2026-01-31T12:00:00+00:00")


def a_design(*variants: str, control: str = "") -> Design:
    """An experiment with the same method under several names."""
    loaded = load("mu2net-plus")
    method = loaded.model_dump(mode="json")
    return Design(
        name="tiny",
        description="Nothing differs but names.",
        base="main",
        tasks=tuple(GivenTask(name=task) for task in TASKS),
        variants=tuple(Variant(name=name, label=loaded.label, method=method) for name in variants),
        control=control or variants[0],
        seeds=SEEDS,
        metrics=TOLD,
    )


OUTCOME = Outcome(
    variant="", seed=0, task="", path="0123456789abcdef", found=True, score=0.8, own_score=0.8, quality=0.8,
    test_quality=0.7, accounted_params=1e6, trained_params=500_000, params=2_000_000, flops=15_000_000,
    examples=1000.0, children=4, training_flops=4e12, seconds=60.0, curve=((1e12, 0.6), (4e12, 0.8)),
    drawn={"hp:opt.lr": 3, "clone:block": 1}, survived={"hp:opt.lr": 1}, mu={"hp:opt.lr": (0.2, 0.1)},
)  # fmt: skip

Change = Callable[[str, str, int], dict[str, object]]
"""What differs of a variant, task and seed."""


def outcomes(design: Design, change: Change = lambda variant, task, seed: {}) -> list[Outcome]:
    return [
        replace(OUTCOME, variant=slot.variant, seed=slot.seed, task=task, **change(slot.variant, task, slot.seed))  # type: ignore[arg-type]
        for slot in design.slots()
        for task in TASKS
    ]


def a_report(design: Design, change: Change = lambda variant, task, seed: {}) -> Report:
    return summarise(RECORD, design, outcomes(design, change), ())
