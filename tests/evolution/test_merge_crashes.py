"""A process is killed at every write of a merge, and several merge and publish at once: nothing is lost."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Literal

import pytest

from ramet.evolution.merge import merge
from ramet.store.care import verify
from ramet.store.folder import Store, open_store
from tests.store.examples import a_path, dies_at, make_system

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")

MOST = 60


def publish(store: Store, task: str, version: int, branch: str) -> None:
    digest = store.objects.put({"weight": _tensor(version)})
    path = a_path(task, (digest,), mu={"hp:x": version})
    store.catalog.versions.publish([path], message=f"{task} {version}", method="m/1", branch=branch)


def _tensor(version: int) -> object:
    import torch

    return torch.full((4,), float(version))


def view(store: Store) -> dict[str, object]:
    """What is published on each branch, and its history."""
    return {
        b.name: (store.catalog.versions.log(b.name), store.catalog.versions.published(b.name))
        for b in store.catalog.versions.branches()
    }


@pytest.mark.parametrize("kind", ["merge", "forward"])
def test_a_kill_at_any_write_of_a_merge_leaves_the_state_before_or_after(
    tmp_path: FilePath, kind: Literal["merge", "forward"]
) -> None:
    before, folder = tmp_path / "before", tmp_path / "colony"
    store = make_system(before, ("digits", "beans"))
    publish(store, "digits", 0, "main")
    store.catalog.versions.branch("other")
    publish(store, "digits", 1, "other")
    publish(store, "beans", 1, "other")
    if kind == "merge":
        publish(store, "digits", 2, "main")
    start = view(store)
    store.catalog.close()
    points = 0
    killed = True
    while killed:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        killed = dies_at(
            points,
            lambda: merge(open_store(folder, clock=lambda: 0.0).catalog, "other", branch="main", policy="theirs"),
        )
        store = open_store(folder, clock=lambda: 0.0)
        assert verify(store.catalog, store.objects) == []
        found = view(store)
        if killed:
            assert found == start, "the commit comes last"
        done = merge(store.catalog, "other", branch="main", policy="theirs")
        assert done.how == (kind if killed else "nothing")
        assert store.catalog.versions.published() == store.catalog.versions.published("other")
        assert verify(store.catalog, store.objects) == []
        store.catalog.close()
        points += 1
        assert points < MOST
    assert points > 3


def in_children(*actions: Callable[[], object]) -> list[int]:
    """Run actions at once, each in a process of its own; their exit statuses."""
    pids = []
    for action in actions:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                action()
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    return [os.waitpid(pid, 0)[1] for pid in pids]


def test_merges_and_publications_at_once_lose_nothing(tmp_path: FilePath) -> None:
    count = 8
    store = make_system(tmp_path / "colony", tuple(f"{side}{i}" for side in ("main", "other") for i in range(count)))
    store.catalog.versions.branch("other")
    store.catalog.close()

    def publish_all(branch: str) -> None:
        mine = open_store(store.folder)
        for i in range(count):
            publish(mine, f"{branch}{i}", i, branch)

    def merge_all() -> None:
        mine = open_store(store.folder)
        for _ in range(count):
            merge(mine.catalog, "other", branch="main")

    both = (lambda: publish_all("main"), lambda: publish_all("other"))
    assert in_children(*both, merge_all, merge_all) == [0, 0, 0, 0]
    merge(store.catalog, "other", branch="main")
    assert sorted(store.catalog.versions.published()) == sorted(task.name for task in store.catalog.tasks.all())
    assert verify(store.catalog, store.objects) == []
    made = [commit.message for commit in store.catalog.versions.log()]
    assert all(made.count(f"{side}{i} {i}") == 1 for side in ("main", "other") for i in range(count))
