"""A disk that takes no more bytes, whenever it does so: an error of the store, nothing lost, the same call finishes."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path as FilePath

import pytest
import torch

from ramet.base.errors import StoreError
from ramet.base.records import Commit, Path
from ramet.evolution.merge import merge
from ramet.store.care import check, gc, verify
from ramet.store.exchange.remote import open_remote
from ramet.store.exchange.transfer import pull, push
from ramet.store.folder import Store, open_store
from tests.store.examples import a_path, make_system, run_in_child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="sets a limit in a child process")

LIMITS = (0, 100, 5_000, 20_000, 60_000, 120_000, 1_000_000)
"""Bytes that a file may have, from none to enough for all: a new object, a record, a page of the catalog's log."""

State = tuple[dict[str, Path], list[Commit]]


def publish(store: Store, task: str, version: int, branch: str = "main") -> Commit:
    digest = store.objects.put({"weight": torch.full((800,), float(version))})
    path = a_path(task, (digest,), mu={"hp:x": version})
    return store.catalog.versions.publish([path], message=f"{task} {version}", method="m/1", branch=branch)


def found(folder: FilePath) -> State:
    """What is published, and its history; the system is whole."""
    store = open_store(folder, clock=lambda: 0.0)
    assert check(store.catalog) == []
    assert verify(store.catalog, store.objects) == []
    state = store.catalog.versions.published(), store.catalog.versions.log()
    store.catalog.close()
    return state


@dataclass(frozen=True)
class Work:
    """Something that writes: done in `folder`, seen in `seen`."""

    name: str
    run: Callable[[FilePath], object]
    seen: str = "colony"


def _open(folder: FilePath, name: str = "colony") -> Store:
    return open_store(folder / name, clock=lambda: 0.0)


def _merge(folder: FilePath) -> object:
    return merge(_open(folder).catalog, "other", branch="main", policy="theirs")


def _push(folder: FilePath) -> object:
    return push(_open(folder), open_remote(str(folder / "hub"), folder), "main")


def _pull(folder: FilePath) -> object:
    remote = open_remote(str(folder / "colony"), folder)
    return pull(_open(folder, "hub"), remote, "main", accept=lambda _: None)


def _gc(folder: FilePath) -> object:
    store = _open(folder)
    return gc(store.catalog, store.objects, delete=True)


WORKS = (
    Work("publish", lambda folder: publish(_open(folder), "digits", 7)),
    Work("merge", _merge),
    Work("push", _push, "hub"),
    Work("pull", _pull, "hub"),
    Work("gc", _gc),
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> FilePath:
    """A system with a branch to merge and an object that nothing needs, another one to share with."""
    folder = tmp_path_factory.mktemp("ground")
    store = make_system(folder / "colony", ("digits", "beans"))
    publish(store, "digits", 0)
    store.catalog.versions.branch("other")
    publish(store, "digits", 1, "other")
    publish(store, "beans", 2)
    store.objects.put({"weight": torch.full((800,), -1.0)})
    store.catalog.close()
    make_system(folder / "hub", ()).catalog.close()
    return folder


def limited(limit: int, run: Callable[[], object]) -> bool:
    """Run something in a process whose files may have so many bytes, and say whether it came to its end."""
    import resource
    import signal

    def child() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            run()
        except StoreError:
            os._exit(3)

    status = os.waitstatus_to_exitcode(run_in_child(child))
    assert status in (0, 3), "a full disk is an error of the store's"
    return status == 0


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_nothing_is_lost_and_the_same_call_finishes(ground: FilePath, tmp_path: FilePath, work: Work) -> None:
    whole = shutil.copytree(ground, tmp_path / "whole")
    before = found(whole / work.seen)
    work.run(whole)
    after = found(whole / work.seen)
    ended = []
    for limit in LIMITS:
        folder = shutil.copytree(ground, tmp_path / "folder")
        ended.append(limited(limit, lambda folder=folder: work.run(folder)))  # type: ignore[misc]
        if ended[-1]:
            assert found(folder / work.seen) == after
        else:
            assert found(folder / work.seen) == before
        work.run(folder)
        assert found(folder / work.seen) == after
        shutil.rmtree(folder)
    assert ended == sorted(ended), "what a small disk takes, a larger one takes"
    assert ended[-1]
    assert ended[0] == (work.name == "gc"), "gc is what makes room again: it needs none"


@pytest.fixture
def small_disk(tmp_path: FilePath) -> Iterator[FilePath]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("nothing may be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_full_disk_one_may_look_and_collect_garbage(small_disk: FilePath) -> None:
    store = make_system(small_disk / "colony")
    publish(store, "digits", 0)
    published = store.catalog.versions.published()
    for version in range(20):
        store.objects.put({"weight": torch.full((2_000,), -1.0 - version)})
    store.catalog.close()
    with (small_disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"x" * 512)

    def look() -> None:
        store = open_store(small_disk / "colony")
        assert store.catalog.versions.published() == published
        assert verify(store.catalog, store.objects) == []

    def write() -> None:
        with pytest.raises(StoreError, match="full") as error:
            publish(open_store(small_disk / "colony"), "digits", 1)
        assert "gc --delete" in error.value.remedy or "ramet gc" in error.value.remedy

    for action in (look, write, look, lambda: _gc(small_disk)):
        assert run_in_child(action) == 0
    again = open_store(small_disk / "colony")
    assert len(list(again.objects.digests())) == 2
    publish(again, "digits", 2)
    assert check(again.catalog) == []
    again.catalog.close()
