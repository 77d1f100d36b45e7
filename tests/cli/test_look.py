from pathlib import Path

import pytest

from tests.cli.helpers import ROOT, TASKS, refused, run, run_json

STATUS_FIELDS = {
    "task", "path", "quality", "test_quality", "score", "params", "trained_params", "accounted_params", "flops",
    "layers", "image_size", "parent_task", "shares_with",
}  # fmt: skip


def test_status_tells_all_that_scripts_rely_on(grown: Path) -> None:
    statuses = {status["task"]: status for status in run_json("status", folder=grown)}
    assert list(statuses) == ["digits", "fresh", "numerals"]
    assert all(set(status) >= STATUS_FIELDS for status in statuses.values())
    learned = statuses["digits"]
    assert 0 <= learned["test_quality"] <= 1
    assert 0 < learned["accounted_params"] <= learned["params"]
    assert statuses["fresh"]["path"] is None


def test_status_is_a_table_for_80_columns(grown: Path) -> None:
    lines = run("status", folder=grown).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["task", "digits", "fresh", "numerals"]
    assert max(map(len, lines)) <= 80
    assert "@16x1" in lines[1]
    assert lines[2].split()[1:] == ["–"] * 8


def test_status_of_a_system_without_tasks(tmp_path: Path) -> None:
    run("init", tmp_path, "--root", "random:vit_tiny_patch8@16x0")
    result = run("status", folder=tmp_path)
    assert result.stdout == ""
    assert "no tasks yet" in result.stderr


def test_show_tells_of_a_path_what_it_is_made_of(grown: Path) -> None:
    text = run("show", "digits", folder=grown).stdout
    assert all(word in text for word in ("patch_embed", "block.0", "head", "trained", "opt.lr", "test_quality"))
    shown = run_json("show", "digits", folder=grown)
    assert [*shown["holders"]] == [component["name"] for component in shown["path"]["components"]]
    assert run("show", shown["path"]["id"][:10], folder=grown).stdout == text


def test_show_of_a_root(grown: Path) -> None:
    (root, *_) = run_json("lineage", "digits", folder=grown)
    text = run("show", root["path"]["id"], folder=grown).stdout
    assert "it is a root" in text
    assert "untrained" in text


def test_holders_are_the_others_that_have_a_component(grown: Path) -> None:
    shares = {status["task"]: status["shares_with"] for status in run_json("status", folder=grown)}
    for task in TASKS:
        holders = run_json("show", task, folder=grown)["holders"]
        others = {holder for names in holders.values() for holder in names}
        assert others & set(TASKS) == set(shares[task])


def test_history_lists_every_child(grown: Path) -> None:
    children = run_json("history", folder=grown)
    assert len(children) == 16
    assert set(children[0]) == {
        "path", "status", "cycle", "generation", "number", "mutations", "curve", "cost", "error",
    }  # fmt: skip
    assert {child["path"]["task"] for child in run_json("history", "digits", folder=grown)} == {"digits"}
    assert run_json("history", "--limit", "3", folder=grown) == children[-3:]
    lines = run("history", folder=grown).stdout.splitlines()
    assert sum(line.startswith(tuple(child["path"]["id"][:8] for child in children)) for line in lines) == 16
    assert len(lines) == 17, "what is not read on a screen is not folded"


def test_history_of_a_task_without_children(grown: Path) -> None:
    assert "no children yet" in run("history", "fresh", folder=grown).stderr
    assert run_json("history", "fresh", folder=grown) == []


def test_lineage_goes_from_the_root_to_the_path(grown: Path) -> None:
    steps = run_json("lineage", "numerals", folder=grown)
    paths = [step["path"] for step in steps]
    assert paths[0]["task"] is None
    assert paths[-1]["task"] == "numerals"
    assert [path["parent"] for path in paths] == [None, *(path["id"] for path in paths[:-1])]
    lines = run("lineage", "numerals", folder=grown).stdout.splitlines()
    assert [line.split()[0] for line in lines[::2]] == [path["id"] for path in paths], "a chain, from the root down"
    assert all(line.startswith("│  ") for line in lines[1::2]), "what changed stands between the two"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["show", "digitz"], "digitz"),
        (["show", "fresh"], "fresh"),
        (["lineage", "fresh"], "evolve fresh`"),
        (["lineage", "digitz"], "did you mean digits?"),
        (["history", "digitz"], "did you mean digits?"),
    ],
)
def test_what_is_not_there_is_named(arguments: list[str], named: str, grown: Path) -> None:
    assert named in refused(*arguments, folder=grown)


def test_a_command_leaves_nothing_beside_the_database(seedbed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run("init", other, "--root", ROOT)
    run("status", folder=seedbed)
    run("tag", "here", folder=seedbed)
    run("show", "nothing", folder=seedbed, code=2)
    run("push", other, "mian", folder=seedbed, code=2)
    run("pull", other, folder=seedbed)
    run("verify", "--from", other, folder=seedbed)
    for folder in (seedbed, other):
        assert [file.name for file in folder.glob("catalog*")] == ["catalog.sqlite"]


def test_report_is_a_page(grown: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    assert f"written to {file}" in run("report", file, folder=grown).stderr
    text = file.read_text(encoding="utf-8")
    assert all(f"<td>{task}</td>" in text for task in (*TASKS, "fresh"))


def test_report_as_json_has_the_same_data(grown: Path) -> None:
    found = run_json("report", folder=grown)
    assert {"name", "branch", "commit", "story", "tasks", "sharing"} <= found.keys()
    (segment,) = found["story"]["segments"]
    assert segment["added"] == [*TASKS]
    assert segment["after"] == found["story"]["states"][-1]
    assert found["tasks"] == run_json("status", folder=grown)
    assert {*found["sharing"]} == {*TASKS}


def test_graph_is_a_picture_or_data(grown: Path, tmp_path: Path) -> None:
    for ending in ("svg", "graphml", "json"):
        file = tmp_path / f"graph.{ending}"
        assert "2 tasks, 1 root, " in run("graph", file, folder=grown).stderr
        assert file.stat().st_size > 100
    found = run_json("graph", folder=grown)
    assert {node["name"] for node in found["nodes"] if node["kind"] == "task"} == {*TASKS}
    assert ".graphml" in refused("graph", tmp_path / "graph.pdf", folder=grown)


def test_history_is_drawn(grown: Path, tmp_path: Path) -> None:
    file = tmp_path / "history.svg"
    assert f"written to {file}" in run("history", "--plot", file, folder=grown).stderr
    assert file.read_bytes().startswith(b"<?xml")
    assert "--limit" in refused("history", TASKS[0], "--plot", file, folder=grown)


def test_a_system_without_paths_has_no_story(sown: Path, tmp_path: Path) -> None:
    run("report", tmp_path / "page.html", folder=sown)
    assert "nothing learned yet" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "nothing to plot" in refused("history", "--plot", tmp_path / "a.svg", folder=sown)
