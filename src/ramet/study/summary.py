"""The numbers of a study: of every variant its means, how it compares with the control, and what its tasks share."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean
from typing import Literal

from ramet.study.design import MEASURES, Design, Measure, Variant
from ramet.study.gather import study_of
from ramet.study.record import Record, State, Study
from ramet.study.runs import Block, Runs, compared, runs_of
from ramet.study.statistics import Estimate, Paired, by_seed, estimate, paired
from ramet.study.transfer import Transfer, system_params, transfer
from ramet.study.wording import budget_warnings, verdict
from ramet.system import System

COMPARED: tuple[Measure, ...] = ("score", "quality", "test_quality")
"""What is compared with the control, pair by pair."""

COSTS: tuple[Measure, ...] = ("accounted_params", "trained_params", "flops", "training_flops", "seconds")
"""What is compared by its ratio to the control's."""

SUMMED: tuple[Measure, ...] = ("examples", "children", "training_flops", "seconds")
"""What is added up over tasks; of all else the mean is taken."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A variant on a task: the state of its worst run, means over the seeds that are done, differences to the control.

    state is `missing` before there is any run.
    """

    state: State | Literal["missing"]
    seeds: tuple[int, ...]
    means: Mapping[Measure, Estimate]
    differences: Mapping[Measure, Paired]


@dataclass(frozen=True, slots=True)
class Mutations:
    """A kind of action in all runs of a variant: how often it was drawn, and how often it led to a published path."""

    action: str
    drawn: int
    survived: int


@dataclass(frozen=True, slots=True)
class Movement:
    """The learned probability of an action: means at the start and in the end, over so many published paths."""

    action: str
    start: float
    end: float
    paths: int


@dataclass(frozen=True, slots=True)
class VariantResult:
    """A variant over all tasks and seeds.

    budget is how many examples a task it may train on. means are over the block that is compared, those of SUMMED over
    seeds of sums over tasks; empty where it is not averaged, as system_params (distinct components of those tasks) is
    None. differences are over the (task, seed) pairs that the control has too; costs are the logarithms of ratios to
    the control's, over the same pairs. verdict is what they say, in words. spent has the sums of SUMMED over all runs,
    found how many of these published a path.
    """

    name: str
    label: str
    family: str
    point: str
    method: str
    budget: int
    tasks: Mapping[str, TaskResult]
    means: Mapping[Measure, Estimate]
    system_params: Estimate | None
    differences: Mapping[Measure, Paired]
    costs: Mapping[Measure, Paired]
    verdict: str
    spent: Mapping[Measure, float]
    found: int
    mutations: tuple[Mutations, ...]
    mu: tuple[Movement, ...]
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Fault:
    """Runs that are not done for the same reason: they failed, had no data, or are not there yet."""

    state: State | Literal["missing"]
    variant: str
    task: str
    alone: bool
    seeds: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Data:
    """The data that were read for a task."""

    task: str
    source: str
    classes: int
    splits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of the numbers; seconds are of training and validation, over all runs that are done."""

    commit: str
    time: str
    seeds: tuple[int, ...]
    runs: int
    seconds: float
    machines: tuple[str, ...]
    versions: tuple[str, ...]
    first_date: str
    last_date: str


@dataclass(frozen=True, slots=True)
class Summary:
    """All that is told of a study; the control is the first of the variants. warnings are sentences."""

    design: Design
    compared: Block
    variants: tuple[VariantResult, ...]
    warnings: tuple[str, ...]
    data: tuple[Data, ...]
    faults: tuple[Fault, ...]
    origin: Origin
    records: tuple[Record, ...]

    @property
    def control(self) -> VariantResult:
        """Return the variant that the others are compared with."""
        return self.variants[0]

    @property
    def families(self) -> tuple[str, ...]:
        """Return the families of the variants, each once."""
        return tuple(dict.fromkeys(variant.family for variant in self.variants))

    @property
    def done(self) -> tuple[Record, ...]:
        """Return the records of tasks that were learned, not counting those alone."""
        return tuple(record for record in self.records if record.state == "done" and not record.alone)


def report(system: System, name: str) -> Summary:
    """Return the report of an experiment, finished or not, from records alone.

    Raises:
        UnknownName: there is no such experiment.
    """
    return summarise(study_of(system, name))


def summarise(study: Study) -> Summary:
    """Return the numbers that the records give, whatever is missing still."""
    runs = runs_of(study)
    block = compared(runs)
    results = tuple(_result(runs, variant, block) for variant in runs.variants)
    flops = [result.means["training_flops"].mean if result.means else 0.0 for result in results]
    budgets = [(result.label, result.budget, spent) for result, spent in zip(results, flops, strict=True)]
    return Summary(
        design=study.design,
        compared=block,
        variants=results,
        warnings=tuple(budget_warnings(budgets)),
        data=tuple(data for task in runs.tasks if (data := _data(runs, task))),
        faults=_faults(runs),
        origin=_origin(runs, study),
        records=study.records,
    )


def _result(runs: Runs, variant: Variant, block: Block) -> VariantResult:
    mine, control = runs.all_done(variant.name), runs.variants[0]
    apart, costs = _differences(runs, variant.name, runs.tasks), _costs(runs, variant.name)
    seeds = block.seeds.get(variant.name, ())
    of_seeds = [[record for task in block.tasks if (record := runs.done(variant.name, task, s))] for s in seeds]
    in_the_end = [system_params(runs.learned(variant.name, seed), block.tasks) for seed in seeds]
    return VariantResult(
        name=variant.name,
        label=variant.label,
        family=variant.family,
        point=variant.point,
        method=variant.method_label,
        budget=variant.limits.examples,
        tasks={task: _on_task(runs, variant.name, task) for task in runs.tasks},
        means={m: estimate([_over_tasks(records, m) for records in of_seeds]) for m in MEASURES if of_seeds},
        system_params=estimate(in_the_end) if all(in_the_end) and in_the_end else None,
        differences=apart,
        costs=costs,
        verdict=verdict(variant.label, control.label, runs.design.judge, apart, costs),
        spent={measure: sum(_of(record, measure) for record in mine) for measure in SUMMED},
        found=sum(record.found for record in mine),
        mutations=_mutations(mine),
        mu=_movements(mine),
        transfer=transfer(runs, variant.name),
    )


def _on_task(runs: Runs, variant: str, task: str) -> TaskResult:
    records = [found for seed in runs.seeds if (found := runs.record(variant, task, seed))]
    done = [record for record in records if record.state == "done"]
    worst: tuple[State, ...] = ("failed", "no-data", "done")
    return TaskResult(
        state=next((state for state in worst if any(r.state == state for r in records)), "missing"),
        seeds=tuple(record.seed for record in done),
        means={measure: estimate([_of(record, measure) for record in done]) for measure in MEASURES if done},
        differences=_differences(runs, variant, (task,)),
    )


def _of(record: Record, measure: Measure) -> float:
    return float(getattr(record, measure))


def _over_tasks(records: Sequence[Record], measure: Measure) -> float:
    return (sum if measure in SUMMED else fmean)([_of(record, measure) for record in records])


def _pairs(runs: Runs, variant: str, tasks: Sequence[str]) -> list[tuple[Record, Record]]:
    """Return a variant's records beside the control's of the same task and seed; none of the control's own."""
    control = runs.variants[0].name
    if variant == control:
        return []
    both = [(runs.done(variant, t, s), runs.done(control, t, s)) for s in runs.seeds for t in tasks]
    return [(mine, its) for mine, its in both if mine and its]


def _differences(runs: Runs, variant: str, tasks: Sequence[str]) -> dict[Measure, Paired]:
    pairs = _pairs(runs, variant, tasks)
    return {m: paired(by_seed((a.seed, _of(a, m) - _of(b, m)) for a, b in pairs)) for m in COMPARED if pairs}


def _costs(runs: Runs, variant: str) -> dict[Measure, Paired]:
    """Return the logarithms of ratios to the control's costs: twice as much and half as much are as far from equal."""
    pairs = _pairs(runs, variant, runs.tasks)
    ratios = {m: [(a.seed, log(_of(a, m) / _of(b, m))) for a, b in pairs if _of(a, m) > 0 < _of(b, m)] for m in COSTS}
    return {measure: paired(by_seed(values)) for measure, values in ratios.items() if values}


def _mutations(mine: Sequence[Record]) -> tuple[Mutations, ...]:
    """Return every kind of action, the most often drawn first."""
    drawn: Counter[str] = Counter()
    survived: Counter[str] = Counter()
    for record in mine:
        led = _way(record)
        for child in record.tried or ():
            kinds = [kind(action) for action in child.mutations]
            drawn.update(kinds)
            survived.update(kinds if child.path in led else ())
    order = sorted(drawn, key=lambda action: (-drawn[action], action))
    return tuple(Mutations(action, drawn[action], survived[action]) for action in order)


def kind(action: str) -> str:
    """Return an action without the place where it acts: `clone:block.3` is `clone:block`."""
    return re.sub(r"\.\d+$", "", action)


def _way(record: Record) -> set[str]:
    """Return the ids of a record's children on the way to its published path."""
    parents = {child.path: child.parent for child in record.tried or ()}
    found: set[str] = set()
    at: str | None = record.path
    while at is not None and at in parents and at not in found:
        found.add(at)
        at = parents[at]
    return found


def _movements(mine: Sequence[Record]) -> tuple[Movement, ...]:
    """Return every action of the published paths' µ tables, by name."""
    moved: dict[str, list[tuple[float, float]]] = {}
    for record in mine:
        for action, start_and_end in record.mu.items():
            moved.setdefault(action, []).append(start_and_end)
    return tuple(
        Movement(action, fmean(start for start, _ in found), fmean(end for _, end in found), len(found))
        for action, found in sorted(moved.items())
    )


def _data(runs: Runs, task: str) -> Data | None:
    found = next((r for r in runs.records.values() if r.task == task and r.state == "done"), None)
    return Data(task, found.data, found.classes, found.splits) if found else None


def _faults(runs: Runs) -> tuple[Fault, ...]:
    """Return the runs that are not done, one entry a variant, task and reason; alone, only those that failed."""
    seeds: dict[tuple[State | Literal["missing"], str, str, bool, str], list[int]] = {}
    for variant in runs.variants:
        for task in runs.tasks:
            for seed in runs.design.seeds:
                if runs.record(variant.name, task, seed) is None:
                    seeds.setdefault(("missing", variant.name, task, False, ""), []).append(seed)
    for record in sorted(runs.records.values(), key=lambda r: (r.order, r.alone, r.seed)):
        if record.state != "done":
            why = record.error.strip().rpartition("\n")[2]  # of a traceback the last line says what it was
            seeds.setdefault((record.state, record.variant, record.task, record.alone, why), []).append(record.seed)
    order = {variant.name: i for i, variant in enumerate(runs.variants)}
    placed = sorted(seeds.items(), key=lambda item: (item[0][0], order[item[0][1]], item[0][2:]))
    return tuple(Fault(*key[:4], tuple(found), key[4]) for key, found in placed)


def _origin(runs: Runs, study: Study) -> Origin:
    done = [record for record in runs.records.values() if record.state == "done"]
    dates = sorted(record.date for record in done if record.date) or [""]
    told = {"cpu": "{}", "cores": "{} cores", "memory, GB": "{} GB of memory", "system": "{}"}  # no load: it passes

    def machine(record: Record) -> str:
        return ", ".join(text.format(record.machine[key]) for key, text in told.items() if key in record.machine)

    def versions(record: Record) -> str:
        order = sorted(record.versions, key=lambda name: (name != "ramet", name == "Python", name))
        return ", ".join(f"{name} {record.versions[name]}" for name in order)

    return Origin(
        commit=study.commit,
        time=study.time,
        seeds=runs.seeds,
        runs=len(done),
        seconds=sum(sorted(record.seconds for record in done)),
        machines=tuple(sorted({machine(record) for record in done if record.machine})),
        versions=tuple(sorted({versions(record) for record in done if record.versions})),
        first_date=dates[0],
        last_date=dates[-1],
    )
