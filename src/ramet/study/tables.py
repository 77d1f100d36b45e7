"""Tables of a measure by variant and task, and the sentences on what their means are taken of."""

from collections.abc import Iterable, Sequence
from statistics import fmean

from ramet.base.text import NOTHING, listed, plural, share
from ramet.report.document import Table
from ramet.study.design import Measure
from ramet.study.statistics import Estimate
from ramet.study.summary import SUMMED, Summary, VariantResult
from ramet.study.wording import SHOWN, with_interval

WIDE = 12
"""Tasks that a table has room for side by side; more are set one below the other."""


def averaged(summary: Summary) -> str:
    """Return what means are taken of, in words."""
    block = summary.compared
    if not block.tasks:
        return "No task has been done by all variants yet: there are no means to compare."
    labels = {variant.name: variant.label for variant in summary.variants}
    total = len(block.tasks) + len(block.left_out)
    named = f"{len(block.tasks)} of {plural(total, 'task')}" if block.left_out else f"all {plural(total, 'task')}"
    most = max(block.seeds.values(), key=len)
    fewer = "; ".join(f"{labels[name]}: {_seeds(found)}" for name, found in block.seeds.items() if found != most)
    over = _seeds(most) + (f" ({fewer})" if fewer else "")
    over += "" if len(most) == 1 else "; ± is a 95 % interval over seeds"
    sentences = [f"Means over {named} that all variants have done, and over {over}."]
    if block.left_out:
        sentences.append(f"Left out: {'; '.join(f'{task}: {why}' for task, why in block.left_out.items())}.")
    if block.unfinished:
        sentences.append(f"Not finished yet, so not averaged: {listed([labels[name] for name in block.unfinished])}.")
    return " ".join(sentences)


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'' if len(seeds) == 1 else 's'} {listed(seeds)}"


def legend(summary: Summary) -> str:
    """Return how to read a table by task."""
    several = "± is a 95 % interval over seeds; n is given where it is not all seeds. "
    mean = f"Means and sums are over {plural(len(summary.compared.tasks), 'task')}. "
    more = len(summary.origin.seeds) > 1
    return (several if more else "") + (mean if summary.compared.tasks else "") + f"{NOTHING}: not there yet."


def by_task(summary: Summary, measure: Measure, reported: Iterable[tuple[str, ...]] = ()) -> Table:
    """Return a measure by variant and task, and its mean."""
    tasks, states = summary.design.task_names, {"failed": "failed", "no-data": "no data"}

    def row(variant: VariantResult) -> tuple[str, ...]:
        results = [variant.tasks[task] for task in tasks]
        cells = (cell(summary, r.means[measure], measure) if r.means else states.get(r.state, NOTHING) for r in results)
        return (variant.label, *cells, cell(summary, variant.means.get(measure), measure))

    rows = tuple(map(row, summary.variants))
    return narrowed(Table(("variant", *tasks, "sum" if measure in SUMMED else "mean"), (*rows, *reported)), tasks)


def narrowed(table: Table, tasks: Sequence[str]) -> Table:
    """Return a table with a column a task as one that a page has room for."""
    return table if len(tasks) <= WIDE else table.turned()


def cell(summary: Summary, found: Estimate | None, measure: Measure) -> str:
    """Return a mean over seeds; how many, where that is not all."""
    fewer = found is not None and found.n < len(summary.origin.seeds)
    return with_interval(SHOWN[measure][1], found) + (f" (n = {found.n})" if found and fewer else "")


def reported_rows(summary: Summary) -> list[tuple[str, ...]]:
    """Return what each paper reports by task; its mean, if the tasks averaged are all among them."""
    reported, common = summary.design.reported, summary.compared.tasks
    rows = []
    for name in dict.fromkeys(name for by_name in reported.values() for name in by_name):
        values = {task: found[name] for task, found in reported.items() if name in found}
        mean = fmean(values[task] for task in common) if common and set(common) <= values.keys() else None
        cells = (*(values.get(task) for task in summary.design.task_names), mean)
        rows.append((f"{name}, reported", *(NOTHING if value is None else share(value) for value in cells)))
    return rows
