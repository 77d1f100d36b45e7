"""A process is killed at every write, and two work at once: afterwards the system is whole and nothing is lost."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path as FilePath

import pytest
import torch
from sqlalchemy import select

from ramet.store.care import gc, reachable, verify
from ramet.store.folder import Store, create, open_store
from ramet.store.schema import metadata
from tests.store.examples import a_child, a_path, a_task, again, dies_at, make_system, start

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")

PARTS = {"weight": torch.ones(100)}
MOST = 200


def put_one(store: Store) -> str:
    return store.objects.put(PARTS)


def grow_one(store: Store) -> None:
    agent = store.catalog.running_agent("digits")
    assert agent is not None
    kept = a_path(digests=(put_one(store),), agent=agent.id)
    children = [a_child(kept), a_child(a_path(digests=("",), agent=agent.id), 1, status="worse")]
    store.catalog.record_generation(agent.id, 0, 0, children, [kept.id])


def publish_one(store: Store) -> None:
    agent = store.catalog.running_agent("digits")
    assert agent is not None
    store.catalog.publish(
        [a_path(digests=(put_one(store),), agent=agent.id)], message="killed", method="m/1", close_cycle=agent
    )


def state(store: Store) -> dict[str, list[object]]:
    """Every row of the catalog."""
    with store.catalog._database.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))] for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("action", [put_one, grow_one, publish_one])
def test_a_kill_at_any_write_leaves_the_state_before_or_after(
    tmp_path: FilePath, action: Callable[[Store], object]
) -> None:
    before, folder = tmp_path / "before", tmp_path / "colony"
    with_agent = make_system(before)
    start(with_agent.catalog)
    with_agent.catalog.close()
    states = []
    for point in range(MOST):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        killed = dies_at(point, lambda: action(open_store(folder, clock=lambda: 0.0)))
        store = open_store(folder, clock=lambda: 0.0)
        assert verify(store.catalog, store.objects) == []
        states.append(state(store))
        store.objects.put(PARTS)
        gc(store.catalog, store.objects, delete=True)
        assert set(store.objects.digests()) == reachable(store.catalog)
        assert [file.name for file in (folder / "objects").rglob(".*")] == []
        store.catalog.close()
        if not killed:
            break
    assert not killed, f"more than {MOST} writes"
    assert len(states) > 5
    changed = [found != states[0] for found in states]
    assert changed == sorted(changed), "once it is there it stays"
    assert all(found in (states[0], states[-1]) for found in states)
    assert changed[-1] == (action is not put_one)


def test_a_kill_at_any_write_of_a_new_system_leaves_none_or_all(tmp_path: FilePath) -> None:
    def make(folder: FilePath) -> None:
        with create(folder, "colony") as store:
            store.catalog.add_root("vit", a_path(None, (put_one(store),)))

    for point in range(MOST):
        folder = tmp_path / str(point)
        killed = dies_at(point, lambda folder=folder: make(folder))  # type: ignore[misc]
        if (folder / "ramet.json").exists():
            break
        if not (folder / "catalog.sqlite").exists():
            make(folder)
        else:
            assert killed
            continue
        store = open_store(folder)
        assert sorted(store.catalog.roots()) == ["vit"]
        assert verify(store.catalog, store.objects) == []
        store.catalog.close()
    assert point > 10
    assert sorted(open_store(folder).catalog.roots()) == ["vit"]


def test_two_processes_that_publish_at_once_lose_nothing(store: Store) -> None:
    count = 25
    tasks = [f"task{i:02}" for i in range(2 * count)]
    for task in tasks:
        store.catalog.add_task(a_task(task))

    def publish_all(side: int) -> None:
        catalog = again(store.catalog)
        for task in tasks[side::2]:
            catalog.publish([a_path(task)], message=task, method="m/1")

    pids = []
    for side in range(2):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                publish_all(side)
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
    assert sorted(store.catalog.published()) == tasks
    line = store.catalog.log()
    assert len(line) == 2 * count + 1
    assert sorted(commit.message for commit in line[:-1]) == tasks
