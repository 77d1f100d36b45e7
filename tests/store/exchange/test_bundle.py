"""One path as a folder: whole, checkable without ramet, and taken in by any system."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import pytest
import torch

from ramet.base.errors import Busy, InvalidValue, ObjectError, StoreError
from ramet.base.records import Component, Path
from ramet.store.care import verify
from ramet.store.exchange.bundle import read_bundle, take_bundle, write_bundle
from ramet.store.folder import Store, open_store
from ramet.vit import spec
from tests.store.examples import ARCHITECTURE, a_path, a_task, dies_at, in_a_thread, make_system, run_in_child

DIMENSIONS = spec.dimensions({"data.image_size": 32, "adapter_width": 4}, 2)


def whole_path(store: Store, task: str = "digits", parent: str | None = None, seed: int = 0) -> Path:
    """A path that could run, published by an agent of its own."""
    generator = torch.Generator().manual_seed(seed)
    agent = store.catalog.agents.start(task, method={"score": {}}, label="m/1", seed=seed, cycles=1, samples=1)

    def component(name: str) -> Component:
        shapes = spec.shapes(ARCHITECTURE, name, DIMENSIONS)
        tensors = {part: torch.rand(shape, generator=generator) for part, shape in shapes.items()}
        momentum = {part: torch.rand(shape, generator=generator) for part, shape in shapes.items()}
        return Component(name, store.objects.put(tensors), 1, store.objects.put(momentum), task=task)

    path = replace(
        a_path(task, (), parent=parent, agent=agent.id, method="m/1", metrics={"quality": 0.5, "test_quality": 0.25}),
        components=tuple(component(name) for name in spec.component_names(2, ["adapter.1"])),
        hyperparameters={"layers": 2, "data.image_size": 32, "adapter_width": 4},
    ).identified()
    store.catalog.versions.publish([path], message="", method="m/1", close_cycle=agent)
    return path


def export(store: Store, folder: FilePath, task: str = "digits") -> FilePath:
    write_bundle(store, store.catalog.versions.published()[task], folder)
    return folder


@pytest.fixture
def bundle(store: Store, tmp_path: FilePath) -> FilePath:
    """An exported path, whose parent is the root."""
    whole_path(store, parent=next(iter(store.catalog.paths.roots().values())).id)
    return export(store, tmp_path / "out" / "bundle")


def test_a_bundle_can_be_checked_and_loaded_without_ramet(store: Store, bundle: FilePath) -> None:
    from safetensors.torch import load_file

    path = json.loads((bundle / "path.json").read_text())
    for component in path["components"]:
        for folder, digest in (("components", component["digest"]), ("momentum", component["momentum"])):
            file = bundle / folder / f"{component['name']}.safetensors"
            assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
            assert load_file(file).keys() == store.objects.get(digest).keys()
    card = (bundle / "README.md").read_text()
    for said in ("`digits`", "zero, one", "50.0 %", "25.0 %", "m/1", path["id"], "import_task"):
        assert said in card
    assert os.listdir(bundle.parent) == ["bundle"]


def test_an_imported_path_is_the_same_where_its_parent_is_known(
    store: Store, bundle: FilePath, tmp_path: FilePath
) -> None:
    other = make_system(tmp_path / "other", ())
    read = read_bundle(bundle)
    before = other.catalog.versions.head().id
    commit = take_bundle(other, read, "digits", "main")
    assert commit.parents == (before,)
    assert commit.changes == {"digits": read.path.id}
    assert other.catalog.versions.published() == store.catalog.versions.published()
    assert other.catalog.agents.get(read.path.agent).method == {"score": {}}
    assert [task.name for task in other.catalog.tasks.all()] == ["digits"]
    assert verify(other.catalog, other.objects) == []
    assert take_bundle(other, read, "digits", "main") == commit
    assert read_bundle(export(other, tmp_path / "again")).path == read.path


def test_an_imported_path_may_have_another_name_and_shares_what_is_equal(store: Store, bundle: FilePath) -> None:
    objects = set(store.objects.digests())
    take_bundle(store, read_bundle(bundle), "numbers", "main")
    one, other = (store.catalog.versions.published()[task] for task in ("digits", "numbers"))
    assert set(store.objects.digests()) == objects
    assert one.digests() == other.digests()
    assert (one.id, one.agent) != (other.id, other.agent)
    assert {component.task for component in other.components} == {"numbers"}
    assert store.catalog.agents.get(other.agent).task == "numbers"
    assert verify(store.catalog, store.objects) == []


def test_a_system_of_another_root_takes_a_path_in_without_its_parent(bundle: FilePath, tmp_path: FilePath) -> None:
    from ramet.store.folder import create

    with create(tmp_path / "foreign", "foreign") as made:
        made.catalog.paths.add_root("vit", a_path(None, (made.objects.put({"weight": torch.ones(3)}),), agent="root"))
    foreign = open_store(tmp_path / "foreign")
    take_bundle(foreign, read_bundle(bundle), "digits", "main")
    path = foreign.catalog.versions.published()["digits"]
    assert path.parent is None
    assert path.components == read_bundle(bundle).path.components
    assert verify(foreign.catalog, foreign.objects) == []


def test_a_task_of_other_classes_is_refused_and_one_that_is_worked_on_is_busy(
    bundle: FilePath, tmp_path: FilePath
) -> None:
    other = make_system(tmp_path / "other", ())
    other.catalog.tasks.add(replace(a_task("digits"), classes=("a", "b")))
    with pytest.raises(InvalidValue, match="other classes"):
        take_bundle(other, read_bundle(bundle), "digits", "main")
    with other.catalog.leases.hold("numbers"), pytest.raises(Busy):
        in_a_thread(lambda: take_bundle(other, read_bundle(bundle), "numbers", "main"))
    assert other.catalog.versions.published() == {}


def rewrite(file: FilePath, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))


def forged(folder: FilePath, name: str, digest: str) -> None:
    """A path that names another file, under an id that fits."""
    from ramet.store.catalog.codec import path_json, read_path

    path = read_path((folder / "path.json").read_bytes())
    first = replace(path.components[0], name=name, digest=digest)
    path = replace(path, components=(first, *path.components[1:])).identified()
    (folder / "path.json").write_text(json.dumps(path_json(path)))


EMPTY = hashlib.sha256(b"{}").hexdigest()

DAMAGES: dict[str, tuple[Callable[[FilePath], object], type[Exception], str]] = {
    "no bundle": (lambda f: (f / "path.json").unlink(), StoreError, "holds no exported path: there is no path.json"),
    "no task": (lambda f: (f / "task.json").unlink(), StoreError, "there is no task.json"),
    "no JSON": (lambda f: (f / "path.json").write_text("{"), StoreError, "none of ramet's"),
    "a list": (lambda f: (f / "task.json").write_text("[1]"), StoreError, "none of ramet's"),
    "altered": (lambda f: rewrite(f / "path.json", lambda r: r.update(parent_task="x")), StoreError, "not as it was"),
    "unknown": (lambda f: rewrite(f / "path.json", lambda r: r.update(extra=1)), StoreError, "newer ramet"),
    "agent": (lambda f: rewrite(f / "agent.json", lambda r: r.update(id="x")), StoreError, "not as it was"),
    "lost": (lambda f: (f / "components" / "head.safetensors").unlink(), ObjectError, "cannot be read"),
    "flipped": (lambda f: (f / "momentum" / "head.safetensors").write_bytes(b"{}"), ObjectError, "is damaged"),
    "outside": (lambda f: forged(f, "block.../../x", EMPTY), StoreError, "names a component that no path has"),
    "classes": (lambda f: rewrite(f / "task.json", lambda r: r.update(classes=["a"])), ObjectError, "is no head"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGES)
def test_what_is_no_whole_bundle_is_refused(bundle: FilePath, case: str) -> None:
    damage, error, message = DAMAGES[case]
    damage(bundle)
    with pytest.raises(error, match=message):
        read_bundle(bundle)


def test_tensors_of_another_shape_are_refused(bundle: FilePath) -> None:
    (bundle / "components" / "patch_embed.safetensors").write_bytes(b"{}")
    forged(bundle, "patch_embed", EMPTY)
    with pytest.raises(ObjectError, match="is no patch_embed of this architecture"):
        read_bundle(bundle)


def test_a_folder_that_holds_something_is_left_alone(store: Store, bundle: FilePath) -> None:
    before = {file: file.read_bytes() for file in bundle.rglob("*") if file.is_file()}
    with pytest.raises(StoreError, match="is there already"):
        export(store, bundle)
    assert {file: file.read_bytes() for file in bundle.rglob("*") if file.is_file()} == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_during_an_export_leaves_none_or_all(store: Store, tmp_path: FilePath) -> None:
    whole_path(store)
    folder = store.folder
    store.catalog.close()
    for point in range(0, 400, 7):
        killed = dies_at(point, lambda: export(open_store(folder), tmp_path / "out"))
        if (tmp_path / "out").exists():
            read_bundle(tmp_path / "out")
            break
        assert killed
    assert point > 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_during_an_import_is_finished_by_the_same_command(bundle: FilePath, tmp_path: FilePath) -> None:
    make_system(tmp_path / "before", ()).catalog.close()
    folder = tmp_path / "colony"

    def take() -> None:
        take_bundle(open_store(folder), read_bundle(bundle), "digits", "main")

    for point in range(0, 400, 11):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "before", folder)
        killed = dies_at(point, take)
        store = open_store(folder)
        assert verify(store.catalog, store.objects) == []
        store.catalog.close()
        assert run_in_child(take) == 0
        assert verify(store.catalog, store.objects) == []
        assert list(store.catalog.versions.published()) == ["digits"]
        store.catalog.close()
        if not killed:
            break
    assert not killed
