"""Low-rank adapters on attention: what is drawn, a training, and paths that live on without the extension."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pytest

import ramet.system as ramet
from ramet.base.errors import RametError
from ramet.base.records import Path
from ramet.evolution.observer import Observer
from ramet.extensions.lora import Lora, LoraRank
from ramet.method.document.presets import load
from ramet.method.document.schema import Method
from ramet.method.mutation import Draft, plan_child, plan_data
from ramet.method.plan import ChildPlan, Planned
from ramet.system import System
from ramet.testing import Check, checks
from tests.evolution.conftest import SMALL, make_system, write_task
from tests.method.helpers import BASE, assert_frequency, root, trained

DRAWS = 2000
ALWAYS = {"part": "lora", "insert": "always"}


def method(*steps: Any, **overrides: str) -> Method:
    """Nothing is mutated but by the steps; `norm` alone is cloned."""
    document = {
        "extends": "mu2net-plus@characters",
        "name": "low-rank",
        "parts": ["ramet.extensions.lora"],
        "mutation": {"steps": [*steps, "clones"], "clone": {"norm": "always", "*": "never"}, "clone_untrained": False},
    }
    return load(document, {key.replace("__", "."): text for key, text in overrides.items()})


def plan(of: Method, parent: Path, rng: np.random.Generator, ancestors: tuple[Path, ...] = ()) -> ChildPlan:
    data = plan_data(of, None, parent.architecture, rng)
    lineage = (parent, *ancestors)
    return plan_child(Draft(of, parent, task="task", classes=2, agent="later", data=data, ancestors=lineage, rng=rng))


def one(of: Method, parent: Path) -> ChildPlan:
    return plan(of, parent, np.random.default_rng(0))


def inserted(of: ChildPlan) -> list[str]:
    return [part.name for part in of.parts if part.name.startswith("lora.")]


@pytest.mark.parametrize(
    "check",
    [
        *checks(Lora()),
        *checks(Lora(insert="always", blocks="block[-1:]")),
        *checks(LoraRank()),
    ],
    ids=str,
)
def test_contract(check: Check) -> None:
    check()


class TestPlans:
    def test_every_block_draws_its_own_by_its_learned_probability(self) -> None:
        of, parent, rng = method("lora", mu="[0.2]", mutation__learned="true"), root(), np.random.default_rng(1)
        found = [plan(of, parent, rng) for _ in range(DRAWS)]
        for i in range(3):
            chosen = [p for p in found if f"add:lora.{i}" in p.mutations]
            assert_frequency(len(chosen), DRAWS, 0.2)
            assert all(Planned(f"lora.{i}", None, trainable=True) in p.parts for p in chosen)
            assert sum(f"lora.{i}" in inserted(p) for p in found) == len(chosen)
        assert all(f"add:lora.{i}" in p.mu for i in range(3) for p in found)

    def test_a_probability_is_inherited_and_moves(self) -> None:
        of = method("lora", mu="[0.02, 0.5, 1.0]", mu__default="0.02")
        parent = trained(one(method(), root()))
        eager = replace(parent, mu={"add:lora.1": 1.0})
        rng = np.random.default_rng(1)
        found = [plan(of, eager, rng) for _ in range(DRAWS)]
        assert_frequency(sum("lora.1" in inserted(p) for p in found), DRAWS, 0.99 + 0.01 * 0.5)
        assert {p.mu["add:lora.1"] for p in found} == {0.5, 1.0}

    def test_one_that_is_there_is_kept_and_not_drawn_again(self) -> None:
        parent = trained(one(method(ALWAYS), root()))
        found = one(method("lora", mu="[1.0]", mutation__learned="false"), parent)
        assert found.mutations == ()
        assert Planned("lora.1", parent.component("lora.1"), trainable=False) in found.parts

    @pytest.mark.parametrize(
        ("blocks", "expected"),
        [("block.*", [0, 1, 2]), ("block[-1:]", [2]), ("block.[01]", [0, 1]), ("block[7:]", [])],
    )
    def test_a_setting_says_which_blocks(self, blocks: str, expected: list[int]) -> None:
        found = one(method({**ALWAYS, "blocks": blocks}), root())
        assert inserted(found) == [f"lora.{i}" for i in expected]

    def test_the_rank_is_a_hyperparameter_like_any_other(self) -> None:
        of = method("hyperparameters", ALWAYS, lora_rank="[2, 4, 8]", lora_rank__default="4", mu="[1.0]")
        rng = np.random.default_rng(1)
        found = [plan(of, root(), rng) for _ in range(200)]
        assert {p.hyperparameters["lora_rank"] for p in found} == {2, 8}
        assert {p.dimensions["lora_rank"] for p in found} == {2, 8}
        assert all("hp:lora_rank" in p.mutations for p in found)

    def test_of_another_rank_they_are_new(self) -> None:
        parent = trained(one(method(ALWAYS, lora_rank="[4]"), root()))
        found = one(method("lora", mu="[0.02]", lora_rank="[8]"), parent)
        assert Planned("lora.0", None, trainable=True) in found.parts

    def test_an_update_is_far_smaller_than_a_clone(self) -> None:
        found = trained(one(method(ALWAYS, lora_rank="[4]"), root(BASE)))
        lora, block = found.component("lora.0"), found.component("block.0")
        assert lora is not None
        assert block is not None
        assert block.size / lora.size > 500


@pytest.mark.parametrize(
    ("step", "settings", "words"),
    [
        ({"part": "lora", "blocks": "adapter.*"}, {}, "name blocks"),
        ({"part": "lora", "insert": "never"}, {}, "insert"),
        ({"part": "lora", "rank": 4}, {}, "rank"),
        ("lora", {"lora_rank": "0"}, "whole number of at least 1"),
        ("lora", {"lora_rank": "3"}, "not one of its values"),
    ],
)
def test_wrong_settings_are_named(step: Any, settings: dict[str, str], words: str) -> None:
    with pytest.raises(RametError, match=words):
        method(step, **settings)


def test_the_step_brings_its_rank_along() -> None:
    assert "lora_rank" not in method().hyperparameters
    assert method("lora").hyperparameters["lora_rank"].default == 4


ONE_RUN = {**SMALL, "budget.cycles": "1", "budget.samples_per_cycle": "1", "budget.validations": "8", "opt.lr": "0.1"}
SEARCH = {
    "extends": "mu2net-plus@minutes",
    "name": "low-rank-search",
    "parts": ["ramet.extensions.lora"],
    "mutation": {"steps": ["hyperparameters", "adapters", "lora", "clones"]},
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> System:
    """A task learnt by full fine-tuning, and another by low-rank updates on it alone."""
    system = make_system(tmp_path_factory.mktemp("grown"), "one", root="random:vit_tiny_patch8@16x2")
    system.evolve("one", method="finetune", settings=ONE_RUN)
    return system


@pytest.fixture(scope="module")
def updated(grown: System, tmp_path_factory: pytest.TempPathFactory) -> System:
    """A system on the learnt path as its root, with a task whose low-rank updates, norm and head alone are trained."""
    folder = tmp_path_factory.mktemp("updated")
    system = ramet.init(folder / "system", f"system:{grown.store.folder}:one")
    system.tasks.add("two", write_task(folder, "two", classes=3, seed=1))
    baseline = {
        "extends": "linear_probe@minutes",
        "name": "low-rank",
        "parts": ["ramet.extensions.lora"],
        "mutation": {"steps": [ALWAYS, "clones"]},
    }
    system.evolve("two", method=baseline, settings={**ONE_RUN, "lora_rank": "[2]"})
    return system


def test_only_what_is_narrow_is_trained(updated: System) -> None:
    path, (status,) = updated.path("two"), updated.status()
    assert {c.name for c in path.components if c.task == "two"} == {"lora.0", "lora.1", "norm", "head"}
    assert path.trained_params == 2 * (4 * 192 * 2) + 2 * 192 + 193 * 3
    assert status.accounted_params == pytest.approx(path.trained_params + (path.params - path.trained_params) / 2)
    assert status.quality is not None
    assert status.quality > 0.6
    for name in ("lora.0", "lora.1"):
        component = path.component(name)
        assert component is not None
        assert all(t.abs().max() > 0 for t in updated.store.objects.get(component.digest).values())


def test_everything_is_whole(updated: System) -> None:
    assert updated.store.verify() == []
    assert all(check.equal for check in updated.verify_quality())


def test_what_is_published_needs_no_extension(updated: System) -> None:
    """Another process, in which none can be imported, measures the path again and tells of it."""
    script = f"""
import sys
sys.modules["ramet.extensions"] = None
import ramet.system as ramet
system = ramet.open({str(updated.store.folder)!r})
assert all(check.equal for check in system.verify_quality())
assert system.status()[0].quality and system.history()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_child_by_another_method_keeps_the_updates(updated: System, tmp_path: FilePath) -> None:
    bundle = tmp_path / "bundle"
    updated.store.export_task("two", bundle)
    system = make_system(tmp_path, "one")
    taken = system.store.import_task(bundle, name="two")
    settings = {**SMALL, "mutation.hyperparameters": "never", "mutation.clone": "{norm: always, '*': never}"}
    system.evolve("two", method="mu2net-plus", settings=settings)
    children = [c.path for c in system.history("two") if c.path.parent == taken.id]
    assert children
    for path in children:
        assert path.hyperparameters["lora_rank"] == 2
        assert [path.component(n) for n in ("lora.0", "lora.1")] == [taken.component(n) for n in ("lora.0", "lora.1")]


def test_it_becomes_a_root_of_plain_blocks(updated: System, tmp_path: FilePath) -> None:
    """The next system's root computes what the path did, which a head alone, trained anew, can tell."""
    system = ramet.init(tmp_path / "next", f"system:{updated.store.folder}:two")
    (root_path,) = system.roots().values()
    assert [c.name for c in root_path.components] == [
        "patch_embed", "cls_token", "pos_embed", "block.0", "block.1", "norm",
    ]  # fmt: skip
    before = updated.path("two")
    same = {c.name for c in root_path.components if c.digest == getattr(before.component(c.name), "digest", None)}
    assert same == {"patch_embed", "cls_token", "pos_embed", "norm"}
    assert system.store.verify() == []


class Killed(Exception):
    """Stands for a kill -9: nothing after it runs."""


class Killer(Observer):
    left = 3

    def generation_finished(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def summary(system: System) -> list[object]:
    return [(c.path.id, c.status, c.mutations, c.curve) for c in system.history()] + [
        (s.task, s.path, s.quality, s.test_quality, s.accounted_params) for s in system.status()
    ]


def test_a_stopped_search_goes_on_as_if_it_had_not_been(tmp_path: FilePath) -> None:
    settings = {**SMALL, "lora_rank": "[1, 2, 4]", "lora_rank.default": "2", "mu": "0.3"}
    whole, stopped = (make_system(tmp_path / name, "one") for name in ("whole", "stopped"))
    whole.evolve("one", method=SEARCH, settings=settings)
    with pytest.raises(Killed):
        stopped.evolve("one", method=SEARCH, settings=settings, observer=Killer())
    stopped.evolve("one", method=SEARCH, settings=settings)
    assert summary(stopped) == summary(whole)
    assert any("add:lora.0" in child.mutations for child in whole.history())
    assert whole.store.verify() == []
