"""Parts on what a method costs: parameters, FLOPs, and what was spent to find them."""

from ramet.base.text import NOTHING, count, duration
from ramet.benchmarks.report.parts.common import Blocks, any_done, by_task, compared, legend
from ramet.benchmarks.report.summary import Summary, VariantResult
from ramet.report.tables import Picture, Table, with_interval


def size(summary: Summary) -> Blocks:
    """Accounted and trained parameters by task."""
    figure = (Picture("size", "Accounted parameters by task and method"),) if any_done(summary) else ()
    return (
        "Accounted parameters, when the last task had been learnt: a component counts by its part for each task that "
        "holds it.",
        by_task(summary, "accounted_params", count),
        "Trained parameters: those of the task's path that were trained for it.",
        by_task(summary, "trained_params", count),
        legend(summary),
        *figure,
    )


def cost(summary: Summary) -> Blocks:
    """What a method spent, and what its models cost to run."""
    columns = ("method", "examples", "children", "training FLOPs", "time", "FLOPs of an image")

    def row(result: VariantResult) -> tuple[str, ...]:
        means = result.means
        if means is None:
            return (result.variant.label, *(NOTHING for _ in columns[1:]))
        spent = (means.examples, means.children, means.training_flops)
        return (
            result.variant.label,
            *(with_interval(count, found) for found in spent),
            with_interval(duration, means.seconds),
            with_interval(count, means.flops),
        )

    return (
        compared(summary),
        Table(columns, tuple(map(row, summary.results))),
        "Sums over the tasks of a system; time is that of training and validation. The FLOPs of an image are a mean "
        "over tasks, and by task:",
        by_task(summary, "flops", count),
        legend(summary),
    )
