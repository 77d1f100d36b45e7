"""`ramet push`, `pull`, `export` and `import`: systems and single paths go from one place to another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.text import percent, plural
from ramet.cli.options import AsJson, LearnedTask, argument, on_system
from ramet.cli.output import say, show, show_json, size
from ramet.cli.progress import showing

if TYPE_CHECKING:
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


def _travelled(done: "Transfer") -> str:
    if not done.commits and not done.objects and not done.tags:
        return ""
    tags = f", {plural(len(done.tags), 'tag')} ({', '.join(done.tags)})" if done.tags else ""
    return f": {plural(done.commits, 'commit')}, {plural(done.objects, 'object')} ({size(done.bytes)}){tags}"
