"""Parts on where the numbers come from: what was read, what is missing, and what was run."""

from ramet.base.text import NOTHING, duration, listed
from ramet.benchmarks.report.parts.common import Blocks
from ramet.benchmarks.report.summary import Fault, Summary
from ramet.report.tables import Table


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
    found = (
        ("Failed:", Table(("method", "task", "learnt", "seeds", "why"), _failed(summary), left=5)),
        ("Without data:", Table(("task", "why"), _without_data(summary), left=2)),
        ("Not there yet:", Table(("method", "tasks", "runs"), _missing(summary), left=2)),
    )
    told = tuple(block for title, table in found if table.rows for block in (title, table))
    return told or ("Every run is there." if summary.origin.runs else "There are no runs yet.",)


def _failed(summary: Summary) -> tuple[tuple[str, ...], ...]:
    labels = {result.variant.name: result.variant.label for result in summary.results}
    failed = [fault for fault in summary.faults if fault.state == "failed"]
    return tuple((labels[f.variant], f.task, f.setting, listed(f.seeds), f.why) for f in failed)


def _without_data(summary: Summary) -> tuple[tuple[str, ...], ...]:
    """A line a task: it is the same for all methods."""
    return tuple(dict.fromkeys((fault.task, fault.why) for fault in summary.faults if fault.state == "no-data"))


def _missing(summary: Summary) -> tuple[tuple[str, ...], ...]:
    """A line a method."""
    late: dict[str, list[Fault]] = {}
    for fault in summary.faults:
        if fault.state == "missing":
            late.setdefault(fault.variant, []).append(fault)
    return tuple(
        (result.variant.label, listed([f.task for f in found]), str(sum(len(f.seeds) for f in found)))
        for result in summary.results
        if (found := late.get(result.variant.name))
    )


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
