"""log, diff, branch, switch, tag, merge, restore and revert on the command line, and -b."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from ramet.cli.versions import drawn
from tests.cli.helpers import BUDGET, RUNNER, TASKS, path_ids, refused, run, run_json

ONCE = (*BUDGET[:2], "--cycles", "1", "--samples", "2", *BUDGET[6:], "--restart")


@pytest.fixture(scope="session")
def forked(grown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evolved system with a tag, and digits evolved anew on main and on a branch; not to be changed."""
    folder = tmp_path_factory.mktemp("forked") / "colony"
    shutil.copytree(grown, folder)
    run("tag", "v1", "-m", "as it was", folder=folder)
    run("branch", "wider", "HEAD~3", folder=folder)
    run("-b", "wider", "evolve", "digits", "--seed", "7", *ONCE, folder=folder)
    return folder


@pytest.fixture
def fork(forked: Path, tmp_path: Path) -> Path:
    return shutil.copytree(forked, tmp_path / "colony")


def test_log_lists_the_commits_with_their_names(forked: Path) -> None:
    commits = run_json("log", folder=forked)
    assert [commit["parents"][:1] for commit in commits] == [[c["id"]] for c in commits[1:]] + [[]]
    assert set(commits[0]) == {"id", "parents", "changes", "message", "method", "time", "author", "code"}
    lines = run("log", folder=forked).stdout.splitlines()
    assert [line.split()[1] for line in lines] == [commit["id"][:8] for commit in commits]
    assert lines[0].endswith("[*main, tag v1]")
    assert max(map(len, lines)) <= 80
    assert run_json("log", "--limit", "2", folder=forked) == commits[:2]
    assert run_json("log", "HEAD~2", folder=forked) == commits[2:]


def test_a_branch_is_worked_on_without_going_there(forked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main, wider = (run_json("-b", name, "status", folder=forked) for name in ("main", "wider"))
    assert run_json("status", folder=forked) == main
    assert main != wider
    monkeypatch.setitem(RUNNER.env, "RAMET_BRANCH", "wider")
    assert run_json("status", folder=forked) == wider
    assert run_json("-b", "main", "status", folder=forked) == main
    assert run("status", folder=forked).stderr.splitlines()[0] == "on branch wider"
    assert "did you mean wider?" in refused("-b", "widr", "status", folder=forked)


def test_branches_and_tags_are_listed(forked: Path) -> None:
    branches = run_json("branch", folder=forked)
    assert [(b["name"], b["current"], b["tasks"]) for b in branches] == [("main", True, 2), ("wider", False, 1)]
    lines = run("branch", folder=forked).stdout.splitlines()
    assert lines[1].startswith("*  main")
    assert [tag["name"] for tag in run_json("tag", folder=forked)] == ["v1"]
    assert "as it was" in run("tag", folder=forked).stdout


def test_making_switching_and_deleting(colony: Path) -> None:
    assert "no tags yet" in run("tag", folder=colony).stderr
    run("switch", "--create", "mine", folder=colony)
    assert (colony / "HEAD").read_text() == "mine\n"
    assert [b["name"] for b in run_json("branch", folder=colony) if b["current"]] == ["mine"]
    assert "on branch 'mine'" in refused("branch", "--delete", "mine", folder=colony)
    run("switch", "main", folder=colony)
    run("branch", "-d", "mine", folder=colony)
    run("tag", "v1", "main~1", folder=colony)
    run("tag", "--delete", "v1", folder=colony)
    assert len(run_json("branch", folder=colony)) == 1
    assert run_json("tag", folder=colony) == []
    for listing in ("branch", "tag"):
        assert "--delete has no name" in refused(listing, "--delete", folder=colony)


def test_diff_tells_what_moved(forked: Path) -> None:
    found = run_json("diff", "wider", "main", folder=forked)
    assert [(task["task"], task["before"] is None) for task in found["tasks"]] == [
        ("digits", False),
        ("numerals", True),
    ]
    assert (found["total_before"]["tasks"], found["total_after"]["tasks"]) == (1, 2)
    lines = run("diff", "wider", folder=forked).stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["task", "digits", "numerals"]
    assert "added" in lines[2]
    assert max(map(len, lines)) <= 80
    assert "tasks            1 → 2" in "\n".join(lines)
    assert run_json("diff", "main", folder=forked)["tasks"] == []


def test_merge_names_conflicts_and_settles_them(fork: Path) -> None:
    assert "both changed digits" in refused("merge", "wider", folder=fork)
    assert "use one of best, theirs, ours" in refused("merge", "wider", "--policy", "mine", folder=fork)
    wider = run_json("-b", "wider", "status", folder=fork)[0]["path"]
    merged = run_json("merge", "wider", "--policy", "theirs", folder=fork)
    assert (merged["how"], merged["choices"][0]["taken"]) == ("merge", "theirs")
    assert path_ids(fork)[0] == wider
    assert run("merge", "wider", folder=fork).stdout == "main has all of wider already\n"
    lines = run("log", "--limit", "3", folder=fork).stdout.splitlines()
    assert lines[1] == "|\\"
    assert "[*main]" in lines[0]


def test_merge_by_the_score_shows_it_and_a_branch_moves_forward(fork: Path) -> None:
    text = run("merge", "wider", "--policy", "best", folder=fork).stdout
    assert "their score" in text
    assert "merge wider into main (best)" in text
    assert "moved forward" in run("-b", "wider", "merge", "main", folder=fork).stdout
    assert run_json("-b", "wider", "status", folder=fork) == run_json("status", folder=fork)


def test_restore_and_revert(colony: Path) -> None:
    now = path_ids(colony)
    run("revert", "HEAD", folder=colony)
    before = path_ids(colony)
    assert before != now
    changed = TASKS[1]
    assert changed in run("restore", changed, "--from", "HEAD~1", folder=colony).stdout
    assert path_ids(colony) == now
    assert run("restore", changed, "--from", "HEAD", folder=colony).stdout == f"{changed} has that path already\n"
    assert "nothing to undo" in refused("revert", "HEAD~1", folder=colony)


def test_show_tells_of_a_commit_what_it_changed(forked: Path) -> None:
    shown = run_json("show", "v1", folder=forked)
    head = run_json("log", "--limit", "1", folder=forked)[0]
    assert shown["commit"] == head
    assert [task["task"] for task in shown["changes"]] == [*head["changes"]]
    text = run("show", head["id"][:8], folder=forked).stdout
    assert all(word in text for word in (head["id"], "*main, tag v1", head["message"], head["author"], TASKS[1]))
    first = run_json("log", folder=forked)[-1]["id"]
    assert run_json("show", first, folder=forked)["changes"] == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["log", "mian"], "did you mean main?"),
        (["diff", "main", "widr"], "did you mean wider?"),
        (["switch", "widr"], "did you mean wider?"),
        (["merge", "widr"], "did you mean wider?"),
        (["branch", "new", "nowhere"], "nowhere"),
        (["branch", "wider"], "there is a branch 'wider' already"),
        (["tag", "wider"], "there is a branch 'wider' already"),
        (["branch", "-d", "main"], "on branch 'main'"),
        (["tag", "-d", "v2"], "no tag is called 'v2'"),
        (["restore", "digitz", "--from", "v1"], "did you mean digits?"),
        (["restore", "fresh", "--from", "v1"], "'fresh' has no path at v1"),
        (["revert", "main~99"], "only"),
        (["show", "main~99"], "main~99"),
    ],
)
def test_what_is_not_there_is_named(arguments: list[str], named: str, forked: Path) -> None:
    assert named in refused(*arguments, folder=forked)


def test_a_folder_on_a_branch_that_is_gone_can_still_switch(fork: Path) -> None:
    (fork / "HEAD").write_text("lost\n")
    assert "no branch, tag or commit is called 'lost'" in refused("evolve", "digits", folder=fork)
    run("switch", "main", folder=fork)
    assert len(run_json("status", folder=fork)) == 3


LINE = ([("c", "b"), ("b", "a"), ("a", "")], ["* c", "* b", "* a"])
MERGE = (
    [("m", "ot"), ("t", "a"), ("o", "a"), ("a", "")],
    ["* m", r"|\ ", "| * t", "* | o", "|/ ", "* a"],
)
CROSSWISE = (
    [("m", "xy"), ("y", "ba"), ("x", "ab"), ("b", "r"), ("a", "r"), ("r", "")],
    ["* m", r"|\ ", "| * y", r"| |\ ", "* | | x", r"|\| | ", "|_|/ ", "| * b", "* | a", "|/ ", "* r"],
)
TWO_MERGES = (
    [("n", "mu"), ("u", "a"), ("m", "ot"), ("t", "a"), ("o", "a"), ("a", "")],
    ["* n", r"|\ ", "| * u", "* | m", r"|\ \ ", "| * | t", "| |/ ", "* | o", "|/ ", "* a"],
)


@pytest.mark.parametrize(("commits", "rows"), [LINE, MERGE, TWO_MERGES, CROSSWISE])
def test_graphs(commits: list[tuple[str, Sequence[str]]], rows: list[str]) -> None:
    assert [f"{row} {id or ''}" for row, id in drawn(commits)] == rows


def test_a_graph_that_is_cut_off_has_open_lanes() -> None:
    assert [row for row, _ in drawn(MERGE[0][:2])] == ["*", "|\\", "| *"]
