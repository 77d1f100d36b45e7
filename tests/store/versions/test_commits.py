"""Commits, branches and publishing, the order of logs, and where histories part."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, insert

from ramet.base.errors import StoreError, UnknownName
from ramet.base.records import Path, to_json
from ramet.store.catalog import schema
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.database import Address
from ramet.store.folder import Store
from ramet.store.versions import commits as versions
from ramet.store.versions.commits import Graph, Node, merge_bases, newest_first
from tests.store.examples import a_path, a_task, start

TASKS = ("beans", "digits", "letters")


@pytest.fixture
def catalog(store: Store) -> Catalog:
    for task in TASKS:
        if task != "digits":
            store.catalog.tasks.add(a_task(task))
    return store.catalog


def publish(catalog: Catalog, *tasks: str, version: int = 0) -> dict[str, Path]:
    paths = {task: a_path(task, mu={"hp:x": version}) for task in tasks}
    catalog.versions.publish(list(paths.values()), message=f"{tasks} {version}", method="m/1")
    return paths


def test_a_new_system_has_one_commit_and_nothing_published(catalog: Catalog) -> None:
    assert catalog.versions.log() == [catalog.versions.head()]
    assert catalog.versions.head().parents == ()
    assert catalog.versions.published() == {}


def test_publishing_replaces_only_the_tasks_it_names(catalog: Catalog) -> None:
    first = publish(catalog, "beans", "digits")
    second = publish(catalog, "digits", version=1)
    assert catalog.versions.published() == {**first, **second}
    assert catalog.versions.head().changes == {"digits": second["digits"].id}
    assert catalog.versions.head().parents == (catalog.versions.log()[1].id,)
    assert [commit.message for commit in catalog.versions.log(limit=2)] == [
        c.message for c in catalog.versions.log()[:2]
    ]


def test_publishing_what_is_published_changes_nothing_but_metrics(catalog: Catalog) -> None:
    publish(catalog, "digits")
    head = catalog.versions.head()
    same = a_path(mu={"hp:x": 0}, metrics={"test_quality": 0.75})
    assert catalog.versions.publish([same], message="again", method="m/1") == head
    assert catalog.versions.head() == head
    assert catalog.versions.published() == {"digits": same}


@given(changes=st.lists(st.tuples(st.sampled_from(TASKS), st.integers(0, 3) | st.none()), max_size=6))
@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_commit_keeps_the_state_it_made(
    new_address: Callable[[], Address], changes: list[tuple[str, int | None]]
) -> None:
    catalog = Catalog.create(new_address())
    for task in TASKS:
        catalog.tasks.add(a_task(task))
    state: dict[str, Path] = {}
    states: dict[str, dict[str, Path]] = {catalog.versions.head().id: {}}
    for task, version in changes:
        if version is None:
            catalog.versions.remove(task)
            catalog.tasks.add(a_task(task))
            state.pop(task, None)
        else:
            state |= publish(catalog, task, version=version)
        states[catalog.versions.head().id] = dict(state)
    assert {commit.id: catalog.versions.published(commit.id) for commit in catalog.versions.log()} == states
    assert catalog.versions.published("main") == state
    catalog.close()


def test_commits_are_found_by_the_start_of_their_id(catalog: Catalog) -> None:
    publish(catalog, "digits")
    newest, oldest = catalog.versions.log()
    assert catalog.versions.log(oldest.id) == [oldest]
    assert catalog.versions.log(newest.id[:8]) == [newest, oldest]
    for unknown in ("", "nowhere"):
        with pytest.raises(UnknownName, match="no branch, tag or commit"):
            catalog.versions.published(unknown)


def test_an_unknown_branch_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(UnknownName, match="no branch is called 'other'"):
        catalog.versions.publish([a_path()], message="", method="", branch="other")


def test_the_same_commands_make_the_same_ids_whenever_they_run(new_address: Callable[[], Address]) -> None:
    def history(time: float) -> tuple[object, ...]:
        catalog = Catalog.create(new_address(), clock=lambda: time)
        catalog.paths.add_root("vit", a_path(None, agent="root"))
        catalog.tasks.add(a_task())
        agent = start(catalog)
        publish(catalog, "digits")
        return agent, [(commit.id, commit.message) for commit in catalog.versions.log()]

    assert history(0.0) == history(1e9)


def test_nobody_moves_a_branch_between_its_being_read_and_moved(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Catalog(catalog.database.address, wait=0.05)
    differences = versions.differences

    def not_overtaken(*args: Any) -> dict[str, str | None]:
        with pytest.raises(StoreError, match="another process keeps it busy"):
            publish(other, "beans", version=1)
        return differences(*args)

    with monkeypatch.context() as patch:
        patch.setattr(versions, "differences", not_overtaken)
        mine = publish(catalog, "digits")
    theirs = publish(other, "beans", version=1)
    assert catalog.versions.published() == {**mine, **theirs}
    line = catalog.versions.log()
    assert [commit.parents for commit in line] == [(before.id,) for before in line[1:]] + [()]


@contextmanager
def work(engine: type[Engine] = Engine) -> Iterator[list[tuple[str, int]]]:
    """The statements that this thread sent in a block, with the number of rows that each wrote (0 if it only read)."""
    sent: list[tuple[str, int]] = []
    own = threading.get_ident()  # the keepers of leases that other tests left are still at work

    def note(_c: object, cursor: object, statement: str, *_: object) -> None:
        wrote = statement.startswith(("INSERT", "UPDATE", "DELETE"))
        if threading.get_ident() == own:
            sent.append((statement, cursor.rowcount if wrote else 0))  # type: ignore[attr-defined]

    event.listen(engine, "after_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "after_cursor_execute", note)


def test_publishing_costs_the_same_in_a_system_of_two_thousand_tasks(new_address: Callable[[], Address]) -> None:
    def cost(count: int) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        catalog = Catalog.create(new_address())
        tasks = [f"task{i:04}" for i in range(count)]
        with catalog.database.writing() as connection:
            rows = [{"name": task, "record": to_json(a_task(task)), "removed": False} for task in tasks]
            connection.execute(insert(schema.tasks), rows)
        publish(catalog, *tasks[: count // 2])
        publish(catalog, *tasks[count // 2 :])
        with work() as written:
            publish(catalog, tasks[0], version=1)
        with work() as read:
            assert len(catalog.versions.published()) == count
            assert len(catalog.versions.published(catalog.versions.log()[1].id)) == count
        return written, read

    assert cost(2) == cost(2000)


def past(commits: dict[str, str], head: str) -> Graph:
    """A commit and all that it follows, of a graph written as {id: parents}, where ids are in the order of time."""
    nodes, left = {}, [head]
    while left:
        id = left.pop()
        nodes[id] = Node(tuple(commits[id]), id)
        left += commits[id]
    return nodes


def test_the_newer_comes_first_but_nothing_before_what_follows_it() -> None:
    commits = {"a": "", "b": "a", "c": "a", "d": "b", "e": "cd"}
    assert newest_first(past(commits, "e")) == list("edcba")
    late = {id: Node(node.parents, "late" if id == "a" else node.time) for id, node in past(commits, "e").items()}
    assert newest_first(late)[-1] == "a"


def test_at_one_time_a_line_stays_together() -> None:
    commits = {"a": "", "b": "a", "c": "b", "x": "a", "y": "x", "m": "cy"}
    at_once = {id: Node(node.parents, "now") for id, node in past(commits, "m").items()}
    assert newest_first(at_once) == list("myxcba")


def test_the_bases_are_the_nearest_common_commits() -> None:
    commits = {"a": "", "b": "a", "c": "a", "d": "bc", "e": "cb", "f": "d", "g": "e"}
    assert merge_bases(past(commits, "b"), past(commits, "c")) == {"a"}
    assert merge_bases(past(commits, "b"), past(commits, "d")) == {"b"}
    assert merge_bases(past(commits, "f"), past(commits, "g")) == {"b", "c"}
    assert merge_bases(past({"a": ""}, "a"), past({"z": ""}, "z")) == frozenset()


@given(st.lists(st.sets(st.integers(0, 12), max_size=2), min_size=2, max_size=13), st.data())
def test_logs_and_bases_of_any_graph(links: list[set[int]], data: st.DataObject) -> None:
    commits = {chr(97 + i): "".join(chr(97 + parent) for parent in ps if parent < i) for i, ps in enumerate(links)}
    one, other = (past(commits, data.draw(st.sampled_from(sorted(commits)))) for _ in range(2))
    order = newest_first(one)
    assert sorted(order) == sorted(one)
    assert all(order.index(id) < order.index(parent) for id in order for parent in one[id].parents)
    bases = merge_bases(one, other)
    assert bases == merge_bases(other, one)
    common = one.keys() & other.keys()
    assert all(any(id in past(commits, base) for base in bases) for id in common)
    assert all(not (past(commits, base).keys() - {base}) & bases for base in bases)
