"""What a report says: one part a question, made of the summary's numbers. A document takes what it needs."""

from collections.abc import Callable, Iterable
from functools import partial

from ramet.benchmarks.report.statistics import Estimate
from ramet.benchmarks.report.summary import Measures, Summary, TaskResult, VariantResult
from ramet.benchmarks.report.tables import (
    NOTHING,
    Part,
    Picture,
    Table,
    count,
    difference,
    duration,
    listed,
    plural,
    share,
    with_interval,
)
from ramet.benchmarks.report.transfer import Matrix

WIDE = 12
"""Tasks that a table has room for side by side; more are set one below the other."""

MATRIX = 24
"""Tasks whose matrix is printed; of more, the JSON file has it."""

Blocks = tuple[str | Table | Picture, ...]


def parts(summary: Summary) -> tuple[Part, ...]:
    """The whole report."""
    return tuple(Part(name, title, make(summary)) for name, (title, make) in PARTS.items())


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
            with_interval(share, means.test),
            with_interval(share, means.validation),
            *(with_interval(count, found) for found in (means.accounted_params, means.trained_params)),
            with_interval(count, result.system_params),
            count(means.flops.mean),
            count(means.training_flops.mean),
            duration(means.seconds.mean),
        )

    return (
        _compared(summary),
        Table(columns, tuple(map(row, summary.results))),
        "Accuracies, parameters and FLOPs (of one image) are means over these tasks; training FLOPs and time "
        "(training and validation) are sums over them, means over seeds.",
    )


def accuracy(summary: Summary) -> Blocks:
    """Test accuracy by task, beside what was published."""
    table = _by_task(summary, "test", share, [(_published(name), by) for name, by in _reported(summary)])
    note = " Published figures are of other data and another budget." if summary.terms.reported else ""
    figure = (Picture("accuracy", "Test accuracy by task and method"),) if _any_done(summary) else ()
    return (table, _legend(summary) + note, *figure)


def validation(summary: Summary) -> Blocks:
    """Validation accuracy by task: what the methods choose by."""
    return (_by_task(summary, "validation", share), _legend(summary))


def size(summary: Summary) -> Blocks:
    """Accounted and trained parameters by task."""
    figure = (Picture("size", "Accounted parameters by task and method"),) if _any_done(summary) else ()
    return (
        "Accounted parameters, when the last task had been learnt: a component counts by its part for each task that "
        "holds it.",
        _by_task(summary, "accounted_params", count),
        "Trained parameters: those of the task's path that were trained for it.",
        _by_task(summary, "trained_params", count),
        _legend(summary),
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
        _compared(summary),
        Table(columns, tuple(map(row, summary.results))),
        "Sums over the tasks of a system; time is that of training and validation. The FLOPs of an image are a mean "
        "over tasks, and by task:",
        _by_task(summary, "flops", count),
        _legend(summary),
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
        return (_compared(summary),)
    return (
        _compared(summary),
        Picture("frontier-params", "Mean test accuracy against accounted parameters a task"),
        Picture("frontier-flops", "Mean test accuracy against FLOPs of an image"),
    )


def transfer(summary: Summary) -> Blocks:
    """What a task lost to those after it, and gained from those before."""
    found = [result for result in summary.results if result.transfer.accuracy.tasks]
    if not found:
        return ("No task has been learnt yet.",)
    columns = ("method", "backward transfer", "largest change", "forward transfer", "pairs", "verdict")
    rows = tuple(_transfer_row(result) for result in found)
    return (
        "Backward transfer: a task's test accuracy, measured anew when the last task had been learnt, less that when "
        "it had been learnt itself. Published components are never written again, so it is 0 by construction; here it "
        "is as measured, and with it the largest change of any task after any other. Forward transfer: test accuracy "
        "less that of the same method and seed on the task alone.",
        Table(columns, rows),
        *(_forgot(result) for result in found if result.transfer.largest_change),
        *_forward_by_task(found),
        *_matrix(
            f"Test accuracy of {found[0].variant.label}, seed {summary.origin.seeds[0]}: a row when its task had been "
            "learnt, a column for each task of the system.",
            found[0].transfer.accuracy,
            share,
        ),
    )


def matrix(summary: Summary) -> Blocks:
    """What tasks share."""
    result = next((result for result in summary.results if result.transfer.sharing.tasks), None)
    if result is None:
        return ("No task has been learnt yet.",)
    return (
        f"Parameters of the components that two tasks both hold, all of a task's on the diagonal: "
        f"{result.variant.label}, seed {summary.origin.seeds[0]}.",
        *_matrix("", result.transfer.sharing, count),
        Picture("sharing", f"Parameters shared between tasks by {result.variant.label}"),
    )


def tasks(summary: Summary) -> Blocks:
    """What was read."""
    splits = tuple(dict.fromkeys(split for data in summary.data for split in data.splits))
    rows = tuple(
        (d.task, d.source, str(d.classes), *(f"{d.splits[s]:,}" if s in d.splits else NOTHING for s in splits))
        for d in summary.data
    )
    return (Table(("task", "data", "classes", *splits), rows, left=2),) if rows else ("No data has been read yet.",)


def faults(summary: Summary) -> Blocks:
    """What is not there, and why."""
    labels = {result.variant.name: result.variant.label for result in summary.results}
    failed = tuple(
        (labels[f.variant], f.task, f.setting, listed(f.seeds), f.why) for f in summary.faults if f.state == "failed"
    )
    empty = dict.fromkeys((f.task, f.why) for f in summary.faults if f.state == "no-data")
    missing = [(labels[f.variant], f.task, len(f.seeds)) for f in summary.faults if f.state == "missing"]
    late = {label: [m for m in missing if m[0] == label] for label, _, _ in missing}
    found: list[str | Table] = []
    if failed:
        found += ["Failed:", Table(("method", "task", "learnt", "seeds", "why"), failed, left=5)]
    if empty:
        found += ["Without data:", Table(("task", "why"), tuple(empty), left=2)]
    if late:
        rows = tuple((label, str(sum(m[2] for m in f)), ", ".join(m[1] for m in f)) for label, f in late.items())
        found += ["Not there yet:", Table(("method", "runs", "tasks"), tuple((a, c, b) for a, b, c in rows), left=2)]
    return tuple(found) or ("Every run is there.",)


def origin(summary: Summary) -> Blocks:
    """Where the numbers come from."""
    terms, found = summary.terms, summary.origin
    settings = ", ".join(f"{key} = {value}" for key, value in terms.settings.items())
    facts = (
        *(("command", f"`{line}`") for line in terms.command.splitlines()),
        ("root", terms.root),
        ("scale", f"{terms.scale:g}"),
        ("budget", f"{terms.budget:,} examples a task and method at most"),
        ("settings", settings or "the suite's"),
        ("seeds", listed(found.seeds) or NOTHING),
        ("runs done", f"{found.runs:,}"),
        ("time", f"{duration(found.seconds)} of training and validation, over all runs"),
        *(("machine", machine) for machine in found.machines),
        *(("versions", versions) for versions in found.versions),
        ("dates", " to ".join(dict.fromkeys((found.first_date, found.last_date))) or NOTHING),
    )
    methods = tuple((r.variant.label, r.variant.name, r.variant.method) for r in summary.results)
    expected = (f"Expected: {terms.expect}",) if terms.expect else ()
    return (
        *((terms.paper,) if terms.paper else ()),
        *expected,
        Table(("", ""), facts, left=2),
        Table(("method", "name", "resolved"), methods, left=3),
    )


PARTS: dict[str, tuple[str, Callable[[Summary], Blocks]]] = {
    "overview": ("Overview", overview),
    "comparison": ("Compared with the reference", comparison),
    "frontier": ("Quality against size and compute", frontier),
    "accuracy": ("Test accuracy", accuracy),
    "validation": ("Validation accuracy", validation),
    "size": ("Parameters", size),
    "cost": ("Cost", cost),
    "transfer": ("Transfer", transfer),
    "matrix": ("Shared components", matrix),
    "tasks": ("Data", tasks),
    "faults": ("Faults", faults),
    "origin": ("Origin", origin),
}
"""The parts by name: their titles, and what makes them."""


def _compared(summary: Summary) -> str:
    """What means are taken of, in words."""
    block = summary.compared
    if not block.tasks:
        return "No task has been done by all methods yet: there are no means to compare."
    total = len(block.tasks) + len(block.left_out)
    named = f"{len(block.tasks)} of {plural(total, 'task')}" if block.left_out else f"all {plural(total, 'task')}"
    seeds = f"seeds {listed(block.seeds)}" if len(block.seeds) > 1 else f"seed {block.seeds[0]} only"
    text = f"Means over {named} and {seeds}: what all methods have done."
    if len(block.seeds) > 1:
        text += " ± is a 95 % interval over seeds."
    if block.left_out:
        text += f" Left out: {'; '.join(f'{task}: {why}' for task, why in block.left_out.items())}."
    if block.unfinished:
        labels = {result.variant.name: result.variant.label for result in summary.results}
        text += f" Not finished yet, so not averaged: {listed([labels[name] for name in block.unfinished])}."
    return text


def _legend(summary: Summary) -> str:
    """How to read a table by task."""
    tasks, seeds = len(summary.compared.tasks), len(summary.compared.seeds)
    several = "± is a 95 % interval over seeds; n is given where it is not all seeds. "
    mean = f"The mean is over {plural(tasks, 'task')} and {plural(seeds, 'seed')}. "
    return (several if len(summary.origin.seeds) > 1 else "") + (mean if tasks else "") + f"{NOTHING}: not there yet."


Reported = tuple[str, dict[str, float]]


def _by_task(summary: Summary, name: str, show: Callable[[float], str], published: Iterable[Reported] = ()) -> Table:
    """A measure by method and task, and its mean; the longer side goes down."""
    tasks = tuple(summary.reference.tasks)
    cell = partial(_cell, name=name, show=show, seeds=len(summary.origin.seeds))
    rows = [
        (
            result.variant.label,
            *(cell(result.tasks[task]) for task in tasks),
            with_interval(show, _of(result.means, name)),
        )
        for result in summary.results
    ]
    for label, by_task in published:
        values = [by_task[task] for task in summary.compared.tasks if task in by_task]
        mean = sum(values) / len(values) if values and len(values) == len(summary.compared.tasks) else None
        shown = (show(by_task[task]) if task in by_task else NOTHING for task in tasks)
        rows.append((label, *shown, NOTHING if mean is None else show(mean)))
    table = Table(("method", *tasks, "mean"), tuple(rows))
    return table if len(tasks) <= WIDE else table.turned()


def _cell(result: TaskResult, name: str, show: Callable[[float], str], seeds: int) -> str:
    found = _of(result.measures, name)
    if found is None:
        return {"failed": "failed", "no-data": "no data"}.get(result.state, NOTHING)
    return with_interval(show, found) + (f" (n = {found.n})" if found.n < seeds else "")


def _of(measures: Measures | None, name: str) -> Estimate | None:
    return getattr(measures, name) if measures else None


def _any_done(summary: Summary) -> bool:
    return any(task.measures for result in summary.results for task in result.tasks.values())


def _reported(summary: Summary) -> list[Reported]:
    """Published accuracies: of each method, by task."""
    names = dict.fromkeys(name for by_name in summary.terms.reported.values() for name in by_name)
    return [
        (name, {task: found[name] for task, found in summary.terms.reported.items() if name in found}) for name in names
    ]


def _published(name: str) -> str:
    return f"{name}, as published"


def _transfer_row(result: VariantResult) -> tuple[str, ...]:
    found = result.transfer
    return (
        result.variant.label,
        _measured(found.backward.mean if found.backward else None),
        _measured(found.largest_change),
        with_interval(difference, found.forward),
        str(found.forward.n) if found.forward else NOTHING,
        found.forward.verdict if found.forward else NOTHING,
    )


def _measured(value: float | None) -> str:
    """A number in full: what should be exactly 0 is not rounded to it."""
    return NOTHING if value is None else f"{value}"


def _forgot(result: VariantResult) -> str:
    change = result.transfer.largest_change
    return f"**{result.variant.label} changed what it had learnt, by up to {change}: this must not happen.**"


def _forward_by_task(found: list[VariantResult]) -> Blocks:
    """Forward transfer of every task."""
    known = [result for result in found if result.transfer.forward_tasks]
    if not known:
        return ()
    tasks = tuple(dict.fromkeys(task for result in known for task in result.transfer.forward_tasks))
    rows = tuple(
        (
            result.variant.label,
            *(with_interval(difference, result.transfer.forward_tasks.get(task)) for task in tasks),
        )
        for result in known
    )
    table = Table(("forward transfer", *tasks), rows)
    return (table if len(tasks) <= WIDE else table.turned(),)


def _matrix(text: str, found: Matrix, show: Callable[[float], str]) -> Blocks:
    if len(found.tasks) > MATRIX:
        return (f"{text} Of {len(found.tasks)} tasks: see report.json.".strip(),)
    rows = tuple(
        (task, *("" if value is None else show(value) for value in row))
        for task, row in zip(found.tasks, found.rows, strict=True)
    )
    return (*((text,) if text else ()), Table(("", *found.tasks), rows))
