"""Scale and shift after a block: a component kind in one file, which is found as anybody's is."""

import os
import subprocess
import sys
from pathlib import Path as FilePath

import pytest
import torch

import ramet.system as ramet
from ramet.base.errors import InvalidValue
from ramet.extensions.ssf import InsertSsf
from ramet.system import System
from ramet.testing import Check, checks
from ramet.vit import kinds, spec
from ramet.vit.initial import new_component, random_root
from ramet.vit.network import forward
from tests.evolution.conftest import SMALL, make_system
from tests.method.helpers import TINY

ONE_RUN = {**SMALL, "budget.cycles": "1", "budget.samples_per_cycle": "1", "budget.validations": "8", "opt.lr": "0.1"}
BASELINE = {
    "extends": "linear_probe@minutes",
    "name": "scaled",
    "parts": ["ramet.extensions.ssf"],
    "mutation": {"steps": [{"part": "ssf", "insert": "always"}, "clones"]},
}


@pytest.mark.parametrize(
    "check", [*checks(InsertSsf()), *checks(InsertSsf(insert="always", blocks="block[-1:]"))], ids=str
)
def test_contract(check: Check) -> None:
    check()


@pytest.mark.parametrize("layer", range(TINY.layers))
def test_an_insertion_leaves_the_outputs_as_they_were_to_the_bit(layer: int) -> None:
    dimensions = spec.dimensions({"data.image_size": 32}, 5)
    before = {**random_root(TINY, 0), "head": {"weight": torch.randn(5, 192), "bias": torch.randn(5)}}
    name = f"ssf.{layer}"
    parts = {**before, name: new_component(TINY, name, dimensions, seed=1)}
    after = {n: parts[n] for n in spec.component_names(TINY.layers, [name])}
    images = torch.rand(4, 3, 32, 32) * 2 - 1
    assert torch.equal(forward(TINY, before, images), forward(TINY, after, images))


def test_it_scales_and_shifts_by_channel() -> None:
    x, scale, shift = torch.randn(2, 5, 192), torch.randn(192), torch.randn(192)
    found = kinds.find("ssf").run({"weight": scale, "bias": shift}, x, kinds.Within(TINY))
    assert torch.equal(found[1, 2], x[1, 2] * scale + shift)


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> System:
    """A task learned by scales, shifts, norm and head alone."""
    system = make_system(tmp_path_factory.mktemp("scaled"), "one", root="random:vit_tiny_patch8@16x2")
    system.evolve("one", method=BASELINE, settings={**ONE_RUN, "mutation.clone_untrained": "false"})
    return system


def test_it_is_trained_and_stored_and_measured(scaled: System) -> None:
    path = scaled.path("one")
    assert {c.name for c in path.components if c.task == "one"} == {"ssf.0", "ssf.1", "norm", "head"}
    assert [c.name for c in path.components][3:7] == ["block.0", "ssf.0", "block.1", "ssf.1"]
    for name in ("ssf.0", "ssf.1"):
        component = path.component(name)
        assert component is not None
        tensors = scaled.store.objects.get(component.digest)
        assert component.size == 2 * 192
        assert not torch.equal(tensors["weight"], torch.ones(192))
    assert scaled.store.verify() == []
    assert all(check.equal for check in scaled.verify_quality())
    (status,) = scaled.status()
    assert status.quality is not None
    assert status.quality > 0.4


def test_it_goes_along_in_a_bundle_and_is_kept_by_other_methods(scaled: System, tmp_path: FilePath) -> None:
    scaled.store.export_task("one", tmp_path / "bundle")
    system = make_system(tmp_path, "two")
    taken = system.store.import_task(tmp_path / "bundle", name="one")
    assert taken.component("ssf.1") == scaled.path("one").component("ssf.1")
    settings = {**SMALL, "mutation.hyperparameters": "never", "mutation.clone": "{norm: always, '*': never}"}
    system.evolve("one", method="mu2net-plus", settings=settings)
    children = [c.path for c in system.history("one") if c.path.parent == taken.id]
    assert children
    for path in children:
        assert [path.component(n) for n in ("ssf.0", "ssf.1")] == [taken.component(n) for n in ("ssf.0", "ssf.1")]


def test_a_path_with_one_is_no_root(scaled: System, tmp_path: FilePath) -> None:
    with pytest.raises(InvalidValue, match=r"has ssf\.0, which cannot become part of block\.0"):
        ramet.init(tmp_path / "next", f"system:{scaled.store.folder}:one")


def test_another_process_reads_it_wherever_the_package_is_installed(
    scaled: System, installed: dict[str, str], tmp_path: FilePath
) -> None:
    assert installed["ssf"] == "ramet.extensions.ssf"
    script = f"""
import ramet.system as ramet
system = ramet.open({str(scaled.store.folder)!r})
assert all(check.equal for check in system.verify_quality())
assert system.status()[0].flops and system.history()
"""
    search = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": search})
