"""What an experiment says: every variant's means by task, its differences to the control, and a verdict in words."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from ramet.experiment.design import MEASURES, Design, Measure
from ramet.experiment.findings import Fault, Movement, Mutations, Report, Row, VariantReport
from ramet.experiment.outcome import Outcome, outcomes
from ramet.experiment.words import spent_apart, unequal, verdict
from ramet.report.statistics import Paired, estimate, paired
from ramet.store.catalog.experiments import Experiment
from ramet.system import System

COMPARED: tuple[Measure, ...] = ("score", "quality", "test_quality")
"""What is compared with the control, pair by pair. Test quality is told, and decides nothing."""

COSTS: tuple[Measure, ...] = ("accounted_params", "trained_params", "flops", "training_flops", "seconds")
"""What is compared as a share of the control's."""


def report(system: System, name: str) -> Report:
    """The report of an experiment, finished or not, from records alone.

    Raises:
        UnknownName: there is no such experiment.
    """
    record = system.experiments.get(name)
    design = Design.model_validate(record.design)
    return summarise(record, design, outcomes(system, design), _faults(system, design))


def summarise(record: Experiment, design: Design, found: Sequence[Outcome], faults: tuple[Fault, ...]) -> Report:
    """The report of these outcomes, in whatever order they come."""
    names = [design.control, *(v.name for v in design.variants if v.name != design.control)]
    variants = tuple(_variant(design, variant, found) for variant in names)
    rows = (_row(design, variant, task, found) for task in design.task_names for variant in names)
    return Report(
        name=design.name,
        description=design.description,
        base=design.base,
        commit=record.base,
        time=record.time,
        control=design.control,
        tasks=design.task_names,
        seeds=design.seeds,
        metrics=design.metrics,
        variants=variants,
        rows=tuple(row for row in rows if row),
        warnings=(*unequal(variants), *spent_apart(variants)),
        faults=faults,
        outcomes=tuple(found),
    )


def _row(design: Design, variant: str, task: str, found: Sequence[Outcome]) -> Row | None:
    mine = [outcome for outcome in found if (outcome.variant, outcome.task) == (variant, task)]
    if not mine:
        return None
    return Row(
        variant=variant,
        task=task,
        seeds=tuple(sorted(outcome.seed for outcome in mine)),
        found=sum(outcome.found for outcome in mine),
        means={measure: estimate([getattr(outcome, measure) for outcome in mine]) for measure in MEASURES},
        differences=_differences(design, mine, found),
    )


def _variant(design: Design, name: str, found: Sequence[Outcome]) -> VariantReport:
    mine = [outcome for outcome in found if outcome.variant == name]
    apart, costs = _differences(design, mine, found), _costs(design, mine, found)
    variant = design.variant(name)
    return VariantReport(
        name=name,
        method=variant.label,
        budget=variant.limits.examples,
        means={measure: fmean([getattr(outcome, measure) for outcome in mine]) for measure in MEASURES if mine},
        differences=apart,
        costs=costs,
        verdict=verdict(name, design.control, apart, costs),
        mutations=_mutations(mine),
        mu=_movements(mine),
    )


def _differences(design: Design, mine: Sequence[Outcome], found: Sequence[Outcome]) -> dict[Measure, Paired]:
    """Of outcomes of a variant, those to the control's with the same task and seed; none of the control's own."""
    pairs = _pairs(design, mine, found)
    return {m: paired(_by_seed((a.seed, _of(a, m) - _of(b, m)) for a, b in pairs)) for m in COMPARED if pairs}


def _costs(design: Design, mine: Sequence[Outcome], found: Sequence[Outcome]) -> dict[Measure, Paired]:
    """By how much of the control's cost each outcome costs more, where the control's is known."""
    pairs = _pairs(design, mine, found)
    shares = {m: [(a.seed, _of(a, m) / _of(b, m) - 1) for a, b in pairs if _of(b, m) > 0] for m in COSTS}
    return {measure: paired(_by_seed(values)) for measure, values in shares.items() if values}


def _by_seed(values: Iterable[tuple[int, float]]) -> dict[int, list[float]]:
    grouped: dict[int, list[float]] = {}
    for seed, value in values:
        grouped.setdefault(seed, []).append(value)
    return grouped


def _pairs(design: Design, mine: Sequence[Outcome], found: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    control = {(o.task, o.seed): o for o in found if o.variant == design.control}
    return [(o, control[o.task, o.seed]) for o in mine if o.variant != design.control and (o.task, o.seed) in control]


def _of(outcome: Outcome, measure: Measure) -> float:
    value: float = getattr(outcome, measure)
    return value


def _mutations(mine: Sequence[Outcome]) -> tuple[Mutations, ...]:
    """Every kind of action, the most often drawn first."""
    kinds = sorted({action for outcome in mine for action in outcome.drawn})
    counted = [Mutations(action, _sum(mine, "drawn", action), _sum(mine, "survived", action)) for action in kinds]
    return tuple(sorted(counted, key=lambda found: -found.drawn))


def _sum(mine: Sequence[Outcome], field: str, action: str) -> int:
    counts: list[Mapping[str, int]] = [getattr(outcome, field) for outcome in mine]
    return sum(count.get(action, 0) for count in counts)


def _movements(mine: Sequence[Outcome]) -> tuple[Movement, ...]:
    """Every action of the published paths' µ tables, by name."""
    tables: list[Mapping[str, tuple[float, float]]] = [outcome.mu for outcome in mine]
    actions = sorted({action for table in tables for action in table})
    moved = {action: [table[action] for table in tables if action in table] for action in actions}
    return tuple(
        Movement(action, fmean(start for start, _ in found), fmean(end for _, end in found), len(found))
        for action, found in moved.items()
    )


def _faults(system: System, design: Design) -> tuple[Fault, ...]:
    ended = {trial.branch: trial.problem for trial in system.experiments.trials(design.name)}
    whys = {slot: ended.get(slot.branch, "not done yet") for slot in design.slots()}
    return tuple(Fault(slot.variant, slot.seed, why.strip().rpartition("\n")[2]) for slot, why in whys.items() if why)
