"""Branches, tags and the names of commits."""

import pytest

from ramet.base.errors import Busy, InvalidValue, UnknownName
from ramet.base.records import Commit
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from tests.store.examples import a_path, a_task, start


@pytest.fixture
def catalog(store: Store) -> Catalog:
    store.catalog.tasks.add(a_task("beans"))
    return store.catalog


def publish(catalog: Catalog, version: int, task: str = "digits", branch: str = "main") -> Commit:
    path = a_path(task, mu={"hp:x": version})
    return catalog.versions.publish([path], message=f"{task} {version}", method="m/1", branch=branch)


def test_a_branch_has_what_its_commit_has_and_goes_its_own_way(catalog: Catalog) -> None:
    first, second = publish(catalog, 0), publish(catalog, 1, "beans")
    assert catalog.versions.branch("wider") == second
    assert catalog.versions.branch("try/older", first.id[:6]) == first
    assert catalog.versions.published("wider") == catalog.versions.published()
    assert list(catalog.versions.published("try/older")) == ["digits"]
    on_wider = publish(catalog, 2, branch="wider")
    assert catalog.versions.head() == second
    assert catalog.versions.head("wider") == on_wider
    assert [(b.name, b.commit, b.tasks) for b in catalog.versions.branches()] == [
        ("main", second.id, 2),
        ("try/older", first.id, 1),
        ("wider", on_wider.id, 2),
    ]


def test_a_branch_from_before_a_task_was_removed_has_it_back(catalog: Catalog) -> None:
    publish(catalog, 0)
    catalog.versions.remove("digits")
    assert [task.name for task in catalog.tasks.all()] == ["beans"]
    catalog.versions.branch("back", "main~1")
    assert [task.name for task in catalog.tasks.all()] == ["beans", "digits"]
    assert list(catalog.versions.published("back")) == ["digits"]
    assert catalog.versions.published() == {}


def test_a_task_is_taken_off_one_branch_and_is_there_for_the_others(catalog: Catalog) -> None:
    publish(catalog, 0)
    catalog.versions.branch("other")
    catalog.versions.remove("digits")
    assert catalog.tasks.get("digits") == a_task()
    assert list(catalog.versions.published("other")) == ["digits"]
    with pytest.raises(InvalidValue, match=r"not on branch 'main' but on other; .*-b other"):
        catalog.versions.remove("digits")
    catalog.versions.remove("digits", branch="other")
    with pytest.raises(UnknownName):
        catalog.tasks.get("digits")


def test_a_task_that_another_branch_evolves_stays(catalog: Catalog) -> None:
    publish(catalog, 0)
    catalog.versions.branch("other", "main~1")
    agent = start(catalog, branch="other")
    catalog.versions.remove("digits")
    assert catalog.tasks.get("digits") == a_task()
    assert catalog.agents.get(agent.id).state == "running"


def test_tags_stay_at_their_commit(catalog: Catalog) -> None:
    first = publish(catalog, 0)
    catalog.versions.tag("v1", message="the first")
    publish(catalog, 1)
    catalog.versions.tag("v2")
    assert catalog.versions.commit("v1") == first
    assert [(tag.name, tag.commit, tag.message) for tag in catalog.versions.tags()] == [
        ("v1", first.id, "the first"),
        ("v2", catalog.versions.head().id, ""),
    ]
    assert catalog.versions.published("v1")["digits"].mu == {"hp:x": 0}
    catalog.versions.delete_tag("v1")
    assert [tag.name for tag in catalog.versions.tags()] == ["v2"]
    with pytest.raises(UnknownName, match=r"no tag is called 'v1'; .*ramet tag"):
        catalog.versions.delete_tag("v1")


def test_commits_before_a_name(catalog: Catalog) -> None:
    line = [catalog.versions.head(), publish(catalog, 0), publish(catalog, 1)][::-1]
    catalog.versions.tag("v1", "main~1")
    for name, expected in {
        "main~0": 0,
        "main~": 1,
        "main~1": 1,
        "main~2": 2,
        "v1~1": 2,
        f"{line[0].id[:8]}~2": 2,
    }.items():
        assert catalog.versions.commit(name) == line[expected]
    assert catalog.versions.commit("main~1~1") == line[2]
    with pytest.raises(UnknownName, match="'main' has only 2 commits before it"):
        catalog.versions.commit("main~3")


@pytest.mark.parametrize("name", ["", "a b", "-x", "a//b", "a/", "/a", "a~1", "HEAD", "ä", "x" * 101, "a\n"])
def test_names_that_cannot_be(catalog: Catalog, name: str) -> None:
    for make in (catalog.versions.branch, catalog.versions.tag):
        with pytest.raises(InvalidValue, match="cannot be the name"):
            make(name)


def test_a_name_means_one_thing(catalog: Catalog) -> None:
    catalog.versions.branch("wider")
    catalog.versions.tag("v1")
    for make in (catalog.versions.branch, catalog.versions.tag):
        for name, kind in (("wider", "branch 'wider'"), ("v1", "tag 'v1'"), ("main", "branch 'main'")):
            with pytest.raises(InvalidValue, match=f"there is a {kind} already"):
                make(name)
        for length in (4, 16):
            with pytest.raises(InvalidValue, match="mistaken for the commit"):
                make(catalog.versions.head().id[:length])
    assert len(catalog.versions.branches()) == 2
    assert len(catalog.versions.tags()) == 1


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("mian", "did you mean main"), ("v11", "did you mean v1"), ("zzz", "ramet log"), ("", "ramet log")],
)
def test_an_unknown_commit_is_an_error_everywhere(catalog: Catalog, name: str, remedy: str) -> None:
    catalog.versions.tag("v1")
    for use in (
        catalog.versions.commit,
        catalog.versions.log,
        catalog.versions.published,
        catalog.versions.fork,
        catalog.versions.revert,
        lambda at: catalog.versions.branch("new", at),
        lambda at: catalog.versions.tag("new", at),
        lambda at: catalog.versions.restore("digits", at),
    ):
        with pytest.raises(UnknownName, match="no branch, tag or commit is called") as error:
            use(name)
        assert remedy in error.value.remedy


def test_main_and_a_branch_with_a_run_are_not_deleted(catalog: Catalog) -> None:
    with pytest.raises(InvalidValue, match="'main' cannot be deleted"):
        catalog.versions.delete_branch("main")
    with pytest.raises(UnknownName, match="no branch is called 'mine'; did you mean main"):
        catalog.versions.delete_branch("mine")
    catalog.versions.branch("other")
    agent = start(catalog, branch="other")
    with pytest.raises(Busy, match="'digits' has a run on branch 'other'"):
        catalog.versions.delete_branch("other")
    catalog.agents.finish(agent.id)
    catalog.versions.delete_branch("other")
    assert [branch.name for branch in catalog.versions.branches()] == ["main"]
    assert catalog.agents.all("digits") == [catalog.agents.get(agent.id)]
    catalog.versions.branch("other")
    assert start(catalog, branch="other").number == 1


def test_what_no_name_leads_to(catalog: Catalog) -> None:
    publish(catalog, 0)
    catalog.versions.branch("other", "main~1")
    lost = publish(catalog, 1, branch="other")
    assert all(catalog.versions.leads_to(at) for at in ("main", "main~1", lost.id))
    catalog.versions.delete_branch("other")
    assert not catalog.versions.leads_to(lost.id)
    catalog.versions.tag("kept", lost.id)
    assert catalog.versions.leads_to(lost.id)


def test_a_removed_name_comes_back_only_for_the_same_classes(catalog: Catalog) -> None:
    from dataclasses import replace

    publish(catalog, 0)
    catalog.versions.remove("digits")
    with pytest.raises(InvalidValue, match="history has another task 'digits'"):
        catalog.tasks.add(replace(a_task(), classes=("one", "two", "three")))
    catalog.tasks.add(a_task())
