"""The records of a benchmark by method, task and seed, and what of them may be averaged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ramet.benchmarks.record import Record, Setting, Terms, Variant, read_all, read_terms

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
    """What means are taken of, so that they can be compared: every variant has done every task with every seed.

    left_out says why a task of the suite is not among them. unfinished are the variants that are not averaged yet.
    """

    variants: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
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
    tasks, seeds = largest(runs, variants)
    return Block(
        variants=variants,
        tasks=tasks,
        seeds=seeds,
        left_out={task: _why(runs, variants, task, seeds) for task in runs.tasks if task not in tasks},
        unfinished=tuple(v.name for v in runs.variants if v.name not in variants),
    )


def largest(runs: Runs, variants: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The tasks and seeds that make up the largest block that all these variants have done; of equals, more tasks."""
    blocks = [
        (tuple(t for t in runs.tasks if all(runs.done(v, t, s) for v in variants for s in seeds)), seeds)
        for count in range(1, len(runs.seeds) + 1)
        for seeds in combinations(runs.seeds, count)
    ]
    tasks, seeds = max(blocks, key=lambda block: (len(block[0]) * len(block[1]), len(block[0])), default=((), ()))
    return (tasks, seeds) if tasks and variants else ((), ())


def _averaged(runs: Runs) -> tuple[str, ...]:
    """The variants that went through all tasks with one seed; where there is none, all that have done anything."""
    tried = {record.task for record in runs.records.values() if record.setting == "together"}
    begun = [v.name for v in runs.variants if any(runs.learnt(v.name, seed) for seed in runs.seeds)]
    finished = [v for v in begun if any(all(runs.record(v, t, s) for t in tried) for s in runs.seeds)]
    return tuple(finished or begun)


def _why(runs: Runs, variants: Sequence[str], task: str, seeds: Sequence[int]) -> str:
    """Why a task is not averaged: the states of its runs that are not done, the worst first."""
    labels = [(v.name, v.label) for v in runs.variants if v.name in variants]
    found = [(label, runs.record(name, task, s)) for name, label in labels for s in seeds or runs.seeds]
    for state, words in (("no-data", "no data"), ("failed", "failed")):
        at_fault = dict.fromkeys(label for label, record in found if record and record.state == state)
        if at_fault:
            return words if len(at_fault) == len(variants) else f"{words} ({', '.join(at_fault)})"
    late = dict.fromkeys(label for label, record in found if record is None)
    return "not there yet" if len(late) == len(variants) else f"not there yet ({', '.join(late)})"
