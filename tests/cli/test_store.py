import json
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import ramet
from tests.cli.helpers import BUDGET, ROOT, TASKS, refused, run, run_json, state
from tests.cli.helpers import start as start_command


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
    altered = replace(system.path("digits"), metrics={"test_quality": 0.123})
    system.store.catalog.versions.publish([altered], message="", method="")
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


# Between systems


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A new system of another root."""
    run("init", tmp_path / "fresh", "--root", "random:vit_tiny_patch16@32x1")
    return tmp_path / "fresh"


@pytest.mark.parametrize("plain", [False, True])
def test_a_system_goes_to_a_remote_and_from_there_to_another(
    grown: Path, fresh: Path, tmp_path: Path, plain: bool
) -> None:
    remote = (tmp_path / "hub").as_uri()
    if not plain:
        remote = str(tmp_path / "hub")
        run("init", remote, "--root", ROOT)
    first = run("push", remote, folder=grown).stdout
    assert first.startswith(f"{remote} has the {'new ' if plain else ''}branch main at ")
    assert ": 4 commits, " in first or ": 5 commits, " in first
    assert run("push", remote, folder=grown).stdout == f"{remote} has all of main\n"
    assert run("pull", remote, folder=fresh).stdout.startswith("the branch main is at ")
    assert run("pull", remote, folder=fresh).stdout == f"main is what {remote} has\n"
    there, here = run_json("status", folder=grown), run_json("status", folder=fresh)
    assert [status["path"] for status in here] == [status["path"] for status in there if status["path"]]
    assert run_json("verify", "--quality", folder=fresh)["faults"] == []
    assert len(ramet.open(fresh).roots()) == 2
    run("evolve", "digits", *BUDGET, "--seed", 5, folder=fresh)
    assert run("verify", folder=fresh).stdout == "every object is as it was written\n"


def test_what_parted_is_pulled_beside_and_merged(colony: Path, sown: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run("init", other, "--root", ROOT)
    run("task", "add", "ogham", "demo:ogham", folder=other)
    run("evolve", "ogham", *BUDGET, folder=other)
    message = refused("push", colony, folder=other)
    assert f"`ramet -C {other} pull {colony} main`" in message
    pulled = run("pull", colony, folder=other)
    assert "both sides have commits of their own: what came is on the branch colony/main" in pulled.stdout
    assert pulled.stderr == f"next: ramet -C {other} merge colony/main\n"
    run("merge", "colony/main", folder=other)
    assert run_json("push", colony, folder=other)["outcome"] == "moved"
    assert {status["task"] for status in run_json("status", folder=colony) if status["path"]} == {
        "digits",
        "numerals",
        "ogham",
    }
    assert run_json("verify", "--quality", folder=colony)["faults"] == []


@pytest.mark.parametrize("command", ["push", "pull"])
def test_a_mistake_is_told_and_changes_nothing(command: str, colony: Path, tmp_path: Path) -> None:
    before = state(colony)
    assert "no remote is called" in refused(command, tmp_path / "nowhere", folder=colony)
    assert "this very system" in refused(command, colony, folder=colony)
    assert "nosuch" in refused(command, "nosuch://a/b", folder=colony)
    assert "'mian'" in refused(command, (tmp_path / "place").as_uri(), "mian", folder=colony)
    assert state(colony) == before
    assert not (tmp_path / "nowhere").exists()


def test_a_path_goes_alone(colony: Path, fresh: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "README.md tells how to use it" in run("export", "digits", out, folder=colony).stdout
    assert "there already" in refused("export", "digits", out, folder=colony)
    assert "no path yet" in refused("export", "fresh", tmp_path / "new", folder=colony)
    assert "no exported path" in refused("import", colony, folder=fresh)
    assert "cannot be the name" in refused("import", out, "--name", "../x", folder=fresh)
    run("import", out, folder=fresh)
    run("import", out, "--name", "numbers", folder=fresh)
    (digits, numbers) = run_json("status", folder=fresh)
    assert (digits["task"], numbers["task"]) == ("digits", "numbers")
    assert digits["shares_with"] == ["numbers"]
    checks = run_json("verify", "--quality", folder=fresh)["quality"]
    assert [check["equal"] for check in checks] == [True, True]


def test_the_cards_python_runs(colony: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    run("export", "digits", tmp_path / "out", folder=colony)
    monkeypatch.chdir(tmp_path / "out")
    Image.new("RGB", (16, 16), "white").save("image.png")
    codes = (tmp_path / "out" / "README.md").read_text().split("```python\n")[1:]
    for code in codes:
        lines = code.partition("```")[0]
        exec(lines.replace('init("colony")', f'init("colony", {ROOT!r})'), {})
    assert ramet.open("colony").path("digits").metrics == ramet.open(colony).path("digits").metrics


def test_a_system_whose_objects_are_elsewhere(tmp_path: Path) -> None:
    url = (tmp_path / "place").as_uri()
    colony = tmp_path / "colony"
    run("init", colony, "--root", ROOT, "--store", url)
    assert json.loads((colony / "ramet.json").read_text())["objects"] == url
    assert not (colony / "objects").exists()
    run("task", "add", "digits", "demo:digits", folder=colony)
    run("evolve", "digits", *BUDGET, folder=colony)
    assert run_json("verify", "--quality", folder=colony)["faults"] == []
    run("gc", "--delete", folder=colony)
    assert run_json("verify", folder=colony)["faults"] == []
    assert "another system" in refused("init", tmp_path / "second", "--root", ROOT, "--store", url)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert "is not empty" in refused("init", tmp_path / "second", "--root", ROOT, "--store", tmp_path / "full")


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_a_push_that_is_stopped_goes_on(colony: Path, tmp_path: Path) -> None:
    remote = (tmp_path / "hub").as_uri()
    process = start_command("-C", colony, "push", remote)
    while not list((tmp_path / "hub").rglob("*.safetensors")) and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert run_json("push", remote, folder=colony)["outcome"] in ("made", "even")
    assert run_json("push", remote, folder=colony)["outcome"] == "even"
