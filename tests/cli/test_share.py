import json
import signal
import sys
from pathlib import Path

import pytest

import ramet
from tests.cli.helpers import BUDGET, ROOT, refused, run, run_json, state
from tests.cli.helpers import start as start_command


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
