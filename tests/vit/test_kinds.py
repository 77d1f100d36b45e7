"""The registry of kinds: found by name, brought by anybody, refused where two would be one."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ramet.base.errors import InvalidValue, PartError, UnknownName
from ramet.base.records import Architecture
from ramet.vit import kinds, spec

SMALL = Architecture(4, 16, 2, 24, 2, 12)

PACKAGE = """
from ramet.vit import kinds

@kinds.register("{name}")
class Theirs(kinds.Kind):
    place = "after"

    def shapes(self, architecture, dimensions):
        return {{"weight": (architecture.width, 3)}}
"""


def install(folder: Path, name: str, code: str) -> None:
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[ramet.methods]\n{name} = {name}\n")


def test_every_kind_says_where_it_stands_and_what_it_holds():
    own = {"patch_embed", "cls_token", "pos_embed", "block", "adapter", "lora", "norm", "head", "ssf"}
    found = {kind.name: kind for kind in kinds.known() if kind.name in own}
    assert found.keys() >= own - {"ssf"}
    dimensions = spec.dimensions({"data.image_size": 12, "adapter_width": 3, "lora_rank": 2}, 5)
    for kind in found.values():
        shapes = kind.shapes(SMALL, dimensions)
        assert spec.size(SMALL, kind.name, dimensions) > 0
        for beginning in (*kind.silent, *kind.products):
            assert any(key.startswith(beginning) for key in shapes), (kind.name, beginning)


def test_a_kind_of_an_installed_package_is_found_when_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "their_kind", PACKAGE.format(name="theirs"))
    assert "their_kind" not in sys.modules
    assert spec.size(SMALL, "theirs.1", spec.dimensions({"data.image_size": 12}, 5)) == 48
    assert spec.component_names(1, ["theirs.0"])[3:5] == ("block.0", "theirs.0")


def test_one_that_is_not_here_is_named_with_what_to_do():
    with pytest.raises(UnknownName, match="no kind of component is called 'nobodys'; install the package that brings"):
        kinds.find("nobodys.3")


def test_a_package_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "broken_kind", "import nothing_of_the_kind\n")
    assert kinds.find("block.0")
    with pytest.raises(PartError, match=r"'broken_kind' \(broken_kind\) cannot be imported: No module named"):
        kinds.find("somebodys.0")


@pytest.mark.parametrize("name", ["", "Block", "a.b", "1st", "a-b", "a b"])
def test_a_name_must_be_one_that_components_can_have(name):
    with pytest.raises(InvalidValue, match="cannot be called"):
        kinds.register(name)


def test_there_are_no_two_kinds_of_a_name():
    with pytest.raises(InvalidValue, match=r"two component kinds 'block': of .*block\.py and of .*test_kinds\.py"):

        @kinds.register("block")
        class Mine(kinds.Kind):
            pass

    assert kinds.find("block").place == "block"


def test_what_a_kind_costs_and_holds_needs_no_torch():
    script = """
import sys
from ramet.base.records import Architecture
from ramet.vit import kinds, spec
small = Architecture(4, 16, 2, 24, 2, 12)
dimensions = spec.dimensions({"data.image_size": 12, "adapter_width": 3, "lora_rank": 2}, 5)
names = spec.component_names(2, ["adapter.0", "lora.1"])
assert spec.flops(small, names, dimensions) and spec.size(small, "lora.1", dimensions)
assert "torch" not in sys.modules and "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_draws_of_a_kind_that_says_nothing_of_them_are_xavier_ones_and_zeros():
    import numpy as np

    rng = np.random.default_rng(0)
    assert torch.from_numpy(kinds.Kind().draw(rng, "scale.weight", (3,))).tolist() == [1, 1, 1]
    assert kinds.Kind().draw(rng, "bias", (3,)).tolist() == [0, 0, 0]
    assert abs(kinds.Kind().draw(rng, "weight", (30, 40))).max() == pytest.approx((6 / 70) ** 0.5, rel=0.01)
