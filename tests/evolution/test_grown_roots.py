"""A root that is what another system has learnt."""

from pathlib import Path

import pytest

import ramet.system as ramet
from ramet.base.errors import InvalidValue, StoreError, UnknownName
from ramet.system import System
from tests.evolution.conftest import SMALL, make_system, write_task

ONE_RUN = {**SMALL, "budget.cycles": "1", "budget.samples_per_cycle": "1"}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> System:
    """A system with one task learnt, at another depth and image size than its root's."""
    system = make_system(tmp_path_factory.mktemp("grown"), "one", root="random:vit_tiny_patch8@16x2")
    system.evolve("one", method="finetune", settings={**ONE_RUN, "layers": "[1]", "data.image_size": "[24]"})
    return system


def test_the_root_is_the_path_without_its_head(grown: System, tmp_path: Path) -> None:
    path = grown.path("one")
    system = ramet.init(tmp_path / "next", f"system:{grown.store.folder}:one")
    ((name, root),) = system.roots().items()
    assert name == f"one@{path.id}"
    assert {c.name: c.digest for c in root.components} == {
        c.name: c.digest for c in path.components if c.name != "head"
    }
    assert (root.architecture.layers, root.architecture.image_size) == (1, 24)
    assert not any(c.untrained or c.task or c.momentum for c in root.components)
    assert system.store.verify() == []


def test_it_is_shared_and_frozen_like_any_other(grown: System, tmp_path: Path) -> None:
    system = ramet.init(tmp_path / "next", f"system:{grown.store.folder}:one")
    system.tasks.add("two", write_task(tmp_path, "two", classes=4, seed=1))
    (status,) = system.evolve("two", method="linear_probe", settings=ONE_RUN)
    assert status.trained_params == 192 * 2 + 193 * 4  # norm and head
    assert status.image_size == 24


def test_paths_with_adapters_are_refused(tmp_path: Path) -> None:
    system = make_system(tmp_path, "one")
    system.evolve("one", method="adapters:8", settings=ONE_RUN)
    with pytest.raises(InvalidValue, match=r"has adapter\.0, which cannot become part of block\.0"):
        ramet.init(tmp_path / "next", f"system:{system.store.folder}:one")
    assert not (tmp_path / "next").exists()


@pytest.mark.parametrize(
    ("task", "error", "words"), [("", UnknownName, "system:DIR:TASK"), (":two", UnknownName, "two")]
)
def test_a_task_must_be_named(grown: System, task: str, error: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=words):
        ramet.init(tmp_path / "next", f"system:{grown.store.folder}{task}")


def test_a_folder_without_a_system(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        ramet.init(tmp_path / "next", f"system:{tmp_path}:one")
