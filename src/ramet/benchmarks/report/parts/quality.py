"""Parts on quality: all methods at a glance, how they compare, and accuracy by task."""

from ramet.base.text import NOTHING, count, difference, duration, share
from ramet.benchmarks.report.parts.common import Blocks, Reported, any_done, by_task, cell, compared, legend
from ramet.benchmarks.report.summary import Summary, VariantResult
from ramet.report.tables import Picture, Table, with_interval


def overview(summary: Summary) -> Blocks:
    """All methods in a line each."""
    columns = (
        "method", "test accuracy", "validation accuracy", "accounted parameters a task", "trained parameters a task",
        "parameters of the system", "FLOPs", "training FLOPs", "time",
    )  # fmt: skip

    def row(result: VariantResult) -> tuple[str, ...]:
        means = result.means
        if means is None:
            return (result.variant.label, *(NOTHING for _ in columns[1:]))
        return (
            result.variant.label,
            cell(means.test, share, len(summary.origin.seeds)),
            with_interval(share, means.validation),
            *(with_interval(count, found) for found in (means.accounted_params, means.trained_params)),
            with_interval(count, result.system_params),
            count(means.flops.mean),
            count(means.training_flops.mean),
            duration(means.seconds.mean),
        )

    return (
        compared(summary),
        Table(columns, tuple(map(row, summary.results))),
        "Accuracies, parameters and FLOPs (of one image) are means over these tasks; training FLOPs and time "
        "(training and validation) are sums over them, means over seeds.",
    )


def comparison(summary: Summary) -> Blocks:
    """Every method against the reference, by the runs that both have."""
    label = summary.reference.variant.label
    columns = (
        "method", "verdict", "difference", "over seeds", "pairs", "better", "equal", "worse", "p",
    )  # fmt: skip
    rows = tuple(
        (
            result.variant.label,
            found.verdict,
            with_interval(difference, found.difference),
            with_interval(difference, found.over_seeds),
            *(str(number) for number in (found.difference.n, found.better, found.equal, found.worse)),
            f"{found.p:.2g}",
        )
        for result in summary.results
        if (found := result.comparison)
    )
    if not rows:
        return (f"No method shares a run with {label} yet.",)
    return (
        f"Test accuracy less that of {label}, the reference, paired by task and seed.",
        Table(columns, rows, left=2),
        "The verdict is by the 95 % interval over pairs. That over seeds is of the seeds' means over tasks: it speaks "
        "of these tasks only. p is that of Wilcoxon's signed-rank test of the pairs. Nothing is corrected for the "
        "number of comparisons.",
    )


def frontier(summary: Summary) -> Blocks:
    """Quality against size and against compute."""
    if not any(result.means for result in summary.results):
        return (compared(summary),)
    return (
        compared(summary),
        Picture("frontier-params", "Mean test accuracy against accounted parameters a task"),
        Picture("frontier-flops", "Mean test accuracy against FLOPs of an image"),
    )


def accuracy(summary: Summary) -> Blocks:
    """Test accuracy by task, beside what papers report."""
    table = by_task(summary, "test", share, _reported(summary))
    note = " What is reported was not measured here: data and budget may differ." if summary.terms.reported else ""
    figure = (Picture("accuracy", "Test accuracy by task and method"),) if any_done(summary) else ()
    return (table, legend(summary) + note, *figure)


def validation(summary: Summary) -> Blocks:
    """Validation accuracy by task: what the methods choose by."""
    return (by_task(summary, "validation", share), legend(summary))


def published(summary: Summary) -> Blocks:
    """Every published accuracy beside ours, with the command that measures it and how far that has come."""
    reference, terms = summary.reference, summary.terms
    whys = {(fault.variant, fault.task): fault.why for fault in summary.faults}
    rows = []
    for task, found in terms.reported.items():
        for whose, value in found.items():
            result = reference.tasks.get(task)
            measures = result.measures if result else None
            state = result.state if result else "missing"
            why = whys.get((reference.variant.name, task), "").partition("; ")[0]
            command = f"`ramet benchmark run {terms.suite} --methods {reference.variant.name} --tasks {task}`"
            ours = with_interval(share, measures.test if measures else None)
            rows.append((task, command, f"{_STATES[state]}{': ' if why else ''}{why}", whose, share(value), ours))
    if not rows:
        return ("No accuracies of these tasks were published.",)
    return (Table(("task", "command", "state", "whose", "paper", "ours"), tuple(rows), left=4),)


_STATES = {"done": "done", "failed": "failed", "no-data": "no data here", "missing": "not run"}


def _reported(summary: Summary) -> list[Reported]:
    """Reported accuracies: of each method, by task."""
    reported = summary.terms.reported
    names = dict.fromkeys(name for by_name in reported.values() for name in by_name)
    return [
        (f"{name}, reported", {task: found[name] for task, found in reported.items() if name in found})
        for name in names
    ]
