"""Graphs of logs, as they are drawn."""

from collections.abc import Sequence

import pytest

from ramet.cli.lanes import drawn

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
