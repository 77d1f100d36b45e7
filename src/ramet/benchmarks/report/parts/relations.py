"""Parts on what tasks of one system owe to each other: transfer and shared components."""

from ramet.base.text import NOTHING, count, difference, share
from ramet.benchmarks.report.parts.common import WIDE, Blocks, Show
from ramet.benchmarks.report.summary import Summary, VariantResult
from ramet.benchmarks.report.transfer import Matrix
from ramet.report.tables import Picture, Table, with_interval

MATRIX = 24
"""Tasks whose matrix is printed; of more, the JSON file has it."""


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
            f"Test accuracy of {found[0].variant.label}, seed {found[0].transfer.seed}: a row when its task had been "
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
        f"{result.variant.label}, seed {result.transfer.seed}.",
        *_matrix("", result.transfer.sharing, count),
        Picture("sharing", f"Parameters shared between tasks by {result.variant.label}"),
    )


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


def _matrix(text: str, found: Matrix, show: Show) -> Blocks:
    if len(found.tasks) > MATRIX:
        return (f"{text} Of {len(found.tasks)} tasks: see report.json.".strip(),)
    rows = tuple(
        (task, *("" if value is None else show(value) for value in row))
        for task, row in zip(found.tasks, found.rows, strict=True)
    )
    return (*((text,) if text else ()), Table(("", *found.tasks), rows))
