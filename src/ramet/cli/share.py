"""`ramet push`, `pull`, `export` and `import`: systems and single paths go from one place to another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.text import percent, plural
from ramet.cli.options import AsJson, Folder, open_system
from ramet.cli.output import say, show, show_json, size
from ramet.cli.progress import showing

if TYPE_CHECKING:
    from ramet.store.exchange.transfer import Transfer

RemoteName = Annotated[
    str,
    typer.Argument(
        metavar="REMOTE",
        help="Another system's folder, or a URL: s3://bucket/prefix, file:///folder, or what else fsspec reads.",
        show_default=False,
    ),
]
BranchName = Annotated[
    str | None, typer.Argument(metavar="BRANCH", help="The branch; the current one by default.", show_default=False)
]


def push(remote: RemoteName, branch: BranchName = None, as_json: AsJson = False, folder: Folder = None) -> None:
    """Bring a branch to a remote: only what is missing there travels; stopped at any point, run it again."""
    with showing() as steps:
        done = open_system(folder).store.push(remote, branch, progress=steps)
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


def pull(remote: RemoteName, branch: BranchName = None, as_json: AsJson = False, folder: Folder = None) -> None:
    """Bring a branch of a remote here: it moves ahead, or comes as REMOTE/BRANCH to be merged."""
    with showing() as steps:
        done = open_system(folder).store.pull(remote, branch, progress=steps)
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


def export(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task that has a path.", show_default=False)],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)],
    folder: Folder = None,
) -> None:
    """Write a task's path, with all that it needs and a model card, into a folder."""
    system = open_system(folder)
    written = system.store.export_task(task, directory)
    show(f"{directory}: path {system.path(task).id} of {task} ({size(written)}); README.md tells how to use it")


def import_(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that `ramet export` wrote.", show_default=False)
    ],
    name: Annotated[str | None, typer.Option(help="Of the task here.", show_default="the one that it had")] = None,
    folder: Folder = None,
) -> None:
    """Publish an exported path as a task's, by one commit."""
    path = open_system(folder).store.import_task(directory, name)
    show(f"{path.task} has the path {path.id} (validation {percent(path.metrics.get('quality'))})")
    say("images do not come along: they are read from the task's source when they are needed")


def _travelled(done: "Transfer") -> str:
    if not done.commits and not done.objects and not done.tags:
        return ""
    tags = f", {plural(len(done.tags), 'tag')} ({', '.join(done.tags)})" if done.tags else ""
    return f": {plural(done.commits, 'commit')}, {plural(done.objects, 'object')} ({size(done.bytes)}){tags}"
