"""Branches go from system to system: only what is missing, whole, and never over what the other side has of its own."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path as FilePath

import pytest
import torch

from ramet.base.errors import Conflict, InvalidValue, ObjectError, StoreError, UnknownName
from ramet.base.records import Commit, Path, Task
from ramet.store.care import gc, verify
from ramet.store.exchange.parcel import parcel_of
from ramet.store.exchange.remote import PlainRemote, Remote, open_remote, short_name
from ramet.store.exchange.transfer import Transfer, pull, push
from ramet.store.folder import Store, create, open_store
from tests.store.examples import Told, a_path, a_task, dies_at, make_system, start

KINDS = ["system", "file", "memory", "dir", "moto", "s3rver"]

everywhere = pytest.mark.parametrize(
    ("new_address", "remote"),
    [*(("sqlite", kind) for kind in KINDS), ("postgresql", "system"), ("postgresql", "file")],
    indirect=True,
)
"""Every kind of remote, and every kind of database: the two have nothing to do with each other."""


@pytest.fixture
def other(tmp_path: FilePath) -> Store:
    """Another system, grown from the same root."""
    return make_system(tmp_path / "other", ())


@pytest.fixture
def remote(request: pytest.FixtureRequest, tmp_path: FilePath, place_of: Callable[[str], str]) -> Remote:
    """Every kind of remote, with nothing in it but what a new system has."""
    if request.param == "system":
        make_system(tmp_path / "hub", ())
        return open_remote(str(tmp_path / "hub"), tmp_path / "copies")
    return open_remote(place_of(request.param), tmp_path / "copies")


def put(store: Store, value: float) -> str:
    return store.objects.put({"weight": torch.full((4,), value)})


def publish(store: Store, task: str, *values: float, parent: str | None = None, branch: str = "main") -> Commit:
    """A new path of a task, made by an agent of its own."""
    if task not in {known.name for known in store.catalog.tasks.all()}:
        store.catalog.tasks.add(a_task(task))
    agent = store.catalog.agents.start(
        task, method={"score": {}}, label="m/1", seed=0, cycles=1, samples=1, branch=branch
    )
    digests = tuple(put(store, value) for value in values)
    path = replace(a_path(task, digests, parent=parent, agent=agent.id), metrics={"quality": 0.5})
    return store.catalog.versions.publish(
        [path], message=f"{task} {values}", method="m/1", branch=branch, close_cycle=agent
    )


def root_of(store: Store) -> str:
    return next(iter(store.catalog.paths.roots().values())).id


def take(store: Store, remote: Remote, branch: str = "main") -> Transfer:
    return pull(store, remote, branch, accept=lambda _: None)


def ids(store: Store, branch: str = "main") -> list[str]:
    return sorted(commit.id for commit in store.catalog.versions.log(branch))


@everywhere
def test_what_is_pushed_is_what_is_pulled(store: Store, remote: Remote, other: Store) -> None:
    publish(store, "digits", 1.0, parent=root_of(store))
    first = push(store, remote, "main")
    publish(store, "beans", 1.0, 2.0, parent=store.catalog.versions.published()["digits"].id)
    told = Told()
    second = push(store, remote, "main", told)
    assert (first.outcome, first.objects) == (
        "made" if isinstance(remote, PlainRemote) else "moved",
        1 + isinstance(remote, PlainRemote),
    )
    assert (second.outcome, second.commits, second.objects, told.steps) == ("moved", 1, 1, [("objects", 1, 1)])
    assert push(store, remote, "main").outcome == "even"
    got = take(other, remote)
    assert (got.outcome, got.branch, got.commits, got.objects) == ("moved", "main", 2, 2)
    assert other.catalog.versions.published() == store.catalog.versions.published()
    assert ids(other) == ids(store)
    assert [task.name for task in other.catalog.tasks.all()] == ["beans", "digits"]
    assert other.catalog.paths.roots() == store.catalog.paths.roots()
    path = other.catalog.versions.published()["beans"]
    assert [p.id for p in other.catalog.paths.ancestors(path.id)] == [
        p.id for p in store.catalog.paths.ancestors(path.id)
    ]
    agent = other.catalog.agents.get(path.agent)
    assert (agent.state, agent.label, agent.method) == ("done", "m/1", {"score": {}})
    assert verify(other.catalog, other.objects) == []
    assert take(other, remote).outcome == "even"
    publish(other, "beans", 3.0)
    assert take(other, remote).outcome == "behind"
    assert push(other, remote, "main").outcome == "moved"
    assert push(store, remote, "main").outcome == "behind" if remote.branches()["main"] in ids(store) else True
    assert take(store, remote).outcome == "moved"
    assert ids(store) == ids(other)


@everywhere
def test_what_parted_is_refused_and_comes_on_a_branch_of_its_own(store: Store, remote: Remote, other: Store) -> None:
    publish(store, "digits", 1.0)
    push(store, remote, "main")
    publish(other, "beans", 2.0)
    before = ids(other)
    with pytest.raises(Conflict, match="has commits that it has not here; pull and merge"):
        push(other, remote, "main")
    got = take(other, remote)
    apart = f"{short_name(remote.url)}/main"
    assert (got.outcome, got.branch) == ("apart", apart)
    assert ids(other) == before
    assert set(other.catalog.versions.published(apart)) == {"digits"}
    assert take(other, remote).outcome == "apart"
    with pytest.raises(Conflict, match=f"ramet merge {apart}"):
        push(other, remote, "main")
    fork = other.catalog.versions.fork(apart)
    other.catalog.versions.merge(fork, dict(fork.their_state), message="both")
    assert push(other, remote, "main").outcome == "moved"
    assert take(store, remote).outcome == "moved"
    assert store.catalog.versions.published() == other.catalog.versions.published()
    assert set(store.catalog.versions.published()) == {"beans", "digits"}
    assert verify(store.catalog, store.objects) == verify(other.catalog, other.objects) == []


def test_what_was_pulled_is_not_taken_away_from_a_branch_with_commits_of_its_own(
    store: Store, other: Store, tmp_path: FilePath
) -> None:
    remote = PlainRemote((tmp_path / "hub").as_uri(), tmp_path)
    publish(store, "digits", 1.0)
    push(store, remote, "main")
    publish(other, "beans", 2.0)
    take(other, remote)
    mine = publish(other, "digits", 3.0, branch="hub/main").id
    assert take(other, remote).outcome == "apart"
    publish(store, "digits", 4.0)
    push(store, remote, "main")
    with pytest.raises(Conflict, match="'hub/main', which has commits of its own; merge it"):
        take(other, remote)
    assert other.catalog.versions.head("hub/main").id == mine


@everywhere
def test_a_branch_that_was_deleted_and_freed_comes_whole_again(store: Store, remote: Remote, other: Store) -> None:
    publish(store, "digits", 1.0)
    store.catalog.versions.tag("v1")
    store.catalog.versions.branch("trial")
    push(store, remote, "trial")
    take(other, remote, "trial")
    other.catalog.versions.delete_branch("trial")
    other.catalog.versions.delete_tag("v1")
    assert gc(other.catalog, other.objects, delete=True).objects == 1
    got = take(other, remote, "trial")
    assert (got.outcome, got.commits, got.tags) == ("made", 1, ("v1",))
    assert verify(other.catalog, other.objects) == []


@everywhere
def test_branches_and_tags_go_along(store: Store, remote: Remote, other: Store) -> None:
    publish(store, "digits", 1.0)
    store.catalog.versions.tag("v1", message="the first")
    store.catalog.versions.branch("trial/one")
    publish(store, "digits", 2.0, branch="trial/one")
    store.catalog.versions.tag("v2", "trial/one")
    assert push(store, remote, "main").tags == ("v1",)
    got = push(store, remote, "trial/one")
    assert (got.outcome, got.commits, got.objects, got.tags) == ("made", 1, 1, ("v2",))
    publish(store, "digits", 3.0)
    push(store, remote, "main")
    store.catalog.versions.tag("v3")
    assert push(store, remote, "main").tags == ("v3",)
    assert take(other, remote, "trial/one").tags == ("v1", "v2")
    assert other.catalog.versions.published("trial/one") == store.catalog.versions.published("trial/one")
    assert ids(other, "trial/one") == ids(store, "trial/one")
    assert take(other, remote).tags == ("v3",)
    assert {tag.name: tag.commit for tag in other.catalog.versions.tags()} == {
        tag.name: tag.commit for tag in store.catalog.versions.tags()
    }
    with pytest.raises(UnknownName, match=r"no branch 'mian'; it has main, trial/one"):
        take(other, remote, "mian")


@everywhere
def test_a_system_of_another_root_brings_its_roots(store: Store, remote: Remote, tmp_path: FilePath) -> None:
    publish(store, "digits", 1.0, parent=root_of(store))
    with create(tmp_path / "foreign", "foreign") as made:
        made.catalog.paths.add_root("vit", a_path(None, (put(made, 7.0),), agent="root"))
    foreign = open_store(tmp_path / "foreign")
    publish(foreign, "beans", 2.0)
    push(store, remote, "main")
    take(foreign, remote)
    assert set(foreign.catalog.paths.roots()) == {"vit", f"vit@{root_of(store)}"}
    assert verify(foreign.catalog, foreign.objects) == []
    take(foreign, remote)
    assert len(foreign.catalog.paths.roots()) == 2


@everywhere
def test_another_task_of_the_same_name_is_refused(store: Store, remote: Remote, other: Store) -> None:
    publish(store, "digits", 1.0)
    push(store, remote, "main")
    other.catalog.tasks.add(replace(a_task("digits"), classes=("a", "b")))
    with pytest.raises(InvalidValue, match=r"'digits' is another one here: it has other classes; .*ramet import"):
        take(other, remote)
    assert other.catalog.versions.published() == {}

    def never(task: Task) -> None:
        raise InvalidValue(f"not {task.name}", "")

    with pytest.raises(InvalidValue, match="not digits"):
        pull(make_system(other.folder.with_name("third"), ()), remote, "main", accept=never)


@everywhere
def test_removed_tasks_and_history_come_as_they_are(store: Store, remote: Remote, other: Store) -> None:
    publish(store, "digits", 1.0)
    publish(store, "beans", 2.0)
    store.catalog.versions.remove("beans")
    push(store, remote, "main")
    take(other, remote)
    assert [task.name for task in other.catalog.tasks.all()] == ["digits"]
    other.catalog.versions.restore("beans", "main~1")
    assert [task.name for task in other.catalog.tasks.all()] == ["beans", "digits"]
    assert verify(other.catalog, other.objects) == []


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: b""]
)
def test_what_is_damaged_there_does_not_come_here(
    store: Store, other: Store, tmp_path: FilePath, damage: Callable[[bytes], bytes]
) -> None:
    url = (tmp_path / "place").as_uri()
    publish(store, "digits", 1.0)
    push(store, PlainRemote(url, tmp_path), "main")
    digest = put(store, 1.0)
    file = tmp_path / "place" / "objects" / digest[:2] / f"{digest}.safetensors"
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    with pytest.raises(ObjectError, match=digest):
        take(other, PlainRemote(url, tmp_path))
    assert digest not in other.objects
    file.write_bytes(whole)
    [records] = (tmp_path / "place" / "records").rglob("*.json")
    text = records.read_bytes()
    records.write_bytes(damage(text))
    with pytest.raises(StoreError, match=rf"{records.name} is damaged"):
        take(other, PlainRemote(url, tmp_path))
    records.write_bytes(text)
    assert ids(other) != ids(store)
    take(other, PlainRemote(url, tmp_path))
    assert ids(other) == ids(store)


def test_altered_records_are_noticed_by_their_ids(store: Store) -> None:
    publish(store, "digits", 1.0)
    parcel = parcel_of(store.catalog, store.catalog.versions.head().id)
    parcel.check()
    [path] = (path for path in parcel.paths.values() if path.task == "digits")
    worse = replace(path, hyperparameters={**path.hyperparameters, "layers": 1})
    [commit] = (commit for commit in parcel.commits.values() if commit.changes)
    for altered in (
        replace(parcel, paths={path.id: worse}),
        replace(parcel, commits={commit.id: replace(commit, message="another")}),
        replace(parcel, tasks={}),
    ):
        with pytest.raises(StoreError, match="not as it was written"):
            altered.check()


def test_only_one_of_two_pushes_at_once_has_its_way(
    store: Store, other: Store, tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = PlainRemote((tmp_path / "place").as_uri(), tmp_path)
    publish(store, "digits", 1.0)
    publish(other, "beans", 2.0)
    real = remote.receive

    def late(*args: object, **kwargs: object) -> None:
        push(other, PlainRemote(remote.url, tmp_path), "main")
        real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(remote, "receive", late)
    with pytest.raises(Conflict, match="just been moved"):
        push(store, remote, "main")
    assert remote.branches()["main"] == other.catalog.versions.head().id


def test_a_name_that_is_no_remote_is_refused(tmp_path: FilePath) -> None:
    with pytest.raises(UnknownName, match=r"no remote is called .*nowhere.*file:///"):
        open_remote(str(tmp_path / "nowhere"), tmp_path)
    (tmp_path / "refs" / "branches").mkdir(parents=True)
    assert isinstance(open_remote(str(tmp_path), tmp_path), PlainRemote)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/a/hub", "hub"),
        ("s3://bucket/a/b.c/", "b.c"),
        ("s3://bucket", "bucket"),
        ("memory://x", "x"),
        ("file:///", "remote"),
        ("/a/é b", "b"),
    ],
)
def test_a_remote_is_called_by_the_last_part_of_its_url(url: str, name: str) -> None:
    assert short_name(url) == name


MOST = 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.parametrize("kind", ["system", "file"])
@pytest.mark.parametrize("action", ["push", "pull"])
def test_a_kill_at_any_write_is_finished_by_the_same_command(tmp_path: FilePath, kind: str, action: str) -> None:
    ground, here = tmp_path / "ground", tmp_path / "here"
    first = make_system(ground / "one")
    tip = publish(first, "digits", 1.0).id
    first.catalog.versions.tag("v1")
    first.catalog.close()
    target = "hub" if action == "push" else "two"
    if kind == "system" or action == "pull":
        make_system(ground / target, ()).catalog.close()
    url = str(here / "hub") if kind == "system" else (here / "hub").as_uri()
    if action == "pull":
        shutil.copytree(ground / "one", here / "hub")
        if kind == "file":
            shutil.rmtree(here / "hub")
            push(first, open_remote(url, tmp_path), "main")
        shutil.move(here / "hub", ground / "hub")

    def act() -> None:
        remote = open_remote(url, tmp_path / "copies")
        store = open_store(here / ("one" if action == "push" else "two"))
        assert (push(store, remote, "main") if action == "push" else take(store, remote)).commit == tip
        store.catalog.close()

    for point in range(MOST):
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(ground, here)
        killed = dies_at(point, act)
        check_whole(here / target, url, tip, finished=not killed)
        act()
        check_whole(here / target, url, tip, finished=True)
        if not killed:
            break
    assert not killed, f"more than {MOST} writes"
    assert point > 5


def check_whole(folder: FilePath, url: str, tip: str, *, finished: bool) -> None:
    """What was pushed or pulled to is as it was before, or has all of it."""
    if (folder / "ramet.json").exists():
        store = open_store(folder)
        assert verify(store.catalog, store.objects) == []
        heads = {branch.commit for branch in store.catalog.versions.branches()}
        tags = {tag.name for tag in store.catalog.versions.tags()}
        store.catalog.close()
    else:
        remote = open_remote(url, folder)
        heads, tags = set(remote.branches().values()), {tag.name for tag in remote.tags()}
        for head in heads:
            parcel = remote.fetch(head, lambda _: set())
            parcel.check()
            for digest in parcel.digests():
                remote.objects.read(digest)
    assert tip in heads or not finished
    assert tags == {"v1"} or not finished


@everywhere
def test_start_is_not_disturbed_by_agents_that_came(store: Store, remote: Remote, other: Store) -> None:
    publish(store, "digits", 1.0)
    push(store, remote, "main")
    other.catalog.tasks.add(a_task("digits"))
    mine = start(other.catalog, cycles=1)
    take(other, remote)
    assert sorted(agent.number for agent in other.catalog.agents.all("digits")) == [0, 1]
    assert other.catalog.agents.get(mine.id).state == "running"


@everywhere
def test_published_paths_of_unpublished_parents_keep_their_line(store: Store, remote: Remote, other: Store) -> None:
    store.catalog.tasks.add(a_task("beans"))
    agent = start(store.catalog, "beans", cycles=1)
    between = a_path("beans", ("",), parent=root_of(store), agent=agent.id)
    from tests.store.examples import a_child

    store.catalog.agents.record_generation(agent.id, 0, 0, [a_child(between, status="worse")], [])
    best: Path = a_path("beans", (put(store, 5.0),), parent=between.id, agent=agent.id)
    store.catalog.versions.publish([best], message="", method="m/1", close_cycle=agent)
    push(store, remote, "main")
    take(other, remote)
    assert [p.id for p in other.catalog.paths.ancestors(best.id)] == [best.id, between.id, root_of(store)]
    assert verify(other.catalog, other.objects) == []


def test_a_system_may_keep_its_objects_behind_any_url(tmp_path: FilePath, url: str) -> None:
    with create(tmp_path / "far", "far", objects=url) as made:
        made.catalog.paths.add_root("vit", a_path(None, (put(made, 0.0),), agent="root"))
    store = open_store(tmp_path / "far")
    publish(store, "digits", 1.0)
    orphan = put(store, 2.0)
    assert verify(store.catalog, store.objects) == []
    time.sleep(1.1)  # S3 tells whole seconds
    assert gc(store.catalog, store.objects, delete=True).objects == 1
    assert orphan not in store.objects
    shutil.rmtree(tmp_path / "far" / "cache", ignore_errors=True)
    again = open_store(tmp_path / "far")
    assert again.objects.get(put(again, 1.0))["weight"].tolist() == [1.0] * 4
    push(again, open_remote((tmp_path / "hub").as_uri(), tmp_path), "main")
    hub = make_system(tmp_path / "other", ())
    take(hub, open_remote(str(tmp_path / "far"), tmp_path))
    assert ids(hub) == ids(again)
    with pytest.raises(StoreError, match="objects of another system"), create(tmp_path / "second", "x", objects=url):
        pass


def test_a_system_is_found_in_a_folder_of_any_name(tmp_path: FilePath) -> None:
    store = make_system(tmp_path / "a::b")
    publish(store, "digits", 1.0)
    store.catalog.close()
    other = make_system(tmp_path / "other", ())
    take(other, open_remote(str(tmp_path / "a::b"), tmp_path))
    assert ids(other) == ids(store)
    with pytest.raises(UnknownName, match="c::d"):
        open_remote(str(tmp_path / "c::d"), tmp_path)


def test_push_and_pull_count_the_same_commits(store: Store, other: Store, tmp_path: FilePath) -> None:
    for version in range(3):
        publish(store, "digits", float(version))
    place = open_remote((tmp_path / "place").as_uri(), tmp_path)
    assert push(store, place, "main").commits == 3
    assert pull(other, place, "main", accept=lambda _: None).commits == 3
