"""What docs/extending.md shows is true: its files are parts that pass, and methods that are right."""

import re
from pathlib import Path

import pytest
import yaml

import ramet.testing
from ramet.method.document.presets import load
from ramet.method.parts import KINDS, Library

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, flags=re.DOTALL))
METHODS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
PARTS = [name for name in FILES if not name.startswith("test_")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, code in FILES.items():
        (tmp_path / name).write_text(code)
    return tmp_path


@pytest.mark.parametrize("file", PARTS)
def test_the_parts_pass(file: str, folder: Path) -> None:
    found = load(f"extends: mu2net-plus\nparts: [{folder / file}]\n")
    mine = [part for part in Library(found.parts).listed() if part.__module__.startswith("ramet_part_")]
    assert mine
    for part in mine:
        ramet.testing.check(part.model_validate({}))


@pytest.mark.parametrize("text", METHODS, ids=lambda text: str(yaml.safe_load(text)["name"]))
def test_the_methods_are_right(text: str, folder: Path) -> None:
    file = folder / "method.yaml"
    file.write_text(text)
    found = load(file)
    assert load(found.to_yaml()) == found
    assert {Path(source.source).name for source in found.parts} <= set(PARTS)


def test_the_page_names_every_kind() -> None:
    assert re.findall(r"^\| `(\w+)` \| ", PAGE, flags=re.MULTILINE)[: len(KINDS)] == list(KINDS)
    assert "ramet.testing.checks(Patient(children=2))" in FILES["test_patient.py"]


def test_the_fingerprint_of_the_first_part(folder: Path) -> None:
    (folder / "patient.yaml").write_text(METHODS[0])
    assert f"{load(folder / 'patient.yaml').label} is a method" in PAGE
