"""Logs over merges, restoring and reverting."""

import pytest

from ramet.base import __version__
from ramet.base.errors import Conflict, InvalidValue, StoreError, UnknownName
from ramet.base.records import Commit
from ramet.store.care import check
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from ramet.store.versions import commits as versions
from tests.store.examples import a_path, a_task


@pytest.fixture
def catalog(store: Store) -> Catalog:
    store.catalog.tasks.add(a_task("beans"))
    return store.catalog


def publish(catalog: Catalog, version: int, *tasks: str, branch: str = "main") -> Commit:
    paths = [a_path(task, mu={"hp:x": version}, method="m/1") for task in tasks or ("digits",)]
    return catalog.versions.publish(paths, message=f"{tasks} {version}", method="m/1", branch=branch)


def now(catalog: Catalog, branch: str = "main") -> dict[str, float]:
    return {task: path.mu["hp:x"] for task, path in catalog.versions.published(branch).items()}


def merged(catalog: Catalog, name: str, **changes: str | None) -> Commit:
    return catalog.versions.merge(catalog.versions.fork(name), changes, message=f"merge {name}")


def test_a_commit_knows_who_made_it_with_what(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAMET_AUTHOR", "Ada")
    commit = publish(catalog, 0)
    assert (commit.author, commit.code) == ("Ada", __version__)
    monkeypatch.delenv("RAMET_AUTHOR")
    user, _, host = publish(catalog, 1).author.partition("@")
    assert user
    assert host
    assert catalog.versions.log()[1] == commit


def test_a_log_has_all_that_was_merged(catalog: Catalog) -> None:
    start = catalog.versions.head()
    catalog.versions.branch("other")
    theirs = [publish(catalog, i, "beans", branch="other") for i in range(2)]
    ours = publish(catalog, 5)
    commit = merged(catalog, "other", beans=catalog.versions.published("other")["beans"].id)
    log = catalog.versions.log()
    assert commit.parents == (ours.id, theirs[1].id)
    assert log[0] == commit
    assert log[-1] == start
    assert {c.id for c in log} == {start.id, ours.id, commit.id, *(c.id for c in theirs)}
    assert catalog.versions.log(limit=1) == [commit]
    assert now(catalog) == {"digits": 5, "beans": 1}
    assert now(catalog, "main~1") == {"digits": 5}
    after = publish(catalog, 6)
    assert now(catalog, f"{after.id}~1") == {"digits": 5, "beans": 1}


def test_restoring_publishes_what_a_task_had(catalog: Catalog) -> None:
    publish(catalog, 0)
    publish(catalog, 1)
    commit = catalog.versions.restore("digits", "main~1")
    assert now(catalog) == {"digits": 0}
    assert (commit.method, commit.message) == ("m/1", f"restore digits from {catalog.versions.commit('main~2').id}")
    assert catalog.versions.restore("digits", "main~2") == commit, "it has that path"
    catalog.versions.remove("digits")
    assert catalog.tasks.all() == [a_task("beans")]
    catalog.versions.restore("digits", "main~1")
    assert now(catalog) == {"digits": 0}
    assert catalog.tasks.get("digits") == a_task()


@pytest.mark.parametrize(
    ("task", "problem"), [("beans", "'beans' has no path at main"), ("digit", "no task is called")]
)
def test_what_cannot_be_restored(catalog: Catalog, task: str, problem: str) -> None:
    publish(catalog, 0)
    with pytest.raises(UnknownName, match=problem):
        catalog.versions.restore(task, "main")


def test_reverting_undoes_what_is_as_the_commit_left_it(catalog: Catalog) -> None:
    publish(catalog, 0)
    both = publish(catalog, 1, "digits", "beans")
    catalog.versions.revert(both.id)
    assert now(catalog) == {"digits": 0}
    with pytest.raises(InvalidValue, match="nothing to undo on 'main'"):
        catalog.versions.revert(both.id)
    with pytest.raises(InvalidValue, match="nothing to undo"):
        catalog.versions.revert("main~3")
    catalog.versions.revert("main")
    assert now(catalog) == {"digits": 1, "beans": 1}
    publish(catalog, 2, "beans")
    with pytest.raises(Conflict, match="beans changed again since") as error:
        catalog.versions.revert(both.id)
    assert error.value.tasks == ("beans",)
    assert now(catalog) == {"digits": 1, "beans": 2}


def test_reverting_a_removal_brings_the_task_back(catalog: Catalog) -> None:
    publish(catalog, 0)
    catalog.versions.remove("digits")
    catalog.versions.revert("main")
    assert now(catalog) == {"digits": 0}
    assert [task.name for task in catalog.tasks.all()] == ["beans", "digits"]


def test_reverting_a_merge_takes_out_what_it_took(catalog: Catalog) -> None:
    publish(catalog, 0)
    catalog.versions.branch("other")
    publish(catalog, 1, "beans", branch="other")
    publish(catalog, 2)
    merged(catalog, "other", beans=catalog.versions.published("other")["beans"].id)
    catalog.versions.revert("main")
    assert now(catalog) == {"digits": 2}


def test_a_merge_is_refused_where_either_side_moved(catalog: Catalog) -> None:
    catalog.versions.branch("other")
    publish(catalog, 0, "beans", branch="other")
    publish(catalog, 0)
    for branch in ("main", "other"):
        fork = catalog.versions.fork("other")
        head = publish(catalog, 7, branch=branch) if branch == "main" else publish(catalog, 7, "beans", branch=branch)
        with pytest.raises(versions.Moved):
            catalog.versions.merge(fork, {"beans": fork.their_state["beans"]}, message="")
        assert catalog.versions.head(branch) == head
    assert now(catalog) == {"digits": 7}


@pytest.mark.parametrize("new_address", ["sqlite"], indirect=True)
def test_a_locked_catalog_is_left_as_it_was_and_the_merge_done_later(store: Store, catalog: Catalog) -> None:
    import sqlite3

    catalog.versions.branch("other")
    publish(catalog, 0, "beans", branch="other")
    publish(catalog, 0)
    hasty = Catalog(store.folder / "catalog.sqlite", wait=0.05)
    fork, head = hasty.versions.fork("other"), hasty.versions.head()
    changes = {"beans": fork.their_state["beans"]}
    lock = sqlite3.connect(store.folder / "catalog.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for write in (
        lambda: hasty.versions.merge(fork, changes, message=""),
        lambda: hasty.versions.branch("new"),
        lambda: hasty.versions.tag("new"),
        lambda: hasty.versions.revert("main"),
    ):
        with pytest.raises(StoreError, match=r"locked.*same command again"):
            write()
    assert hasty.versions.head() == head
    lock.execute("ROLLBACK")
    lock.close()
    assert hasty.versions.merge(fork, changes, message="") == catalog.versions.head()
    hasty.close()


def test_a_state_that_is_not_what_commits_say_is_noticed(catalog: Catalog) -> None:
    publish(catalog, 0)
    catalog.versions.branch("other")
    assert check(catalog) == []
    with catalog.database.writing() as connection:
        connection.exec_driver_sql("UPDATE branch_state SET path = 'lost' WHERE branch = 'main'")
    assert "what branch 'main' publishes is not what its commits say" in check(catalog)
