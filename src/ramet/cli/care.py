"""`ramet verify` and `ramet gc`: is the system as it was written, and what can go."""

from typing import TYPE_CHECKING, Annotated

import typer

from ramet.cli.interrupt import load_torch
from ramet.cli.options import AsJson, Device, Folder, open_system
from ramet.cli.output import NOTHING, percent, plural, say, show, show_json, size, table
from ramet.cli.progress import progress_bar

if TYPE_CHECKING:
    from ramet.results import QualityCheck
    from ramet.store.care import Fault
    from ramet.system import System


def verify(
    quality: Annotated[bool, typer.Option("--quality", help="Measure every task's test quality again, too.")] = False,
    device: Device = "auto",
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Check every object against its name; exit with 1 when something is wrong."""
    system = open_system(folder)
    with progress_bar("checking") as bar:
        faults = system.verify(progress=bar)
    checks = _measured(system, device) if quality and not faults else []
    if as_json:
        show_json({"faults": faults, "quality": [_check_record(check) for check in checks]})
    else:
        _report(faults, checks, quality)
    if faults or not all(check.equal for check in checks):
        raise typer.Exit(1)


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Drop the objects that no published path, root or running agent holds."""
    report = open_system(folder).gc(dry_run=dry_run)
    if as_json:
        show_json(report)
        return
    verb = "would drop" if dry_run else "dropped"
    dropped, kept = plural(report.objects, "object"), f"{report.kept:,} ({size(report.kept_bytes)})"
    show(f"{verb} {dropped} ({size(report.bytes)}), kept {kept}")


def _measured(system: "System", device: str) -> "list[QualityCheck]":
    load_torch()
    with progress_bar("measuring") as bar:
        return system.verify_quality(device=device, progress=bar.named)


def _check_record(check: "QualityCheck") -> dict[str, object]:
    fields = ("task", "path", "recorded", "measured", "equal")
    return {field: getattr(check, field) for field in fields}


def _report(faults: "list[Fault]", checks: "list[QualityCheck]", quality: bool) -> None:
    for fault in faults:
        affected = ", ".join((*fault.tasks, *fault.roots)) or "nothing that is in use: `ramet gc` takes it away"
        show(f"{fault.problem}; affects {affected}")
    if faults:
        say(f"{plural(len(faults), 'fault')}{'; qualities are measured once they are mended' if quality else ''}")
        return
    show("every object is as it was written")
    if checks:
        rows = ([c.task, percent(c.recorded), percent(c.measured), "equal" if c.equal else "CHANGED"] for c in checks)
        show(table(("task", "test, recorded", "measured", ""), rows, right=("test, recorded", "measured")))
    changed = [check.task for check in checks if not check.equal]
    if changed:
        say(f"the test quality of {', '.join(changed)} is not what it was")
    elif quality:
        show("every test quality is what it was" if checks else f"{NOTHING} no task has a path yet")
