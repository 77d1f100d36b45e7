"""Parts on where the numbers come from: what was read, what is missing, and what was run."""

from ramet.base.text import NOTHING, duration, listed
from ramet.report.tables import Table
from ramet.study.parts.common import Blocks
from ramet.study.summary import Fault, Summary
from ramet.tasks.sources.base import SPLITS


def tasks(summary: Summary) -> Blocks:
    """Return what was read."""
    splits = [split for split in SPLITS if any(split in data.splits for data in summary.data)]
    rows = tuple(
        (d.task, d.source, str(d.classes), *(f"{d.splits[s]:,}" if s in d.splits else NOTHING for s in splits))
        for d in summary.data
    )
    return (Table(("task", "data", "classes", *splits), rows, left=2),) if rows else ()


def faults(summary: Summary) -> Blocks:
    """Return what is not there, and why."""
    found = (
        ("Failed:", Table(("variant", "task", "learned", "seeds", "why"), _failed(summary), left=5)),
        ("Without data:", Table(("task", "why"), _without_data(summary), left=2)),
        ("Not there yet:", Table(("variant", "tasks", "runs"), _missing(summary), left=2)),
    )
    return tuple(block for title, table in found if table.rows for block in (title, table))


def origin(summary: Summary) -> Blocks:
    """Return where the numbers come from."""
    design, found = summary.design, summary.origin
    settings = ", ".join(f"{key} = {value}" for key, value in design.settings.items())
    of_suite = (
        *(("command", f"`{line}`") for line in design.commands),
        ("root", design.root),
        ("scale", f"{design.scale:g}"),
        ("settings", settings or "the suite's"),
    )
    facts = (
        *(of_suite if design.root else (("base", f"{design.base} at {found.commit}"), ("begun", found.time))),
        ("budget", f"{max(v.budget for v in summary.variants):,} examples a task and variant at most"),
        ("seeds", listed(found.seeds or design.seeds)),
        ("runs done", f"{found.runs:,}"),
        ("time", f"{duration(found.seconds)} of training and validation, over all runs"),
        *(("machine", machine) for machine in found.machines),
        *(("versions", versions) for versions in found.versions),
        ("dates", " to ".join(dict.fromkeys((found.first_date, found.last_date))) or NOTHING),
        *((("children", "not kept in these records"),) if _without_children(summary) else ()),
    )
    methods = tuple((v.label, v.name, v.method) for v in summary.variants)
    return (
        *((design.paper,) if design.paper else ()),
        *((f"Expected: {design.expect}",) if design.expect else ()),
        Table(("", ""), facts, left=2),
        Table(("variant", "name", "method"), methods, left=3),
    )


def _without_children(summary: Summary) -> bool:
    return any(record.tried is None for record in summary.done)


def _failed(summary: Summary) -> tuple[tuple[str, ...], ...]:
    labels = {variant.name: variant.label for variant in summary.variants}
    failed = [fault for fault in summary.faults if fault.state == "failed"]
    how = {True: "alone", False: "together"}
    return tuple((labels[f.variant], f.task, how[f.alone], listed(f.seeds), f.why) for f in failed)


def _without_data(summary: Summary) -> tuple[tuple[str, ...], ...]:
    """Return a line a task: it is the same for all variants."""
    return tuple(dict.fromkeys((fault.task, fault.why) for fault in summary.faults if fault.state == "no-data"))


def _missing(summary: Summary) -> tuple[tuple[str, ...], ...]:
    """Return a line a variant."""
    late: dict[str, list[Fault]] = {}
    for fault in summary.faults:
        if fault.state == "missing":
            late.setdefault(fault.variant, []).append(fault)
    return tuple(
        (variant.label, listed([f.task for f in found]), str(sum(len(f.seeds) for f in found)))
        for variant in summary.variants
        if (found := late.get(variant.name))
    )
