"""The records of a study by variant, task and seed, and what of them may be averaged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ramet.study.design import Design, Variant
from ramet.study.record import Record, State, Study


@dataclass(frozen=True)
class Runs:
    """All records of a study, finished or not; the control is the first of the variants.

    tasks are the design's, in their order; seeds those that there are records of.
    """

    design: Design
    records: Mapping[tuple[str, str, int, bool], Record]
    variants: tuple[Variant, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]

    def record(self, variant: str, task: str, seed: int, *, alone: bool = False) -> Record | None:
        """Return the record of a run, whatever became of it."""
        return self.records.get((variant, task, seed, alone))

    def done(self, variant: str, task: str, seed: int, *, alone: bool = False) -> Record | None:
        """Return the record of a run that is done."""
        found = self.record(variant, task, seed, alone=alone)
        return found if found and found.state == "done" else None

    def all_done(self, variant: str) -> list[Record]:
        """Return all that a variant has done, not counting tasks alone, in the order of seeds and tasks."""
        found = (self.done(variant, task, seed) for seed in self.seeds for task in self.tasks)
        return [record for record in found if record]

    def learned(self, variant: str, seed: int) -> tuple[Record, ...]:
        """Return what a branch learned, in the order in which it did.

        That is not always the design's order: a task that failed at first is learned after those that came next.
        """
        found = (record for record in self.all_done(variant) if record.seed == seed)
        return tuple(sorted(found, key=lambda record: (record.number, record.order)))


@dataclass(frozen=True, slots=True)
class Block:
    """The runs that means are taken of, so that they compare: all these variants have done all these tasks.

    seeds has, by variant, those with which it has done them all: at least one is common to all variants. left_out says
    why a task is not among them. unfinished are the variants that are not averaged yet.
    """

    tasks: tuple[str, ...]
    seeds: Mapping[str, tuple[int, ...]]
    left_out: Mapping[str, str]
    unfinished: tuple[str, ...]


def runs_of(study: Study) -> Runs:
    """Return the same runs in whatever order the records come."""
    design = study.design
    return Runs(
        design=design,
        records={(r.variant, r.task, r.seed, r.alone): r for r in study.records},
        variants=tuple(sorted(design.variants, key=lambda variant: variant.name != design.control)),
        tasks=design.task_names,
        seeds=tuple(sorted({r.seed for r in study.records})),
    )


def compared(runs: Runs) -> Block:
    """Return the block over which all variants are averaged: of the most tasks that all have done with one seed.

    Averaged are the variants that tried all tasks with one seed; where there is none, all that have done anything.
    """
    tried = {record.task for record in runs.records.values() if not record.alone}
    begun = [v.name for v in runs.variants if runs.all_done(v.name)]
    finished = [v for v in begun if any(all(runs.record(v, t, s) for t in tried) for s in runs.seeds)]
    variants = finished or begun
    by_seed = [tuple(t for t in runs.tasks if all(runs.done(v, t, s) for v in variants)) for s in runs.seeds]
    tasks = max(by_seed, key=len, default=()) if variants else ()
    return Block(
        tasks=tasks,
        seeds={v: tuple(s for s in runs.seeds if all(runs.done(v, t, s) for t in tasks)) for v in variants if tasks},
        left_out={task: _why(runs, variants, task) for task in runs.tasks if task not in tasks},
        unfinished=tuple(v.name for v in runs.variants if v.name not in variants),
    )


def _why(runs: Runs, variants: Sequence[str], task: str) -> str:
    """Return why a task is not averaged: what became of it with the variants that have not done it."""
    states: dict[str, set[State | None]] = {}
    for variant in runs.variants:
        records = [runs.record(variant.name, task, seed) for seed in runs.seeds]
        found = {record.state if record else None for record in records}
        if variant.name in variants and "done" not in found:
            states[variant.label] = found
    for state, reason in (("no-data", "no data"), ("failed", "failed"), (None, "not there yet")):
        at_fault = [label for label, found in states.items() if state in found]
        if at_fault:
            return reason if len(at_fault) == len(variants) else f"{reason} ({', '.join(at_fault)})"
    return "not with the same seed"
