import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import ramet
from tests.cli.helpers import BUDGET, ROOT, TASKS, refused, run, run_json, state


def the_head(folder: Path) -> Path:
    """The file of a component that only the digits hold."""
    (head,) = (c for c in ramet.open(folder).path("digits").components if c.name == "head")
    (file,) = (file for file in (folder / "objects").rglob("*") if head.digest[2:] in str(file).replace("/", ""))
    return file


def truncate(file: Path) -> None:
    data = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(data[: len(data) // 2])


def tamper(file: Path) -> None:
    data = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def test_a_system_as_it_was_written_passes(grown: Path) -> None:
    assert run("verify", folder=grown).stdout == "every object is as it was written\n"
    lines = run("verify", "--quality", folder=grown).stdout.splitlines()
    assert lines[-1] == "every test quality is what it was"
    assert sum(line.endswith("equal") for line in lines) == 2
    report = run_json("verify", "--quality", folder=grown)
    assert report["faults"] == []
    assert [check["equal"] for check in report["quality"]] == [True, True]


@pytest.mark.parametrize("damage", [truncate, tamper, Path.unlink])
def test_a_damaged_object_is_named_with_the_tasks_it_affects(damage: Callable[[Path], None], colony: Path) -> None:
    damage(the_head(colony))
    result = run("verify", "--quality", folder=colony, code=1)
    (line,) = result.stdout.splitlines()
    assert line.endswith("affects digits (branch main)")
    assert result.stderr == "1 fault; qualities are measured once they are mended\n"
    found = json.loads(run("verify", "--json", folder=colony, code=1).stdout)
    assert [fault["tasks"] for fault in found["faults"]] == [["digits"]]


def test_a_quality_that_changed_is_named(colony: Path) -> None:
    system = ramet.open(colony)
    system.store.catalog.paths.set_metric(system.path("digits").id, "test_quality", 0.123)
    result = run("verify", "--quality", folder=colony, code=1)
    assert "CHANGED" in result.stdout
    assert "digits" in result.stderr


def test_a_damaged_object_is_brought_back_from_a_remote(colony: Path, grown: Path, tmp_path: Path) -> None:
    assert "no remote" in refused("verify", "--from", tmp_path / "nowhere", folder=colony)
    tamper(the_head(colony))
    result = run("verify", "--quality", "--from", grown, folder=colony)
    first, second, *_, last = result.stdout.splitlines()
    assert "; repaired; it affected digits (branch main)" in first
    assert second == "every other object is as it was written"
    assert last == "every test quality is what it was"
    assert run("verify", folder=colony).stdout == "every object is as it was written\n"


def test_gc_deletes_what_nothing_leads_to(colony: Path) -> None:
    run("evolve", "digits", *BUDGET, "--seed", 7, folder=colony)
    run("branch", "trial", folder=colony)
    before = run_json("gc", folder=colony)
    assert run_json("gc", folder=colony) == before
    result = run("gc", folder=colony)
    assert result.stdout.startswith("would delete ")
    assert run_json("gc", "--delete", folder=colony) == before
    assert run("gc", "--delete", folder=colony).stdout.startswith("deleted 0 objects (0 B), kept ")
    assert run("verify", "--quality", folder=colony)


def test_a_system_of_a_newer_version_is_left_alone(seedbed: Path) -> None:
    before = state(seedbed)
    mark = seedbed / "ramet.json"
    text = mark.read_text()
    mark.write_text(json.dumps({**json.loads(text), "format": 99}))
    assert "99" in refused("verify", folder=seedbed)
    assert "newer ramet" in refused("task", "add", "x", "demo:ogham", folder=seedbed)
    mark.write_text(text)
    assert state(seedbed) == before


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


def test_a_system_of_this_format_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "colony"
    run("init", folder, "--root", ROOT)
    assert run("migrate", folder=folder).stdout == f"{folder}: format 1\n"
    assert "a new system" in run("log", folder=folder).stdout
