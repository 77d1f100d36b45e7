"""Parts on what a variant costs: parameters, FLOPs, and what was spent to find them."""

from ramet.base.text import count, duration
from ramet.report.tables import Picture, Table
from ramet.study.design import Measure
from ramet.study.parts.common import TOLD, Blocks, by_task, legend, told
from ramet.study.statistics import Paired
from ramet.study.summary import Summary, VariantResult
from ramet.study.words import SHOWN, cost_verdict, times

_BY_TASK: tuple[Measure, ...] = ("params", "flops", "training_flops", "examples", "children", "seconds")


def size(summary: Summary) -> Blocks:
    """Return accounted and trained parameters by task."""
    if not summary.done:
        return ()
    return (
        "Accounted parameters, when the last task had been learned: a component counts by its part for each task that "
        "holds it.",
        by_task(summary, "accounted_params"),
        "Trained parameters: those of the task's path that were trained for it.",
        by_task(summary, "trained_params"),
        legend(summary),
        Picture("size", "Accounted parameters by task and variant"),
    )


def cost(summary: Summary) -> Blocks:
    """Return what a variant spent, what its models cost to run, and how both compare with the control's."""
    if not summary.done:
        return ()
    told_by_task = [m for m in summary.design.metrics if m in _BY_TASK]
    total = ("variant", "examples allowed", "children", "published", "training FLOPs", "time")
    ratios = tuple(_ratio(variant, m, found) for variant in summary.variants for m, found in variant.costs.items())
    compared = (
        Table(("variant", "measure", "verdict", "to control", *TOLD), ratios, left=3),
        f"Ratios to what {summary.control.label} costs, paired by task and seed and tested as above; their mean and "
        "intervals are those of the logarithms.",
    )
    return (
        Table(total, tuple(map(_spent, summary.variants))),
        "Over all runs. Examples allowed are a task's at most; published are the children whose path was: a run that "
        "found nothing better than what was there published none. Time is that of training and validation.",
        *(compared if ratios else ()),
        *(block for m in told_by_task for block in (f"By task: {SHOWN[m][0]}", by_task(summary, m))),
        legend(summary),
    )


def _spent(variant: VariantResult) -> tuple[str, ...]:
    spent = variant.spent
    return (
        variant.label,
        count(variant.budget),
        f"{spent['children']:,.0f}",
        f"{variant.found:,}",
        count(spent["training_flops"]),
        duration(spent["seconds"]),
    )


def _ratio(variant: VariantResult, measure: Measure, found: Paired) -> tuple[str, ...]:
    return (variant.label, SHOWN[measure][0], cost_verdict(found), times(found.mean), *told(found, times))
