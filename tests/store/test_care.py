"""What a system needs, what gc drops, and what verify finds."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path as FilePath

import pytest
import torch

from ramet.base.records import Path
from ramet.store.care import Fault, GcReport, Need, gc, needed, repair, verify
from ramet.store.folder import Store, open_store
from ramet.store.objects import FolderObjects
from tests.store.examples import Told, a_child, a_path, a_task, dies_at, make_system, start


def put(store: Store, value: float) -> str:
    return store.objects.put({"weight": torch.full((4,), value)})


def grown(store: Store, task: str, *values: float, agent: str = "") -> Path:
    return a_path(task, tuple(put(store, value) for value in values), agent=agent)


def root_object(store: Store) -> str:
    return store.catalog.paths.roots()["vit"].components[0].digest


def publish(store: Store, path: Path) -> None:
    store.catalog.versions.publish([path], message="", method="")


def age(store: Store, seconds: float) -> None:
    """Make all objects older."""
    assert isinstance(store.objects, FolderObjects)
    for digest in store.objects.digests():
        file = store.objects.file(digest)
        os.utime(file, (0, file.stat().st_mtime - seconds))


def test_momentum_and_every_shared_component_is_needed(store: Store) -> None:
    store.catalog.tasks.add(a_task("beans"))
    shared = put(store, 0.0)
    from dataclasses import replace

    path = grown(store, "digits", 0.0, 1.0)
    momentum = put(store, 9.0)
    path = replace(path, components=(path.components[0], replace(path.components[1], momentum=momentum))).identified()
    publish(store, path)
    publish(store, grown(store, "beans", 0.0, 2.0))
    needs = needed(store.catalog)
    assert needs[shared] == Need({"digits", "beans"}, set())
    assert needs[momentum] == Need({"digits"}, set())
    assert needs[root_object(store)] == Need(set(), {"vit"})
    assert needs.keys() == set(store.objects.digests())


def test_gc_deletes_what_nothing_needs_and_counts_it(store: Store) -> None:
    publish(store, grown(store, "digits", 1.0))
    orphans = [put(store, 2.0), put(store, 3.0)]
    size, of_root = (len(store.objects.read(digest)) for digest in (orphans[0], root_object(store)))
    assert gc(store.catalog, store.objects) == GcReport(2, 2 * size, 2, size + of_root)
    assert len(list(store.objects.digests())) == 4
    report = gc(store.catalog, store.objects, delete=True)
    assert (report.objects, report.bytes, report.kept) == (2, 2 * size, 2)
    assert set(store.objects.digests()) == needed(store.catalog).keys()
    assert gc(store.catalog, store.objects, delete=True).objects == 0
    assert verify(store.catalog, store.objects) == []


def test_history_is_kept_as_far_as_a_branch_or_a_tag_leads_to_it(store: Store) -> None:
    catalog = store.catalog
    publish(store, grown(store, "digits", 1.0))
    catalog.versions.branch("trial")
    catalog.versions.publish([grown(store, "digits", 2.0)], message="", method="", branch="trial")
    catalog.versions.tag("v1", "trial")
    catalog.versions.publish([grown(store, "digits", 3.0)], message="", method="", branch="trial")
    publish(store, grown(store, "digits", 4.0))

    def deleted() -> int:
        return gc(store.catalog, store.objects, delete=True).objects

    assert deleted() == 0, "every commit is reached"
    catalog.versions.restore("digits", "main~1")
    catalog.versions.delete_branch("trial")
    assert deleted() == 1, "the one after the tag"
    catalog.versions.delete_tag("v1")
    assert deleted() == 1, "the tagged one"
    assert verify(catalog, store.objects) == []


def test_a_running_agent_keeps_its_population_and_the_state_its_cycle_began_from(store: Store) -> None:
    agent = start(store.catalog, cycles=1)
    one, other = grown(store, "digits", 3.0, agent=agent.id), grown(store, "digits", 4.0, agent=agent.id)
    store.catalog.agents.record_generation(agent.id, 0, 0, [a_child(one), a_child(other, 1)], [one.id, other.id])
    assert gc(store.catalog, store.objects, delete=True).objects == 0
    store.catalog.agents.record_generation(agent.id, 0, 1, [], [one.id])
    assert gc(store.catalog, store.objects, delete=True).objects == 1, "the pruned path's"
    store.catalog.versions.publish([one], message="", method="", close_cycle=agent)
    assert gc(store.catalog, store.objects, delete=True).objects == 0
    assert verify(store.catalog, store.objects) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_at_any_write_of_gc_loses_nothing_and_the_next_one_goes_on(tmp_path: FilePath) -> None:
    before, folder = tmp_path / "before", tmp_path / "colony"
    made = make_system(before)
    publish(made, grown(made, "digits", 1.0))
    for value in range(2, 5):
        put(made, float(value))
    made.catalog.close()
    for point in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        killed = dies_at(point, lambda: gc((s := open_store(folder)).catalog, s.objects, delete=True))
        store = open_store(folder)
        assert verify(store.catalog, store.objects) == []
        time.sleep(0.01)
        gc(store.catalog, store.objects, delete=True)
        assert set(store.objects.digests()) == needed(store.catalog).keys()
        assert list((folder / "objects").rglob(".*")) == []
        assert verify(store.catalog, store.objects) == []
        store.catalog.close()
        if not killed:
            break
    assert not killed
    assert point >= 6


def test_an_object_that_gc_died_over_while_judging_it_is_put_back(store: Store) -> None:
    assert isinstance(store.objects, FolderObjects)
    publish(store, grown(store, "digits", 1.0))
    file = store.objects.file(put(store, 1.0))
    file.rename(file.with_name(f".{file.name}.01234567.tmp"))
    assert [fault.tasks for fault in verify(store.catalog, store.objects)] == [("digits",)]
    time.sleep(0.01)
    gc(store.catalog, store.objects, delete=True)
    assert verify(store.catalog, store.objects) == []


def test_what_a_leases_holder_put_is_kept_until_it_is_recorded(store: Store) -> None:
    old = put(store, 1.0)
    age(store, 3 * 3600)
    with store.catalog.leases.hold("digits"):
        new = put(store, 2.0)
        assert gc(store.catalog, store.objects).objects == 1
        assert gc(store.catalog, store.objects, delete=True).objects == 1
        assert old not in store.objects
        assert new in store.objects
    assert gc(store.catalog, store.objects, delete=True).objects == 1
    assert new not in store.objects


def test_an_old_object_that_is_put_again_is_kept_as_a_new_one(store: Store) -> None:
    put(store, 1.0)
    age(store, 3 * 3600)
    with store.catalog.leases.hold("digits"):
        put(store, 1.0)
        assert gc(store.catalog, store.objects, delete=True).objects == 0


def test_what_is_put_while_gc_runs_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between listing and deleting, an agent puts an object again that nothing needed so far."""
    digest = put(store, 1.0)
    time.sleep(0.02)
    delete = store.objects.delete

    def late(digest: str, *, before: float) -> bool:
        time.sleep(0.02)
        put(store, 1.0)
        return delete(digest, before=before)

    monkeypatch.setattr(store.objects, "delete", late)
    assert gc(store.catalog, store.objects, delete=True).objects == 0
    store.objects.read(digest)


def test_gc_takes_away_what_dead_writers_left(store: Store) -> None:
    half = store.folder / "objects" / "ab" / ".abcd.safetensors.0123abcd.tmp"
    half.parent.mkdir()
    half.touch()
    os.utime(half, (0, time.time() - 60))
    gc(store.catalog, store.objects)
    assert half.exists()
    with store.catalog.leases.hold("digits"):
        gc(store.catalog, store.objects, delete=True)
        assert half.exists()
    gc(store.catalog, store.objects, delete=True)
    assert not half.exists()


def absent(file: FilePath) -> None:
    file.unlink()


def truncated(file: FilePath) -> None:
    file.write_bytes(file.read_bytes()[:-4])


def flipped(file: FilePath) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 128]))


@pytest.mark.parametrize(("damage", "word"), [(absent, "missing"), (truncated, "damaged"), (flipped, "damaged")])
def test_verify_names_every_fault_and_the_tasks_it_affects(
    store: Store, damage: Callable[[FilePath], None], word: str
) -> None:
    assert isinstance(store.objects, FolderObjects)
    store.catalog.tasks.add(a_task("beans"))
    publish(store, grown(store, "digits", 0.0, 1.0))
    publish(store, grown(store, "beans", 0.0, 2.0))
    told = Told()
    assert verify(store.catalog, store.objects, told) == []
    assert told.steps == [("checking objects", i, 4) for i in range(1, 5)]
    shared, own, root = put(store, 0.0), put(store, 1.0), root_object(store)
    for digest in (shared, own, root):
        damage(store.objects.file(digest))
    faults = {fault.digest: fault for fault in verify(store.catalog, store.objects)}
    assert {digest: (fault.tasks, fault.roots) for digest, fault in faults.items()} == {
        shared: (("beans", "digits"), ()),
        own: (("digits",), ()),
        root: ((), ("vit",)),
    }
    for fault in faults.values():
        assert word in fault.problem
        assert str(store.objects.file(str(fault.digest))) in fault.problem


def test_verify_names_the_branches_tags_and_commits_that_are_affected(store: Store) -> None:
    assert isinstance(store.objects, FolderObjects)
    first = store.catalog.versions.publish([grown(store, "digits", 1.0)], message="", method="")
    store.catalog.versions.tag("v1")
    store.catalog.versions.branch("trial")
    second = store.catalog.versions.publish([grown(store, "digits", 1.0, 2.0)], message="", method="")
    old = put(store, 1.0)
    store.objects.file(old).unlink()
    [fault] = verify(store.catalog, store.objects)
    assert (fault.tasks, fault.branches, fault.tags) == (("digits",), ("main", "trial"), ("v1",))
    assert fault.commits == tuple(sorted((first.id, second.id)))


@pytest.mark.parametrize("damage", [absent, truncated, flipped])
def test_what_is_damaged_is_brought_back_from_a_whole_copy(
    store: Store, tmp_path: FilePath, damage: Callable[[FilePath], None]
) -> None:
    assert isinstance(store.objects, FolderObjects)
    publish(store, grown(store, "digits", 1.0, 2.0))
    one, other, orphan = put(store, 1.0), put(store, 2.0), put(store, 3.0)
    copies = FolderObjects(tmp_path / "copies")
    for digest in (one, other):
        copies.write(store.objects.read(digest))
    flipped(copies.file(other))
    for digest in (one, other, orphan):
        damage(store.objects.file(digest))
    faults = {fault.digest: fault for fault in repair(verify(store.catalog, store.objects), store.objects, copies)}
    store.objects.read(one)
    assert faults[one].repaired
    assert not faults[other].repaired
    assert "not repaired: object" in faults[other].problem
    assert str(copies.file(other)) in faults[other].problem
    assert [fault.digest for fault in verify(store.catalog, store.objects) if fault.tasks] == [other]


def test_a_damaged_object_that_nothing_needs_affects_no_task(store: Store) -> None:
    assert isinstance(store.objects, FolderObjects)
    digest = put(store, 1.0)
    flipped(store.objects.file(digest))
    [fault] = verify(store.catalog, store.objects)
    assert (fault.digest, fault.tasks, fault.roots) == (digest, (), ())
    gc(store.catalog, store.objects, delete=True)
    assert verify(store.catalog, store.objects) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE paths SET record = replace(record, '0.1', '0.2') WHERE task = 'digits'", "record of path .* altered"),
        ("UPDATE paths SET record = substr(record, 1, 50) WHERE task = 'digits'", "damaged"),
        ("PRAGMA foreign_keys = OFF; UPDATE roots SET path = 'gone'", "roots refers to a missing paths"),
    ],
)
def test_verify_finds_an_altered_catalog(tmp_path: FilePath, statement: str, problem: str) -> None:
    import re
    import sqlite3

    store = make_system(tmp_path)
    publish(store, grown(store, "digits", 1.0))
    with sqlite3.connect(store.folder / "catalog.sqlite") as connection:
        connection.executescript(statement)
    faults = verify(store.catalog, store.objects)
    assert [fault for fault in faults if re.search(problem, fault.problem)] == faults[:1] != []
    assert isinstance(faults[0], Fault)
