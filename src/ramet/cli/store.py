"""A system's store: `ramet verify`, `replay`, `gc` and `migrate` look after it.

`push`, `pull`, `export` and `import` bring systems and single paths from one place to another.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.text import NOTHING, percent, plural
from ramet.cli.look import changes
from ramet.cli.options import AsJson, Device, Folder, LearnedTask, argument, on_system, option, share_cores
from ramet.cli.output import TextTable, plain, points, say, show, show_json, size
from ramet.cli.progress import showing

if TYPE_CHECKING:
    from ramet.results import QualityCheck, Replay
    from ramet.store.care import Fault
    from ramet.store.exchange.transfer import Transfer
    from ramet.system import System


RemoteName = Annotated[
    str,
    argument(
        "REMOTE", "Another system's folder, or a URL: s3://bucket/prefix, file:///folder, or what else fsspec reads."
    ),
]
BranchName = Annotated[str | None, argument("BRANCH", "The branch; the current one by default.")]


@on_system
def verify(
    system: "System",
    quality: Annotated[bool, typer.Option("--quality", help="Measure every task's test quality again, too.")] = False,
    source: Annotated[
        str | None,
        option("REMOTE", "Bring damaged and missing objects back from this system's folder or URL.", False, "--from"),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Check every object against its name; exit with 1 when something is wrong."""
    with showing() as steps:
        faults = system.store.verify(source=source, progress=steps)
    left = [fault for fault in faults if not fault.repaired]
    checks: list[QualityCheck] = []
    if quality and not left:
        with showing() as steps:
            checks = system.verify_quality(device=device, progress=steps)
    if as_json:
        show_json({"faults": faults, "quality": [{**plain(check), "equal": check.equal} for check in checks]})
    else:
        _report(faults, checks, quality)
    if left or not all(check.equal for check in checks):
        raise typer.Exit(1)


@on_system
def replay(
    system: "System",
    name: Annotated[str, argument("TASK|PATH", "A task, or the id of a path that was published.")],
    tolerance: Annotated[
        float, typer.Option(metavar="SHARE", help="How far accuracies may be apart where bytes differ.")
    ] = 0.02,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a path again from its recorded seeds and compare; exit with 1 when it is another one."""
    path = system.path(name)
    made_by = next((run for run in system.runs(path.task) if run.id == path.agent), None) if path.task else None
    if made_by is not None:
        share_cores(made_by.method["budget"]["generation"])
    with showing() as steps:
        found = system.replay(name, device=device, tolerance=tolerance, progress=steps)
    if as_json:
        show_json({**plain(found), "agrees": found.agrees})
    else:
        _report_replay(system, found)
    if not found.agrees:
        raise typer.Exit(1)


@on_system
def gc(
    system: "System",
    delete: Annotated[bool, typer.Option("--delete", help="Delete them; else they are only counted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the objects that no branch, tag, root or running agent leads to, and delete them with --delete."""
    report = system.store.gc(delete=delete)
    if as_json:
        show_json(report)
        return
    verb = "deleted" if delete else "would delete"
    gone, kept = plural(report.objects, "object"), f"{report.kept:,} ({size(report.kept_bytes)})"
    show(f"{verb} {gone} ({size(report.bytes)}), kept {kept}")
    if report.objects and not delete:
        say("`ramet gc --delete` deletes them")


def migrate(folder: Folder = None) -> None:
    """Bring a system that an older ramet made to this one's format; may be stopped and run again."""
    from ramet.store.folder import FORMAT, migrate

    where = (folder or Path()).expanduser().resolve()
    before = migrate(where)
    show(f"{where}: format {FORMAT}" + ("" if before == FORMAT else f", was {before}"))


@on_system
def push(system: "System", remote: RemoteName, branch: BranchName = None, as_json: AsJson = False) -> None:
    """Bring a branch to a remote: only what is missing there travels; stopped at any point, run it again."""
    with showing() as steps:
        done = system.store.push(remote, branch, progress=steps)
    if as_json:
        show_json(done)
        return
    said = {
        "made": f"{done.remote} has the new branch {done.branch} at {done.commit}",
        "moved": f"{done.remote} has the branch {done.branch} at {done.commit}",
        "even": f"{done.remote} has all of {done.branch}",
        "behind": f"{done.remote} has all of {done.branch} and more",
    }
    show(said[done.outcome] + _travelled(done))
    if done.outcome == "behind":
        say(f"next: ramet pull {remote} {done.branch}")


@on_system
def pull(system: "System", remote: RemoteName, branch: BranchName = None, as_json: AsJson = False) -> None:
    """Bring a branch of a remote here: it moves ahead, or comes as REMOTE/BRANCH to be merged."""
    with showing() as steps:
        done = system.store.pull(remote, branch, progress=steps)
    if as_json:
        show_json(done)
        return
    said = {
        "made": f"the new branch {done.branch} is at {done.commit}",
        "moved": f"the branch {done.branch} is at {done.commit}",
        "even": f"{done.branch} is what {done.remote} has",
        "behind": f"{done.branch} has all that {done.remote} has, and more",
        "apart": f"both sides have commits of their own: what came is on the branch {done.branch} at {done.commit}",
    }
    show(said[done.outcome] + _travelled(done))
    if done.outcome == "apart":
        say(f"next: ramet merge {done.branch}")


@on_system
def export(system: "System", task: LearnedTask, directory: Annotated[Path, argument("DIR", "A new folder.")]) -> None:
    """Write a task's path, with all that it needs and a model card, into a folder."""
    written = system.store.export_task(task, directory)
    show(f"{directory}: path {system.path(task).id} of {task} ({size(written)}); README.md tells how to use it")


@on_system
def import_(
    system: "System",
    directory: Annotated[Path, argument("DIR", "A folder that `ramet export` wrote.")],
    name: Annotated[str | None, typer.Option(help="Of the task here.", show_default="the one that it had")] = None,
) -> None:
    """Publish an exported path as a task's, by one commit."""
    path = system.store.import_task(directory, name)
    show(f"{path.task} has the path {path.id} (validation {percent(path.metrics.get('quality'))})")
    say("images do not come along: they are read from the task's source when they are needed")


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
        show(TextTable(("task", "test, recorded", "measured", ""), rows, right=("test, recorded", "measured")))
    changed = [check.task for check in checks if not check.equal]
    if changed:
        say(f"the test quality of {', '.join(changed)} is not what it was")
    elif quality:
        show("every test quality is what it was" if checks else f"{NOTHING} no task has a path yet")


def _report_replay(system: "System", found: "Replay") -> None:
    def quality(*measured: float | None) -> str:
        return "→".join(points(value) for value in measured if value is not None) or NOTHING

    qualities = ("valid., %", "test, %")
    rows = (
        [
            step.path[:8],
            step.task,
            step.verdict,
            quality(step.quality, step.quality_now),
            quality(step.test_quality, step.test_quality_now),
            changes(system.path(step.path), step.mutations),
        ]
        for step in found.steps
    )
    show(TextTable(("path", "task", "verdict", *qualities, "mutations"), rows, right=qualities))
    for step in found.steps:
        for difference in step.otherwise:
            say(f"{step.path[:8]}: {difference}")
    count = plural(len(found.steps), "step")
    if all(step.verdict == "identical" for step in found.steps):
        show(f"identical: {count} from {found.start}, every byte as recorded")
    elif found.agrees:
        show(f"agrees: {count} from {found.start}; bytes differ, accuracies by at most {found.tolerance:g}")
    else:
        show(f"different: path {found.path} is not what its record gives on {found.device}")


def _travelled(done: "Transfer") -> str:
    if not done.commits and not done.objects and not done.tags:
        return ""
    tags = f", {plural(len(done.tags), 'tag')} ({', '.join(done.tags)})" if done.tags else ""
    return f": {plural(done.commits, 'commit')}, {plural(done.objects, 'object')} ({size(done.bytes)}){tags}"
