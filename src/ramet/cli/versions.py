"""`ramet log`, `diff`, `branch`, `switch`, `tag`, `merge`, `restore` and `revert`: versions of a system."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.errors import InvalidValue
from ramet.base.text import NOTHING, count, percent, plural
from ramet.cli.lanes import drawn
from ramet.cli.options import AsJson, Folder, open_system
from ramet.cli.output import Listing, facts, say, show, show_json, table

if TYPE_CHECKING:
    from ramet.base.records import Commit
    from ramet.evolution.merge import Policy
    from ramet.results import Diff, Figures, Merged, TaskDiff
    from ramet.system import System

SHORT = 8
"""Digits of an id in a listing."""

At = Annotated[
    str | None,
    typer.Argument(
        metavar="COMMIT", help="A branch, a tag, an id or its start; NAME~N.", show_default="the branch's last"
    ),
]


def log(
    at: At = None,
    limit: Annotated[int | None, typer.Option(min=1, max=2**31, help="Only the last ones.", show_default="all")] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """List the commits that lead to one, newest first."""
    system = open_system(folder)
    commits = system.versions.log(at, limit=limit)
    if as_json:
        show_json(commits)
        return
    names = _names(system)
    by_id = {commit.id: commit for commit in commits}
    for row, id in drawn((commit.id, commit.parents) for commit in commits):
        show(row if id is None else f"{row}  {_line(by_id[id], names)}")


def diff(
    first: Annotated[str, typer.Argument(metavar="COMMIT", help="From this commit.", show_default=False)],
    second: Annotated[
        str | None, typer.Argument(metavar="COMMIT", help="To this one.", show_default="the branch's last")
    ] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Compare two commits: tasks, quality, size, compute, components."""
    found = open_system(folder).versions.diff(first, second)
    if as_json:
        show_json(found)
        return
    if found.tasks:
        show(diff_table(found.tasks), "")
    show(facts(_totals(found)))


def branch(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Of a new branch.", show_default="list them all")
    ] = None,
    at: At = None,
    delete: Annotated[bool, typer.Option("--delete", "-d", help="Delete the branch instead.")] = False,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """List the branches, make one, or delete one."""
    system = open_system(folder)
    if name is None:
        _need_name(delete)
        _list_branches(system, as_json)
    elif delete:
        system.versions.delete_branch(name)
        show(f"deleted branch {name}; `ramet gc` frees what only it led to")
    else:
        commit = system.versions.add_branch(name, at)
        show(f"branch {name} at {_line(commit, {})}")
        say(f"next: ramet switch {name}")


def switch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The branch.", show_default=False)],
    create: Annotated[bool, typer.Option("--create", "-c", help="Make it first, where the system is.")] = False,
    folder: Folder = None,
) -> None:
    """Go to another branch: the folder's commands are on it from then on."""
    system = open_system(folder)
    if create:
        system.versions.add_branch(name)
    system.versions.switch(name)
    show(f"on branch {name}, at {_line(system.versions.commit(), {})}")


def tag(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Of a new tag.", show_default="list them all")
    ] = None,
    at: At = None,
    message: Annotated[str, typer.Option("--message", "-m", help="What it is for.", show_default=False)] = "",
    delete: Annotated[bool, typer.Option("--delete", "-d", help="Delete the tag instead.")] = False,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """List the tags, give a commit one, or delete one."""
    system = open_system(folder)
    if name is None:
        _need_name(delete)
        _list_tags(system, as_json)
    elif delete:
        system.versions.delete_tag(name)
        show(f"deleted tag {name}; `ramet gc` frees what only it led to")
    else:
        made = system.versions.tag(name, at, message=message)
        show(f"tag {name} at {_line(system.versions.commit(made.commit), {})}")


def merge(
    name: Annotated[str, typer.Argument(metavar="BRANCH", help="What is merged.", show_default=False)],
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="best|theirs|ours", help="Whose path a task takes that both sides changed.", show_default="refuse"
        ),
    ] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Merge a branch into the current one, task by task, as one commit."""
    system = open_system(folder)
    chosen: Policy | None = policy  # type: ignore[assignment]  # checked by merge, whose error names them
    merged = system.versions.merge(name, policy=chosen)
    if as_json:
        show_json(merged)
    else:
        _report(system, name, merged)


def restore(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task.", show_default=False)],
    source: Annotated[str, typer.Option("--from", metavar="COMMIT", help="Where it had the path.", show_default=False)],
    folder: Folder = None,
) -> None:
    """Publish the path that a task had at a commit, by a new commit."""
    system = open_system(folder)
    before = system.versions.commit()
    commit = system.versions.restore(task, source)
    show(f"{task} has that path already" if commit == before else _line(commit, {}))


def revert(
    at: Annotated[str, typer.Argument(metavar="COMMIT", help="The commit.", show_default=False)],
    folder: Folder = None,
) -> None:
    """Undo what a commit changed, by a new commit."""
    show(_line(open_system(folder).versions.revert(at), {}))


def show_commit(system: "System", commit: "Commit", as_json: bool) -> None:
    """Show a commit: where it comes from, and what it changed."""
    changes = system.versions.diff(commit.parents[0], commit.id).tasks if commit.parents else ()
    if as_json:
        show_json({"commit": commit, "changes": changes})
        return
    show(
        facts(
            [
                ("commit", commit.id),
                ("names", ", ".join(_names(system)[commit.id]) or NOTHING),
                ("parents", ", ".join(commit.parents) or NOTHING),
                ("time", commit.time),
                ("author", commit.author or NOTHING),
                ("method", commit.method or NOTHING),
                ("ramet", commit.code or NOTHING),
                ("message", commit.message),
            ]
        )
    )
    if changes:
        show("", diff_table(changes))


def diff_table(tasks: "Sequence[TaskDiff]") -> Listing:
    """Return a table of the tasks whose path is another one, with what moved."""
    columns = ("task", "change", "valid., %", "test, %", "accounted", "FLOPs", "new", "shared")
    return table(columns, map(_diff_row, tasks), right=("new", "shared"))


def _diff_row(found: "TaskDiff") -> list[str]:
    def moved(value: "Callable[[Figures], float | None]", shown: Callable[[float | None], str]) -> str:
        before, after = (shown(value(side)) if side else "" for side in (found.before, found.after))
        (start, _, unit), (end, _, same) = before.partition(" "), after.partition(" ")
        if before == after or not (before and after):
            return after or before
        return f"{start}→{end} {unit}".rstrip() if unit == same else f"{before}→{after}"

    return [
        found.task,
        found.change,
        moved(lambda figures: figures.quality, _points),
        moved(lambda figures: figures.test_quality, _points),
        moved(lambda figures: figures.accounted_params, count),
        moved(lambda figures: figures.flops, count),
        str(len(found.added)) if found.after else NOTHING,
        str(len(found.shared)) if found.after else NOTHING,
    ]


def _points(share: float | None) -> str:
    return percent(share).removesuffix("%")


def _totals(found: "Diff") -> list[tuple[str, str]]:
    before, after = found.total_before, found.total_after
    return [
        ("commits", f"{found.before[:SHORT]} → {found.after[:SHORT]}"),
        ("tasks", f"{before.tasks:,} → {after.tasks:,}"),
        ("mean validation", f"{percent(before.quality)} → {percent(after.quality)}"),
        ("mean test", f"{percent(before.test_quality)} → {percent(after.test_quality)}"),
        ("all parameters", f"{count(before.params)} → {count(after.params)}"),
        ("mean FLOPs", f"{count(before.flops)} → {count(after.flops)}"),
    ]


def _names(system: "System") -> dict[str, list[str]]:
    """Return branches and tags by their commits; the current branch first, with a star."""
    found = defaultdict(list)
    for known in sorted(system.versions.branches(), key=lambda known: not known.current):
        found[known.commit].append(f"*{known.name}" if known.current else known.name)
    for named in system.versions.tags():
        found[named.commit].append(f"tag {named.name}")
    return found


def _line(commit: "Commit", names: dict[str, list[str]]) -> str:
    named = f"  [{', '.join(names[commit.id])}]" if names.get(commit.id) else ""
    return f"{commit.id[:SHORT]}  {_minute(commit.time)}  {commit.message}{named}"


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _list_branches(system: "System", as_json: bool) -> None:
    found = system.versions.branches()
    if as_json:
        show_json(found)
        return
    rows = (
        ["*" if b.current else "", b.name, f"{b.tasks:,}", b.commit[:SHORT], _minute(b.time), b.message] for b in found
    )
    show(table(("", "branch", "tasks", "commit", "time", "message"), rows, right=("tasks",)))


def _list_tags(system: "System", as_json: bool) -> None:
    found = system.versions.tags()
    if as_json:
        show_json(found)
    elif not found:
        say("no tags yet; make one with `ramet tag NAME`")
    else:
        rows = ([known.name, known.commit[:SHORT], _minute(known.time), known.message] for known in found)
        show(table(("tag", "commit", "made", "message"), rows))


def _need_name(delete: bool) -> None:
    if delete:
        raise InvalidValue("--delete has no name", "name what to delete")


def _report(system: "System", name: str, merged: "Merged") -> None:
    if merged.how == "nothing":
        show(f"{system.versions.branch} has all of {name} already")
        return
    rows = [
        *([task, "theirs", NOTHING, NOTHING] for task in merged.taken),
        *([c.task, c.taken, _score(c.our_score), _score(c.their_score)] for c in merged.choices),
    ]
    if rows:
        scores = ("our score", "their score")
        show(table(("task", "taken", *scores), rows, right=scores), "")
    commit = _line(system.versions.commit(merged.commit), {})
    show(f"{system.versions.branch} moved forward to {commit}" if merged.how == "forward" else commit)
    kept = sum(choice.taken == "ours" for choice in merged.choices)
    say(f"{plural(len(rows) - kept, 'task')} from {name}{f', {kept} of both kept' if kept else ''}")


def _score(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"
