"""Parts on quality: the verdict, all variants at a glance, how they compare, and accuracy by task."""

from ramet.base.text import NOTHING, count, difference, share
from ramet.report.tables import Picture, Table
from ramet.study.design import Measure
from ramet.study.parts.common import TOLD, Blocks, Reported, by_task, cell, compared, legend, told
from ramet.study.statistics import Paired
from ramet.study.summary import Summary, VariantResult
from ramet.study.words import JUDGED, SHOWN, with_interval

_STATES = {"done": "done", "failed": "failed", "no-data": "no data here", "missing": "not run"}


def verdict(summary: Summary) -> Blocks:
    """Return what came out, in words."""
    design = summary.design
    said = tuple(variant.verdict for variant in summary.variants[1:])
    return (*([design.description] if design.description else []), *said, *(f"Note: {w}" for w in summary.warnings))


def overview(summary: Summary) -> Blocks:
    """Return all variants in a line each."""
    if not summary.records:
        return ()
    seeds = len(summary.origin.seeds)
    columns: dict[str, Measure] = {
        "validation": "quality", "test": "test_quality", "accounted parameters": "accounted_params",
        "trained parameters": "trained_params", "FLOPs": "flops", "training FLOPs": "training_flops", "time": "seconds",
    }  # fmt: skip

    def row(variant: VariantResult) -> tuple[str, ...]:
        if not variant.means:
            return (variant.label, *(NOTHING for _ in columns), NOTHING)
        cells = [
            SHOWN[measure][1](variant.means[measure].mean)
            if measure in ("flops", "training_flops", "seconds")
            else cell(variant.means[measure], measure, seeds if measure == "test_quality" else 0)
            for measure in columns.values()
        ]
        return (variant.label, *cells, with_interval(count, variant.system_params))

    return (
        compared(summary),
        Table(("variant", *columns, "parameters of all tasks"), tuple(map(row, summary.variants))),
        "Accuracies, parameters and FLOPs (of one image) are means over these tasks; training FLOPs and time "
        "(training and validation) are sums over them, means over seeds. Parameters of all tasks count each component "
        "once.",
    )


def differences(summary: Summary) -> Blocks:
    """Return every variant against the control, by the runs that both have."""
    judge = summary.design.judge

    def row(variant: VariantResult, measure: Measure, found: Paired) -> tuple[str, ...]:
        decides = measure != "test_quality" or judge == "test_quality"
        said = found.verdict if decides else "decides nothing"
        return (variant.label, SHOWN[measure][0], said, difference(found.mean), *told(found, difference))

    same = "quality" if judge == "score" else "score"
    left_out = (same,) if _scores_are_qualities(summary) else ()
    rows = [
        row(variant, m, found)
        for variant in summary.variants
        for m, found in variant.differences.items()
        if m not in left_out
    ]
    if not rows:
        return ()
    control = summary.control.label
    return (
        Table(("variant", "measure", "verdict", "difference", *TOLD), tuple(rows), left=3),
        f"Differences to {control}, paired by task and seed. The interval is a bootstrap of the pairs, p of Wilcoxon's "
        "signed-rank test. That by seeds is Student's, of the means of seeds: the pairs of a seed have in common how "
        "its run went. A variant is better or worse where all three say so; the verdict above is by "
        f"{JUDGED[judge]}. The pairs are of these tasks, and speak of these. Nothing is corrected for the number of "
        "comparisons: what much hangs on is to be asked again with other seeds. The score is by the terms of "
        f"{control} for all, in the system as it was when a branch had learned its last task.",
        Picture(
            "differences",
            f"Differences to {control}: means with their intervals (thin: by seeds), and every task's mean",
        ),
    )


def frontier(summary: Summary) -> Blocks:
    """Return quality against size and against compute."""
    if sum(bool(variant.means) for variant in summary.variants) < 2:
        return ()
    return (
        compared(summary),
        Picture("frontier-params", "Mean test accuracy against accounted parameters a task"),
        Picture("frontier-flops", "Mean test accuracy against FLOPs of an image"),
    )


def score(summary: Summary) -> Blocks:
    """Return the score by task, by the control's terms, and by a variant's own where that is asked for."""
    wanted = [measure for measure in ("score", "own_score") if measure in summary.design.metrics]
    if not summary.done or not wanted or (wanted == ["score"] and _scores_are_qualities(summary)):
        return ()
    own = ("By each variant's own terms:", by_task(summary, "own_score")) if "own_score" in wanted else ()
    return (by_task(summary, "score"), *own, legend(summary))


def validation(summary: Summary) -> Blocks:
    """Return validation accuracy by task: what the methods choose by."""
    return (by_task(summary, "quality"), legend(summary)) if summary.done else ()


def accuracy(summary: Summary) -> Blocks:
    """Return test accuracy by task, beside what papers report."""
    if not summary.records:
        return ()
    note = " What is reported was not measured here: data and budget may differ." if summary.design.reported else ""
    figure = (Picture("accuracy", "Test accuracy by task and variant"),) if summary.done else ()
    return (by_task(summary, "test_quality", _reported(summary)), legend(summary) + note, *figure)


def published(summary: Summary) -> Blocks:
    """Return every published accuracy beside ours, with the command that measures it and how far that has come."""
    control, design = summary.control, summary.design
    whys = {(fault.variant, fault.task): fault.why for fault in summary.faults}
    rows = []
    for task, found in design.reported.items():
        for whose, value in found.items():
            result = control.tasks.get(task)
            means, state = (result.means, result.state) if result else ({}, "missing")
            why = whys.get((control.name, task), "").partition("; ")[0]
            command = f"`ramet benchmark run {design.name} --methods {control.name} --tasks {task}`"
            ours = with_interval(share, means.get("test_quality"))
            rows.append((task, command, f"{_STATES[state]}{': ' if why else ''}{why}", whose, share(value), ours))
    return (Table(("task", "command", "state", "whose", "paper", "ours"), tuple(rows), left=4),) if rows else ()


def _scores_are_qualities(summary: Summary) -> bool:
    return all(record.score == record.quality for record in summary.done)


def _reported(summary: Summary) -> list[Reported]:
    """Return reported accuracies: of each method, by task."""
    reported = summary.design.reported
    names = dict.fromkeys(name for by_name in reported.values() for name in by_name)
    return [
        (f"{name}, reported", {task: found[name] for task, found in reported.items() if name in found})
        for name in names
    ]
