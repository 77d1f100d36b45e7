"""A process is killed at every write, and two work at once: afterwards the system is whole and nothing is lost."""

import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path as FilePath

import pytest
import torch
from sqlalchemy import select

from ramet.store.care import check, gc, needed, verify
from ramet.store.catalog.schema import metadata
from ramet.store.folder import Store, create, open_store
from tests.store.examples import a_child, a_path, a_task, again, dies_at, make_system, start, start_in_child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")

PARTS = {"weight": torch.ones(100)}
MOST = 200


def put_one(store: Store) -> str:
    return store.objects.put(PARTS)


def grow_one(store: Store) -> None:
    agent = store.catalog.agents.running("digits")
    assert agent is not None
    kept = a_path(digests=(put_one(store),), agent=agent.id)
    children = [a_child(kept), a_child(a_path(digests=("",), agent=agent.id), 1, status="worse")]
    store.catalog.agents.record_generation(agent.id, 0, 0, children, [kept.id])


def publish_one(store: Store) -> None:
    agent = store.catalog.agents.running("digits")
    assert agent is not None
    store.catalog.versions.publish(
        [a_path(digests=(put_one(store),), agent=agent.id)], message="killed", method="m/1", close_cycle=agent
    )


def state(store: Store) -> dict[str, list[object]]:
    """Every row of the catalog."""
    with store.catalog.database.reading() as connection:
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
        assert set(store.objects.digests()) == needed(store.catalog).keys()
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
            store.catalog.paths.add_root("vit", a_path(None, (put_one(store),)))

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
        assert sorted(store.catalog.paths.roots()) == ["vit"]
        assert verify(store.catalog, store.objects) == []
        store.catalog.close()
    assert point > 10
    assert sorted(open_store(folder).catalog.paths.roots()) == ["vit"]


def test_eight_processes_publish_at_once_nothing_is_lost_and_commits_are_seen_whole(store: Store) -> None:
    """Each commit has a new path and its process's tally of them, so a tally tells which paths must be there."""
    writers, count = 8, 25
    tallies = [f"tally{side}" for side in range(writers)]
    tasks = [[f"task{side}-{i:02}" for i in range(count)] for side in range(writers)]
    for task in (*tallies, *(task for mine in tasks for task in mine)):
        store.catalog.tasks.add(a_task(task))

    def publish_all(side: int) -> None:
        catalog = again(store.catalog)
        for i, task in enumerate(tasks[side]):
            tally = a_path(tallies[side], mu={"hp:x": i})
            catalog.versions.publish([a_path(task), tally], message=task, method="m/1")

    def look() -> int:
        seen = store.catalog.versions.published()
        there = [[task for task in mine if task in seen] for mine in tasks]
        told = [int(seen[tally].mu["hp:x"]) + 1 if tally in seen else 0 for tally in tallies]
        assert there == [mine[:number] for mine, number in zip(tasks, told, strict=True)]
        return sum(told)

    running = {start_in_child(partial(publish_all, side)) for side in range(writers)}
    while running:
        look()
        time.sleep(0.05)
        ended, status = os.waitpid(-1, os.WNOHANG)
        assert status == 0
        running.discard(ended)
    assert look() == writers * count
    assert sorted(commit.message for commit in store.catalog.versions.log()[:-1]) == sorted(
        task for mine in tasks for task in mine
    )
    assert check(store.catalog) == []
