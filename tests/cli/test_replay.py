import re
from pathlib import Path

from tests.cli.helpers import TASKS, refused, run, run_json


def test_replay_tells_of_every_step(grown: Path) -> None:
    for task in TASKS:
        *rows, last = run("replay", task, folder=grown).stdout.splitlines()
        told = re.fullmatch(r"identical: (\d+) steps? from [0-9a-f]{16}, every byte as recorded", last)
        assert told
        assert sum("identical" in row for row in rows) == int(told[1])


def test_replay_as_json(grown: Path) -> None:
    found = run_json("replay", TASKS[0], folder=grown)
    assert found["agrees"] is True
    assert {"path", "start", "device", "tolerance", "steps"} <= found.keys()
    assert {step["verdict"] for step in found["steps"]} == {"identical"}


def test_replay_refuses_what_no_run_made(grown: Path) -> None:
    assert "has no path yet" in refused("replay", "fresh", folder=grown)
    assert "tolerance is -1.0" in refused("replay", TASKS[0], "--tolerance", "-1", folder=grown)
