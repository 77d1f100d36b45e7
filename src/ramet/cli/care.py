"""`ramet verify` and `ramet gc`: is the system as it was written, and what can go."""

from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.text import NOTHING, percent, plural
from ramet.cli.options import AsJson, Device, Folder, open_system
from ramet.cli.output import say, show, show_json, size, table
from ramet.cli.progress import showing

if TYPE_CHECKING:
    from ramet.results import QualityCheck
    from ramet.store.care import Fault
    from ramet.system import System


def verify(
    quality: Annotated[bool, typer.Option("--quality", help="Measure every task's test quality again, too.")] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="REMOTE",
            help="Bring damaged and missing objects back from this system's folder or URL.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Check every object against its name; exit with 1 when something is wrong."""
    system = open_system(folder)
    with showing() as steps:
        faults = system.store.verify(source=source, progress=steps)
    left = [fault for fault in faults if not fault.repaired]
    checks = _measured(system, device) if quality and not left else []
    if as_json:
        show_json({"faults": faults, "quality": [_check_record(check) for check in checks]})
    else:
        _report(faults, checks, quality)
    if left or not all(check.equal for check in checks):
        raise typer.Exit(1)


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete them; else they are only counted.")] = False,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Find the objects that no branch, tag, root or running agent leads to, and delete them with --delete."""
    report = open_system(folder).store.gc(delete=delete)
    if as_json:
        show_json(report)
        return
    verb = "deleted" if delete else "would delete"
    gone, kept = plural(report.objects, "object"), f"{report.kept:,} ({size(report.kept_bytes)})"
    show(f"{verb} {gone} ({size(report.bytes)}), kept {kept}")
    if report.objects and not delete:
        say("`ramet gc --delete` deletes them")


def _measured(system: "System", device: str) -> "list[QualityCheck]":
    with showing() as steps:
        return system.verify_quality(device=device, progress=steps)


def _check_record(check: "QualityCheck") -> dict[str, object]:
    fields = ("task", "path", "recorded", "measured", "equal")
    return {field: getattr(check, field) for field in fields}


def _affected(fault: "Fault") -> str:
    """Return what holds an object: tasks and roots, and where these are published; commits where it is only history."""
    holders = ", ".join((*fault.tasks, *fault.roots))
    if not holders:
        return "nothing that is in use: `ramet gc --delete` takes it away" if fault.digest else "the whole system"
    places = (("branch", "branches", fault.branches), ("tag", "tags", fault.tags))
    named = [f"{one if len(names) == 1 else many} {', '.join(names)}" for one, many, names in places if names]
    if not named and fault.commits:
        named = [f"the history: {plural(len(fault.commits), 'commit')} such as {fault.commits[0]}"]
    return holders + (f" ({'; '.join(named)})" if named else "")


def _report(faults: "list[Fault]", checks: "list[QualityCheck]", quality: bool) -> None:
    for fault in faults:
        show(f"{fault.problem}; {'repaired; it affected' if fault.repaired else 'affects'} {_affected(fault)}")
    left = sum(not fault.repaired for fault in faults)
    if left:
        say(f"{plural(left, 'fault')}{'; qualities are measured once they are mended' if quality else ''}")
        return
    show("every object is as it was written" if not faults else "every other object is as it was written")
    if checks:
        rows = ([c.task, percent(c.recorded), percent(c.measured), "equal" if c.equal else "CHANGED"] for c in checks)
        show(table(("task", "test, recorded", "measured", ""), rows, right=("test, recorded", "measured")))
    changed = [check.task for check in checks if not check.equal]
    if changed:
        say(f"the test quality of {', '.join(changed)} is not what it was")
    elif quality:
        show("every test quality is what it was" if checks else f"{NOTHING} no task has a path yet")
