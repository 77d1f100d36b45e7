"""A component kind of nobody's package: one Python file beside a method's own, and nothing else is touched."""

import subprocess
import sys
from pathlib import Path as FilePath

import pytest
import torch

import ramet.system as ramet
from ramet.base.errors import InvalidValue
from ramet.system import System
from ramet.vit import spec
from ramet.vit.network import forward
from tests.evolution.conftest import SMALL, make_system

FILE = '''
"""Two kinds: sharpened queries, which a block's weights can hold, and mixed tokens, which they cannot."""

from typing import ClassVar

import numpy as np

from ramet.base.records import Value
from ramet.method.document.hyperparameters import Domain, Hyperparameter
from ramet.method.mutation import Insertion
from ramet.method.parts import register
from ramet.vit import kinds


@kinds.register("temper")
class Temper(kinds.Kind):
    """Queries are multiplied, head by head alike."""

    place = "inside"

    def shapes(self, architecture, dimensions):
        return {"weight": (architecture.width // architecture.heads,)}

    def attend(self, tensors, y_BLD, qkv, within):
        q, k, v = qkv
        return q * tensors["weight"], k, v

    def merged(self, tensors, block):
        d = block["attn.proj.weight"].shape[0]
        weight, bias = block["attn.qkv.weight"].clone(), block["attn.qkv.bias"].clone()
        scale = tensors["weight"].repeat(d // len(tensors["weight"]))
        weight[:d] *= scale[:, None]
        bias[:d] *= scale
        return {**block, "attn.qkv.weight": weight, "attn.qkv.bias": bias}


@kinds.register("mix")
class Mix(kinds.Kind):
    """A narrow map of the tokens' mean is added to each of them."""

    place = "after"
    sized_by = "mix_width"
    silent = ("up.",)
    tokenwise = False

    def shapes(self, architecture, dimensions):
        width = dimensions["mix_width"]
        return {"down.weight": (width, architecture.width), "up.weight": (architecture.width, width)}

    def flops(self, architecture, dimensions):
        return 2 * 2 * architecture.width * dimensions["mix_width"]

    def run(self, tensors, x, within):
        mean = x.mean(dim=1, keepdim=True)
        return x + mean @ tensors["down.weight"].T @ tensors["up.weight"].T


@register("hyperparameter", "mix_width")
class MixWidth(Hyperparameter):
    """How narrow the map is."""

    domain: ClassVar[Domain | None] = Domain(int, 1)

    default: Value = 4
    values: tuple[Value, ...] | str = (2, 4)


@register("mutation", "temper")
class InsertTemper(Insertion):
    """Queries are sharpened."""

    inserts: ClassVar[str] = "temper"


@register("mutation", "mix")
class InsertMix(Insertion):
    """Tokens are mixed."""

    hyperparameters = (MixWidth,)
    inserts: ClassVar[str] = "mix"
'''


def method(folder: FilePath, *steps: object, clone: str = "never") -> FilePath:
    (folder / "mine.py").write_text(FILE)
    file = folder / "method.yaml"
    file.write_text(
        f"""
extends: mu2net-plus@minutes
name: mine
parts: mine.py
mutation:
  steps: [hyperparameters, {", ".join(map(str, steps))}, clones]
  clone: {{norm: always, "mix.*": {clone}, "*": never}}
  clone_untrained: false
"""
    )
    return file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> FilePath:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def system(files: FilePath, tmp_path_factory: pytest.TempPathFactory) -> System:
    system = make_system(tmp_path_factory.mktemp("anybodys"), "one", root="random:vit_tiny_patch8@16x2")
    text = method(files, "{part: mix, insert: always}", "temper", clone="mutate")
    system.evolve("one", method=text, settings=SMALL)
    return system


def test_they_evolve_and_are_scored_stored_and_measured(system: System) -> None:
    path = system.path("one")
    names = [c.name for c in path.components]
    assert names.index("mix.0") == names.index("block.0") + 1
    assert all(path.component(f"mix.{i}") for i in range(int(path.hyperparameters["layers"])))
    assert system.store.verify() == []
    assert all(check.equal for check in system.verify_quality())
    (status,) = system.status()
    width, layers = int(path.hyperparameters["mix_width"]), int(path.hyperparameters["layers"])
    mixed, names = layers * 2 * 2 * 192 * width, [n for n in names if not n.startswith("mix")]
    dimensions = spec.dimensions(path.hyperparameters, 3)
    assert status.flops == spec.flops(path.architecture, names, dimensions) + mixed
    assert status.params == sum(spec.size(path.architecture, n, dimensions) for n in names) + mixed // 2
    assert any(f"add:temper.{i}" in child.mutations for child in system.history("one") for i in range(2))


def test_what_its_block_can_hold_becomes_a_root_that_computes_the_same(files: FilePath, tmp_path: FilePath) -> None:
    system = make_system(tmp_path, "one", root="random:vit_tiny_patch8@16x2")
    text = method(tmp_path, "{part: temper, insert: always}")
    text.with_name("mine.py").write_bytes((files / "mine.py").read_bytes())
    text.write_text(text.read_text().replace("parts: mine.py", f"parts: {files / 'mine.py'}"))
    system.evolve("one", method=text, settings={**SMALL, "opt.lr": "0.1"})
    path = system.path("one")
    assert path.component("temper.0") is not None
    following = ramet.init(tmp_path / "next", f"system:{system.store.folder}:one")
    (root,) = following.roots().values()
    assert not any(c.name.startswith("temper") for c in root.components)
    images = torch.rand(3, 3, 16, 16)

    def logits(of: System, components) -> torch.Tensor:  # type: ignore[no-untyped-def]
        parts = {c.name: of.store.objects.get(c.digest) for c in components}
        head = path.component("head")
        assert head is not None
        return forward(path.architecture, {**parts, "head": system.store.objects.get(head.digest)}, images)

    before, now = logits(system, path.components), logits(following, root.components)
    torch.testing.assert_close(now, before, atol=1e-5, rtol=1e-4)


def test_what_no_block_can_hold_is_no_root(system: System, tmp_path: FilePath) -> None:
    with pytest.raises(InvalidValue, match=r"has mix\.0, which cannot become part of block\.0"):
        ramet.init(tmp_path / "next", f"system:{system.store.folder}:one")


def test_a_bundle_takes_them_along(system: System, tmp_path: FilePath) -> None:
    system.store.export_task("one", tmp_path / "bundle")
    taken = make_system(tmp_path, "two").store.import_task(tmp_path / "bundle", name="one")
    assert [c.digest for c in taken.components] == [c.digest for c in system.path("one").components]


def test_another_process_knows_them_by_the_recorded_file(system: System, files: FilePath) -> None:
    """It measures and goes on with the path; where the file is gone it says what is missing."""
    script = f"""
import ramet.system as ramet
system = ramet.open({str(system.store.folder)!r})
path = system.path("one")
assert all(check.equal for check in system.verify_quality())
system.evolve("one", method="mu2net-plus", settings={SMALL!r})
assert any(c.path.component("mix.0") for c in system.history("one") if c.path.parent == path.id)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    (files / "mine.py").rename(files / "moved.py")
    predict = f"import ramet.system as ramet; ramet.open({str(system.store.folder)!r}).evaluate('one')"
    found = subprocess.run([sys.executable, "-c", predict], check=False, capture_output=True, text=True)
    (files / "moved.py").rename(files / "mine.py")
    assert "UnknownName: no kind of component is called 'mix'; install the package that brings it" in found.stderr
