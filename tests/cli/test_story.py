from pathlib import Path

from tests.cli.helpers import TASKS, refused, run, run_json


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
