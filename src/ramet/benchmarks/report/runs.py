"""The records of a benchmark by method, task and seed, and what of them may be averaged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ramet.benchmarks.record import Record, Setting, State, Terms, Variant, read_all, read_terms

Key = tuple[Setting, str, str, int]
"""Setting, variant, task and seed."""


@dataclass(frozen=True)
class Runs:
    """All records of a benchmark, finished or not.

    variants and tasks are those of the terms, in their order, then others that there are records of. seeds are those
    that there are records of.
    """

    terms: Terms
    records: Mapping[Key, Record]
    variants: tuple[Variant, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]

    def record(self, variant: str, task: str, seed: int, setting: Setting = "together") -> Record | None:
        """The record of a run, whatever became of it."""
        return self.records.get((setting, variant, task, seed))

    def done(self, variant: str, task: str, seed: int, setting: Setting = "together") -> Record | None:
        """The record of a run that is done."""
        found = self.record(variant, task, seed, setting)
        return found if found and found.state == "done" else None

    def learnt(self, variant: str, seed: int) -> tuple[Record, ...]:
        """What a system learnt, in the order in which it did.

        That is not always the suite's order: a task that failed at first is learnt after those that came next.
        """
        found = (self.done(variant, task, seed) for task in self.tasks)
        return tuple(sorted((r for r in found if r), key=lambda record: (len(record.standings), record.order)))


@dataclass(frozen=True, slots=True)
class Block:
    """What means are taken of, so that they can be compared: all these variants have done all these tasks.

    seeds has, by variant, those with which it has done them all: at least one is common to all variants. left_out says
    why a task of the suite is not among them. unfinished are the variants that are not averaged yet.
    """

    tasks: tuple[str, ...]
    seeds: Mapping[str, tuple[int, ...]]
    left_out: Mapping[str, str]
    unfinished: tuple[str, ...]


def read_runs(folder: Path) -> Runs:
    """The records that a folder holds.

    Raises:
        DataError: no benchmark was run there, or a record is damaged.
    """
    return gather(read_terms(folder), read_all(folder))


def gather(terms: Terms, records: Iterable[Record]) -> Runs:
    """The same runs in whatever order the records come."""
    found = {(r.setting, r.variant.name, r.task, r.seed): r for r in records}
    variants = {v.name: v for v in terms.variants}
    others = sorted((r.variant for r in found.values() if r.variant.name not in variants), key=lambda v: v.name)
    return Runs(
        terms=terms,
        records=found,
        variants=tuple((variants | {v.name: v for v in others}).values()),
        tasks=tuple(dict.fromkeys([*terms.tasks, *sorted(r.task for r in found.values())])),
        seeds=tuple(sorted({r.seed for r in found.values()})),
    )


def compared(runs: Runs) -> Block:
    """The block over which all variants are averaged."""
    variants = _averaged(runs)
    tasks = common(runs, variants)
    return Block(
        tasks=tasks,
        seeds={variant: seeds_of(runs, variant, tasks) for variant in variants if tasks},
        left_out={task: _why(runs, variants, task) for task in runs.tasks if task not in tasks},
        unfinished=tuple(v.name for v in runs.variants if v.name not in variants),
    )


def common(runs: Runs, variants: Sequence[str]) -> tuple[str, ...]:
    """The most tasks that all these variants have done with the same seed."""
    done = [tuple(t for t in runs.tasks if all(runs.done(v, t, s) for v in variants)) for s in runs.seeds]
    return max(done, key=len, default=()) if variants else ()


def seeds_of(runs: Runs, variant: str, tasks: Sequence[str]) -> tuple[int, ...]:
    """The seeds with which a variant has done all these tasks."""
    return tuple(seed for seed in runs.seeds if all(runs.done(variant, task, seed) for task in tasks))


def _averaged(runs: Runs) -> tuple[str, ...]:
    """The variants that went through all tasks with one seed; where there is none, all that have done anything."""
    tried = {record.task for record in runs.records.values() if record.setting == "together"}
    begun = [v.name for v in runs.variants if any(runs.learnt(v.name, seed) for seed in runs.seeds)]
    finished = [v for v in begun if any(all(runs.record(v, t, s) for t in tried) for s in runs.seeds)]
    return tuple(finished or begun)


def _why(runs: Runs, variants: Sequence[str], task: str) -> str:
    """Why a task is not averaged: what became of it with the variants that have not done it."""
    states: dict[str, dict[State | None, None]] = {}
    for variant in runs.variants:
        records = [runs.record(variant.name, task, seed) for seed in runs.seeds]
        if variant.name in variants and not any(record and record.state == "done" for record in records):
            states[variant.label] = dict.fromkeys(record.state if record else None for record in records)
    for state, words in (("no-data", "no data"), ("failed", "failed"), (None, "not there yet")):
        at_fault = [label for label, found in states.items() if state in found]
        if at_fault:
            return words if len(at_fault) == len(variants) else f"{words} ({', '.join(at_fault)})"
    return "not with the same seed"
