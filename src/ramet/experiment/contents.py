"""What a report of an experiment says: its parts, one a question."""

from collections.abc import Callable

from ramet.base.text import NOTHING, count, difference, duration, listed, share
from ramet.experiment.design import Measure
from ramet.experiment.findings import Report, Row, VariantReport
from ramet.experiment.words import by_seeds, cost_verdict, interval, percent
from ramet.report.statistics import Paired
from ramet.report.tables import Part, Picture, Table, with_interval

Blocks = tuple[str | Table | Picture, ...]

SHOWN: dict[Measure, tuple[str, Callable[[float], str]]] = {
    "score": ("score", share),
    "own_score": ("own score", share),
    "quality": ("validation", share),
    "test_quality": ("test", share),
    "accounted_params": ("accounted", count),
    "trained_params": ("trained", count),
    "params": ("parameters", count),
    "flops": ("FLOPs", count),
    "training_flops": ("training FLOPs", count),
    "examples": ("examples", count),
    "seconds": ("time", duration),
}
"""What a measure is called in a table, and how its values look."""

TOLD = ("95 % interval", "by seeds", "pairs", "+/=/−", "p")
"""The columns behind a mean difference."""

QUALITIES: tuple[Measure, ...] = ("score", "own_score", "quality", "test_quality")


def parts(report: Report) -> tuple[Part, ...]:
    """The parts for which there is something to say."""
    made = (
        Part("verdict", "Verdict", _verdict(report)),
        Part("differences", f"Differences to {report.control}", _differences(report)),
        Part("quality", "Quality by task", _quality(report)),
        Part("cost", "Size and cost by task", _cost(report)),
        Part("curves", "Learning curves", _curves(report)),
        Part("mutations", "Mutations that survived", _mutations(report)),
        Part("mu", "Learned mutation probabilities", _mu(report)),
        Part("faults", "Faults", _faults(report)),
        Part("origin", "Origin", _origin(report)),
    )
    return tuple(part for part in made if part.blocks)


def _verdict(report: Report) -> Blocks:
    told = tuple(variant.verdict for variant in report.variants if variant.name != report.control)
    return (*([report.description] if report.description else []), *told, *(f"Note: {w}" for w in report.warnings))


def _differences(report: Report) -> Blocks:
    columns = ("variant", "measure", "verdict", "difference", *TOLD)

    def row(variant: VariantReport, measure: Measure, found: Paired) -> tuple[str, ...]:
        told = "decides nothing" if measure == "test_quality" else found.verdict
        return (variant.name, SHOWN[measure][0], told, difference(found.mean), *_told(found, difference))

    rows = [row(variant, m, found) for variant in report.variants for m, found in variant.differences.items()]
    if not rows:
        return ()
    return (
        Table(columns, tuple(rows), left=3),
        "Paired by task and seed. The interval is a bootstrap of the pairs, p of Wilcoxon's signed-rank test. That by "
        "seeds is Student's, of the means of seeds: the pairs of a seed have in common how its run went. A variant is "
        "better or worse where all three say so. The pairs are of these tasks, and speak of these. Nothing is "
        "corrected for the number of comparisons: what much hangs on is to be asked again with other seeds. The score "
        f"is by the terms of {report.control} for all, in the system as it was when the trial ended.",
        Picture(
            "differences",
            f"Differences to {report.control}: means with their intervals (thin: by seeds), and every task's mean",
        ),
    )


def _quality(report: Report) -> Blocks:
    told = [measure for measure in QUALITIES if measure in (*report.metrics, "score", "quality")]
    columns = ("task", "variant", *(SHOWN[measure][0] for measure in told), "to control")

    def cells(row: Row) -> tuple[str, ...]:
        means = (with_interval(SHOWN[measure][1], row.means[measure]) for measure in told)
        return (row.task, row.variant, *means, _apart(row.differences.get("score")))

    if not report.rows:
        return ()
    words = f"Means over {_seeds(report)}. To control: the difference of the scores, and how many seeds are better."
    few = [f"{row.variant} on {row.task} ({listed(row.seeds)})" for row in report.rows if row.seeds != report.seeds]
    return (
        Table(columns, tuple(map(cells, report.rows)), left=2),
        words + (f" Fewer seeds: {', '.join(few)}." if few else ""),
    )


def _seeds(report: Report) -> str:
    several = len(report.seeds) > 1
    return f"seed{'s' if several else ''} {listed(report.seeds)}" + ("; ± is a 95 % interval" if several else "")


def _apart(found: Paired | None) -> str:
    return NOTHING if found is None else f"{difference(found.mean)} ({found.better} of {found.n})"


def _cost(report: Report) -> Blocks:
    told = [measure for measure in report.metrics if measure not in QUALITIES]
    columns = ("task", "variant", *(SHOWN[measure][0] for measure in told))
    rows = tuple((r.task, r.variant, *(SHOWN[m][1](r.means[m].mean) for m in told)) for r in report.rows)
    if not rows:
        return ()
    apart = ("variant", "measure", "verdict", "to control", *TOLD)
    shares = tuple(_share(variant, m, cost) for variant in report.variants for m, cost in variant.costs.items())
    total = ("variant", "examples allowed", "training FLOPs", "time", "published children")
    return (
        Table(columns, rows, left=2),
        "Means over seeds. Training FLOPs and time are sums over all children of a run. Over all tasks and seeds:",
        Table(total, tuple(_spent(report, variant) for variant in report.variants)),
        "Examples allowed are a task's at most. A run that found nothing better than what was there published nothing.",
        *(
            (Table(apart, shares, left=3), f"As shares of what {report.control} costs, paired and tested as above.")
            if shares
            else ()
        ),
    )


def _told(found: Paired, worded: Callable[[float], str]) -> tuple[str, ...]:
    """The columns TOLD of paired differences."""
    signs = f"{found.better}/{found.equal}/{found.worse}"
    between = (interval(found, worded) or NOTHING, by_seeds(found, worded) or NOTHING)
    return (*between, str(found.n), signs, f"{found.p:.2g}")


def _share(variant: VariantReport, measure: Measure, cost: Paired) -> tuple[str, ...]:
    return (variant.name, SHOWN[measure][0], cost_verdict(cost), percent(cost.mean), *_told(cost, percent))


def _spent(report: Report, variant: VariantReport) -> tuple[str, ...]:
    mine = [outcome for outcome in report.outcomes if outcome.variant == variant.name]
    found = f"{sum(outcome.found for outcome in mine)} of {sum(outcome.children for outcome in mine):,}"
    flops, seconds = (sum(getattr(outcome, what) for outcome in mine) for what in ("training_flops", "seconds"))
    return (variant.name, count(variant.budget), count(flops), duration(seconds), found)


def _curves(report: Report) -> Blocks:
    if not report.outcomes:
        return ()
    return (
        Picture("curves", "The best score so far, by what was spent on training: every seed, and their mean in bold"),
    )


def _mutations(report: Report) -> Blocks:
    actions = {m.action: 0 for variant in report.variants for m in variant.mutations}
    for variant in report.variants:
        for m in variant.mutations:
            actions[m.action] += m.drawn
    found = {v.name: {m.action: f"{m.drawn:,} → {m.survived:,}" for m in v.mutations} for v in report.variants}
    rows = tuple(
        (action, *(found[variant].get(action, NOTHING) for variant in found))
        for action in sorted(actions, key=lambda action: (-actions[action], action))
    )
    if not rows:
        return ()
    return (
        "How often an action was drawn in all children, and how often it is among the mutations that led to a "
        "published path.",
        Table(("action", *found), rows),
    )


def _mu(report: Report) -> Blocks:
    learned = [variant for variant in report.variants if variant.mu]
    if not learned:
        return ()
    actions = sorted({moved.action for variant in learned for moved in variant.mu})
    found = {v.name: {m.action: f"{m.start:.3f} → {m.end:.3f}" for m in v.mu} for v in learned}
    rows = tuple((action, *(found[variant].get(action, NOTHING) for variant in found)) for action in actions)
    return (
        "The probability of every action where the run began and in the published path: means over the published "
        "paths that have it.",
        Table(("action", *found), rows),
        Picture("mu", "From where the run began (open) to the published path (filled)"),
    )


def _faults(report: Report) -> Blocks:
    rows = tuple((fault.variant, str(fault.seed), fault.why) for fault in report.faults)
    return (Table(("variant", "seed", "why"), rows, left=3),) if rows else ()


def _origin(report: Report) -> Blocks:
    facts = (
        ("base", f"{report.base} at {report.commit}"),
        ("begun", report.time),
        ("tasks", listed(report.tasks)),
        ("seeds", listed(report.seeds)),
        *((variant.name, variant.method) for variant in report.variants),
    )
    return (Table(("", ""), facts, left=2),)
