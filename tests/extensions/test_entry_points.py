"""What ramet brings is found as a third party's is: by the entry points of an installed package."""

from importlib import import_module
from pathlib import Path

import pytest

from ramet.base.errors import PartError, UnknownName
from ramet.method.document.presets import load
from ramet.method.parts import Library


@pytest.mark.parametrize(
    ("key", "value", "kind", "name"),
    [
        ("parents", "similarity", "parents", "similarity"),
        ("score.part", "shared-compute", "score", "shared-compute"),
        ("mutation.steps", "[hyperparameters, lora, clones]", "mutation", "lora"),
    ],
)
def test_each_is_found_by_its_name_alone(installed: dict[str, str], key: str, value: str, kind: str, name: str) -> None:
    found = load("mu2net-plus", {key: value})
    assert not found.parts, "ramet's own go with ramet, and are no source"
    assert load(found.to_yaml()) == found
    assert Library().find(kind, name, (key,)).__module__ == installed[name]


def test_every_module_of_the_extensions_is_declared(installed: dict[str, str]) -> None:
    folder = Path(import_module("ramet.extensions").__file__ or "").parent
    modules = {f"ramet.extensions.{file.stem}" for file in folder.glob("*.py") if file.stem != "__init__"}
    assert set(installed.values()) == modules


PACKAGE = """
from ramet.method.parts import Part, register

@register("parents", "theirs")
class Theirs(Part):
    def choose(self, among):
        return among.paths[0].id
"""


def install(folder: Path, name: str, code: str) -> None:
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[ramet.methods]\n{name} = {name}\n")


def test_the_package_of_a_part_becomes_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "their_parts", PACKAGE)
    found = load("mu2net-plus", {"parents": "theirs"})
    assert [source.source for source in found.parts] == ["their_parts"]
    assert load(found.to_yaml()) == found
    assert found.fingerprint != load("mu2net-plus").fingerprint
    with pytest.raises(UnknownName, match="did you mean theirs"):
        load("mu2net-plus", {"parents": "their"})


def test_a_package_that_cannot_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "broken_parts", "import nothing_of_the_kind\n")
    assert load("mu2net-plus"), "nothing is imported that is not asked for"
    with pytest.raises(PartError, match=r"parts: broken_parts failed at .*broken_parts\.py:1: ModuleNotFoundError"):
        load("mu2net-plus", {"parents": "nobody"})
