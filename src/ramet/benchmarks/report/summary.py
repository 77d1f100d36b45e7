"""The numbers of a benchmark: for every method its means, how it compares with the reference, and what it shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import Literal

from ramet.benchmarks.record import Record, State, Terms, Variant
from ramet.benchmarks.report.runs import Block, Runs, common, compared, seeds_of
from ramet.benchmarks.report.transfer import Transfer, system_params, transfer
from ramet.report.statistics import Comparison, Estimate, compare, estimate

SPENT = ("examples", "children", "training_flops", "seconds")
"""What is added up over tasks; of all else the mean is taken."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of one task, over seeds; or of several, whose mean (or sum, see SPENT) it is a seed.

    accounted_params are those at the end, when the system had learnt all its tasks.
    """

    test: Estimate
    validation: Estimate
    params: Estimate
    accounted_params: Estimate
    trained_params: Estimate
    flops: Estimate
    examples: Estimate
    children: Estimate
    training_flops: Estimate
    seconds: Estimate


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A method on a task: state is that of its worst run, `missing` before there is any; measures of the runs done."""

    state: State | Literal["missing"]
    measures: Measures | None


@dataclass(frozen=True, slots=True)
class VariantResult:
    """A method on all tasks.

    means and system_params (distinct components of the tasks averaged) are None where it is not averaged, comparison
    of the reference and where there is no run in common.
    """

    variant: Variant
    tasks: Mapping[str, TaskResult]
    means: Measures | None
    system_params: Estimate | None
    comparison: Comparison | None
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Fault:
    """Runs that are not done for the same reason: they failed, had no data, or are not there yet."""

    state: State | Literal["missing"]
    variant: str
    task: str
    setting: str
    seeds: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Data:
    """What was read for a task."""

    task: str
    source: str
    classes: int
    splits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Origin:
    """What the numbers come from; seconds are of training and validation, over all runs that are done."""

    seeds: tuple[int, ...]
    runs: int
    seconds: float
    machines: tuple[str, ...]
    versions: tuple[str, ...]
    first_date: str
    last_date: str


@dataclass(frozen=True, slots=True)
class Summary:
    """All numbers of a report; compared says what its means are taken of."""

    terms: Terms
    compared: Block
    results: tuple[VariantResult, ...]
    data: tuple[Data, ...]
    faults: tuple[Fault, ...]
    origin: Origin

    @property
    def reference(self) -> VariantResult:
        """The method that the others are compared with: the suite's first."""
        return self.results[0]

    @property
    def families(self) -> tuple[str, ...]:
        """The families of the methods, each once."""
        return tuple(dict.fromkeys(result.variant.family for result in self.results))


def summarise(runs: Runs) -> Summary:
    """The numbers that the records give, whatever is missing still."""
    block = compared(runs)
    return Summary(
        terms=runs.terms,
        compared=block,
        results=tuple(_result(runs, variant, block) for variant in runs.variants),
        data=tuple(data for task in runs.tasks if (data := _data(runs, task))),
        faults=_faults(runs),
        origin=_origin(runs),
    )


def _result(runs: Runs, variant: Variant, block: Block) -> VariantResult:
    name, reference = variant.name, runs.variants[0].name
    means = system = None
    if seeds := block.seeds.get(name):
        by_seed = [[_at_the_end(runs, name, task, seed) for task in block.tasks] for seed in seeds]
        means = _measures([_over_tasks(records) for records in by_seed])
        system = estimate([system_params(runs.learnt(name, seed), block.tasks) for seed in seeds])
    return VariantResult(
        variant=variant,
        tasks={task: _task_result(runs, name, task) for task in runs.tasks},
        means=means,
        system_params=system,
        comparison=_comparison(runs, reference, name) if name != reference else None,
        transfer=transfer(runs, name),
    )


def _at_the_end(runs: Runs, variant: str, task: str, seed: int) -> Record:
    """The record of a run that is done, with the parameters it is accounted for when all tasks had been learnt."""
    record, last = runs.done(variant, task, seed), runs.learnt(variant, seed)[-1]
    assert record is not None
    return replace(record, accounted_params=last.standings[task].accounted_params)


def _over_tasks(records: Sequence[Record]) -> dict[str, float]:
    """What a system of several tasks amounts to."""
    return {
        field.name: (sum if field.name in SPENT else fmean)([getattr(record, field.name) for record in records])
        for field in fields(Measures)
    }


def _measures(values: Sequence[Mapping[str, float]]) -> Measures:
    return Measures(**{field.name: estimate([value[field.name] for value in values]) for field in fields(Measures)})


def _task_result(runs: Runs, variant: str, task: str) -> TaskResult:
    done = [_at_the_end(runs, variant, task, seed) for seed in runs.seeds if runs.done(variant, task, seed)]
    states = {record.state for seed in runs.seeds if (record := runs.record(variant, task, seed))}
    worst: tuple[State, ...] = ("failed", "no-data", "done")
    return TaskResult(
        state=next((state for state in worst if state in states), "missing"),
        measures=_measures([_over_tasks([record]) for record in done]) if done else None,
    )


def _comparison(runs: Runs, reference: str, variant: str) -> Comparison | None:
    differences = {
        (task, seed): mine.test - its.test
        for task in runs.tasks
        for seed in runs.seeds
        if (mine := runs.done(variant, task, seed)) and (its := runs.done(reference, task, seed))
    }
    if not differences:
        return None
    tasks = common(runs, (reference, variant))
    seeds = [s for s in seeds_of(runs, reference, tasks) if s in seeds_of(runs, variant, tasks)]
    return compare(list(differences.values()), [fmean([differences[task, seed] for task in tasks]) for seed in seeds])


def _data(runs: Runs, task: str) -> Data | None:
    found = next((r for r in runs.records.values() if r.task == task and r.state == "done"), None)
    return Data(task, found.data, found.classes, found.splits) if found else None


def _faults(runs: Runs) -> tuple[Fault, ...]:
    """Runs that are not done, one entry a method, task and reason; alone, only those that failed."""
    seeds: dict[tuple[State | Literal["missing"], str, str, str, str], list[int]] = {}
    for variant in runs.variants:
        for task in runs.tasks:
            for seed in runs.seeds:
                record = runs.record(variant.name, task, seed)
                if record is None:
                    seeds.setdefault(("missing", variant.name, task, "together", ""), []).append(seed)
    for record in sorted(runs.records.values(), key=lambda r: (r.order, r.setting, r.seed)):
        if record.state != "done":
            key = (record.state, record.variant.name, record.task, record.setting, _reason(record.error))
            seeds.setdefault(key, []).append(record.seed)
    order = {variant.name: i for i, variant in enumerate(runs.variants)}
    return tuple(
        Fault(*key[:4], tuple(found), key[4])
        for key, found in sorted(seeds.items(), key=lambda item: (item[0][0], order[item[0][1]], item[0][2:]))
    )


def _reason(error: str) -> str:
    """The line of an error that says what it was: of a traceback the last."""
    return error.strip().rpartition("\n")[2]


def _origin(runs: Runs) -> Origin:
    done = [record for record in runs.records.values() if record.state == "done"]
    dates = sorted(record.date for record in done if record.date)
    return Origin(
        seeds=runs.seeds,
        runs=len(done),
        seconds=sum(sorted(record.seconds for record in done)),
        machines=tuple(sorted({_machine(record) for record in done if record.machine})),
        versions=tuple(sorted({_versions(record) for record in done if record.versions})),
        first_date=dates[0] if dates else "",
        last_date=dates[-1] if dates else "",
    )


def _machine(record: Record) -> str:
    """A machine in words; its load is that of the moment."""
    machine = dict(record.machine)
    machine.pop("load", None)
    known = {"cpu": "{}", "cores": "{} cores", "memory, GB": "{} GB of memory", "system": "{}"}
    return ", ".join(known.get(key, f"{key} {{}}").format(value) for key, value in machine.items())


def _versions(record: Record) -> str:
    return ", ".join(f"{name} {number}" for name, number in record.versions.items())
