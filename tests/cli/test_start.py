from pathlib import Path

import pytest

import ramet
from tests.cli.helpers import ROOT, refused, run, run_json


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
