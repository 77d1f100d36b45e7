"""`ramet log`, `diff`, `branch`, `switch`, `tag`, `merge`, `restore` and `revert`: versions of a system."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.errors import InvalidValue
from ramet.base.text import NOTHING, count, percent, plural
from ramet.cli.options import AsJson, Limit, argument, on_system, option
from ramet.cli.output import TextTable, facts, points, say, score, show, show_all, show_json

if TYPE_CHECKING:
    from ramet.base.records import Commit
    from ramet.evolution.merge import Policy
    from ramet.results import Branch, Figures, TaskDiff
    from ramet.store.versions.refs import Tag
    from ramet.system import System

SHORT = 8
"""Digits of an id in a listing."""

At = Annotated[str | None, argument("COMMIT", "A branch, a tag, an id or its start; NAME~N.", "the branch's last")]


@on_system
def log(system: "System", at: At = None, limit: Limit = None, as_json: AsJson = False) -> None:
    """List the commits that lead to one, newest first."""
    commits = system.versions.log(at, limit=limit)
    if as_json:
        show_json(commits)
        return
    names = _names(system)
    by_id = {commit.id: commit for commit in commits}
    for row, id in drawn((commit.id, commit.parents) for commit in commits):
        show(row if id is None else f"{row}  {_line(by_id[id], names)}")


@on_system
def diff(
    system: "System",
    first: Annotated[str, argument("COMMIT", "From this commit.")],
    second: Annotated[str | None, argument("COMMIT", "To this one.", "the branch's last")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two commits: tasks, quality, size, compute, components."""
    found = system.versions.diff(first, second)
    if as_json:
        show_json(found)
        return
    if found.tasks:
        show(diff_table(found.tasks), "")
    before, after = found.total_before, found.total_after
    totals = {
        "commits": f"{found.before[:SHORT]} → {found.after[:SHORT]}",
        "tasks": f"{before.tasks:,} → {after.tasks:,}",
        "mean validation": f"{percent(before.quality)} → {percent(after.quality)}",
        "mean test": f"{percent(before.test_quality)} → {percent(after.test_quality)}",
        "all parameters": f"{count(before.params)} → {count(after.params)}",
        "mean FLOPs": f"{count(before.flops)} → {count(after.flops)}",
    }
    show(facts(totals))


@on_system
def branch(
    system: "System",
    name: Annotated[str | None, argument("NAME", "Of a new branch.", "list them all")] = None,
    at: At = None,
    delete: Annotated[bool, typer.Option("--delete", "-d", help="Delete the branch instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the branches, make one, or delete one."""
    if name is None:
        _need_name(delete)
        columns = ("", "branch", "tasks", "commit", "time", "message")
        show_all(system.versions.branches(), as_json, columns, _branch_row, right=("tasks",))
    elif delete:
        system.versions.delete_branch(name)
        show(f"deleted branch {name}; `ramet gc` frees what only it led to")
    else:
        commit = system.versions.add_branch(name, at)
        show(f"branch {name} at {_line(commit, {})}")
        say(f"next: ramet switch {name}")


@on_system
def switch(
    system: "System",
    name: Annotated[str, argument("NAME", "The branch.")],
    create: Annotated[bool, typer.Option("--create", "-c", help="Make it first, where the system is.")] = False,
) -> None:
    """Go to another branch: the folder's commands are on it from then on."""
    if create:
        system.versions.add_branch(name)
    system.versions.switch(name)
    show(f"on branch {name}, at {_line(system.versions.commit(), {})}")


@on_system
def tag(
    system: "System",
    name: Annotated[str | None, argument("NAME", "Of a new tag.", "list them all")] = None,
    at: At = None,
    message: Annotated[str, typer.Option("--message", "-m", help="What it is for.", show_default=False)] = "",
    delete: Annotated[bool, typer.Option("--delete", "-d", help="Delete the tag instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the tags, give a commit one, or delete one."""
    if name is None:
        _need_name(delete)
        none = "no tags yet; make one with `ramet tag NAME`"
        show_all(system.versions.tags(), as_json, ("tag", "commit", "made", "message"), _tag_row, none=none)
    elif delete:
        system.versions.delete_tag(name)
        show(f"deleted tag {name}; `ramet gc` frees what only it led to")
    else:
        made = system.versions.tag(name, at, message=message)
        show(f"tag {name} at {_line(system.versions.commit(made.commit), {})}")


@on_system
def merge(
    system: "System",
    name: Annotated[str, argument("BRANCH", "What is merged.")],
    policy: Annotated[
        str | None, option("best|theirs|ours", "Whose path a task takes that both sides changed.", "refuse")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Merge a branch into the current one, task by task, as one commit."""
    chosen: Policy | None = policy  # type: ignore[assignment]  # checked by merge, whose error names them
    merged = system.versions.merge(name, policy=chosen)
    if as_json:
        show_json(merged)
        return
    if merged.how == "nothing":
        show(f"{system.versions.branch} has all of {name} already")
        return
    rows = [
        *([task, "theirs", NOTHING, NOTHING] for task in merged.taken),
        *([c.task, c.taken, score(c.our_score), score(c.their_score)] for c in merged.choices),
    ]
    if rows:
        scores = ("our score", "their score")
        show(TextTable(("task", "taken", *scores), rows, right=scores), "")
    commit = _line(system.versions.commit(merged.commit), {})
    show(f"{system.versions.branch} moved forward to {commit}" if merged.how == "forward" else commit)
    kept = sum(choice.taken == "ours" for choice in merged.choices)
    say(f"{plural(len(rows) - kept, 'task')} from {name}{f', {kept} of both kept' if kept else ''}")


@on_system
def restore(
    system: "System",
    task: Annotated[str, argument("TASK", "The task.")],
    source: Annotated[str, typer.Option("--from", metavar="COMMIT", help="Where it had the path.", show_default=False)],
) -> None:
    """Publish the path that a task had at a commit, by a new commit."""
    before = system.versions.commit()
    commit = system.versions.restore(task, source)
    show(f"{task} has that path already" if commit == before else _line(commit, {}))


@on_system
def revert(system: "System", at: Annotated[str, argument("COMMIT", "The commit.")]) -> None:
    """Undo what a commit changed, by a new commit."""
    show(_line(system.versions.revert(at), {}))


def show_commit(system: "System", commit: "Commit", as_json: bool) -> None:
    """Show a commit: where it comes from, and what it changed."""
    changes = system.versions.diff(commit.parents[0], commit.id).tasks if commit.parents else ()
    if as_json:
        show_json({"commit": commit, "changes": changes})
        return
    told = {
        "commit": commit.id,
        "names": ", ".join(_names(system)[commit.id]) or NOTHING,
        "parents": ", ".join(commit.parents) or NOTHING,
        "time": commit.time,
        "author": commit.author or NOTHING,
        "method": commit.method or NOTHING,
        "ramet": commit.code or NOTHING,
        "message": commit.message,
    }
    show(facts(told))
    if changes:
        show("", diff_table(changes))


def diff_table(tasks: "Sequence[TaskDiff]") -> TextTable:
    """Return a table of the tasks whose path is another one, with what moved."""
    columns = ("task", "change", "valid., %", "test, %", "accounted", "FLOPs", "new", "shared")
    return TextTable(columns, map(_diff_row, tasks), right=("new", "shared"))


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
        moved(lambda figures: figures.quality, points),
        moved(lambda figures: figures.test_quality, points),
        moved(lambda figures: figures.accounted_params, count),
        moved(lambda figures: figures.flops, count),
        str(len(found.added)) if found.after else NOTHING,
        str(len(found.shared)) if found.after else NOTHING,
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


def _branch_row(known: "Branch") -> list[str]:
    star = "*" if known.current else ""
    return [star, known.name, f"{known.tasks:,}", known.commit[:SHORT], _minute(known.time), known.message]


def _tag_row(known: "Tag") -> list[str]:
    return [known.name, known.commit[:SHORT], _minute(known.time), known.message]


def _need_name(delete: bool) -> None:
    if delete:
        raise InvalidValue("--delete has no name", "name what to delete")


def drawn(commits: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, str | None]]:
    r"""The rows of a log's graph: each with its commit, or None where lines only part (`|\`) or meet (`|/`).

    A column is a line of commits, `*` where a commit is, `|` where the line of another passes.

    Args:
        commits: ids with their parents, each commit before what it follows.
    """
    lanes: list[str] = []
    for id, parents in commits:
        if id not in lanes:
            lanes.append(id)
        here = lanes.index(id)
        yield " ".join("*" if lane == here else "|" for lane in range(len(lanes))), id
        if not parents:
            del lanes[here]
            continue
        first, *others = parents
        for other in others:
            if other in lanes:
                left, right = sorted((here, lanes.index(other)))
                slope = "\\|" if left == here else "/|"
                yield _bent(left, right, slope + " |" * (len(lanes) - right - 1)), None
            else:
                yield _bent(here, here + 1, "\\" + " \\" * (len(lanes) - here - 1)), None
                lanes.insert(here + 1, other)
        if first in lanes:  # another lane waits for it, too: they meet in the left one
            left, right = sorted((here, lanes.index(first)))
            lanes[here] = first
            yield _bent(left, right, "/" + " /" * (len(lanes) - right - 1)), None
            del lanes[right]
        else:
            lanes[here] = first


def _bent(left: int, right: int, rest: str) -> str:
    return "| " * left + "|" + "_|" * (right - left - 1) + rest
