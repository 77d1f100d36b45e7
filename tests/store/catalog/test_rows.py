"""Tasks, roots and paths of a catalog."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf, isnan, nan
from pathlib import Path as FilePath

import pytest

from ramet.base.errors import InvalidValue, UnknownName
from ramet.store.care import check
from ramet.store.catalog import rows
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from ramet.store.versions import history
from tests.store.examples import NOWHERE, a_child, a_path, a_task, again, start


@pytest.fixture
def catalog(store: Store) -> Catalog:
    return store.catalog


def test_tasks_are_kept_whole_and_listed_by_name(catalog: Catalog) -> None:
    catalog.tasks.add(a_task("beans"))
    assert catalog.tasks.get("beans") == a_task("beans")
    assert catalog.tasks.all() == [a_task("beans"), a_task("digits")]


def test_a_name_is_taken_until_its_task_is_removed(catalog: Catalog) -> None:
    with pytest.raises(InvalidValue, match="a task 'digits' already"):
        catalog.tasks.add(a_task())
    catalog.versions.remove("digits")
    assert catalog.tasks.all() == []
    catalog.tasks.add(a_task())
    assert catalog.tasks.all() == [a_task()]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("digit", "did you mean digits?"), ("DIGITS", "task list"), ("zzz", "task list"), ("", "task list")],
)
def test_an_unknown_task_is_an_error_everywhere(catalog: Catalog, name: str, remedy: str) -> None:
    for use in (
        catalog.tasks.get,
        catalog.versions.remove,
        catalog.agents.running,
        lambda name: catalog.agents.children(task=name),
        catalog.agents.all,
        lambda name: start(catalog, name),
        lambda name: catalog.versions.publish([a_path(name or None)], message="", method=""),
    ):
        with pytest.raises(UnknownName, match="no task is called") as error:
            use(name)
        assert remedy in error.value.remedy


def test_a_removed_task_is_unpublished_and_its_history_stays(catalog: Catalog) -> None:
    agent = start(catalog)
    path = a_path(agent=agent.id)
    catalog.agents.record_generation(agent.id, 0, 0, [a_child(path)], [path.id])
    before = catalog.versions.publish([path], message="", method="m/1")
    catalog.versions.remove("digits")
    assert catalog.versions.published() == {}
    assert catalog.versions.published(before.id) == {"digits": path}
    assert catalog.versions.head().changes == {"digits": None}
    assert catalog.agents.get(agent.id).state == "done"
    assert catalog.agents.children(task="digits") == [a_child(path)]
    assert catalog.agents.all("digits") == [catalog.agents.get(agent.id)]
    with pytest.raises(UnknownName):
        catalog.tasks.get("digits")


def test_removing_a_task_that_was_never_published_makes_no_commit(catalog: Catalog) -> None:
    head = catalog.versions.head()
    catalog.versions.remove("digits")
    assert catalog.versions.head() == head


def test_roots_have_names_of_their_own(catalog: Catalog) -> None:
    with pytest.raises(InvalidValue, match="a root 'vit' already"):
        catalog.paths.add_root("vit", a_path(None))
    catalog.paths.add_root("another", a_path(None))
    assert catalog.paths.roots()["another"] == a_path(None)
    assert sorted(catalog.paths.roots()) == ["another", "vit"]


def test_a_path_is_found_by_its_id_or_the_start_of_one(catalog: Catalog) -> None:
    made = [a_path(mu={"hp:x": i / 40}) for i in range(40)]
    for i, path in enumerate(made):
        catalog.paths.add_root(f"root {i}", path)
    ids = [path.id for path in made] + [catalog.paths.roots()["vit"].id]
    for path in made:
        assert catalog.paths.get(path.id) == path
        shortest = next(path.id[:n] for n in range(1, 17) if sum(i.startswith(path.id[:n]) for i in ids) == 1)
        assert catalog.paths.get(shortest) == path
        if len(shortest) > 1:
            with pytest.raises(UnknownName, match="start of several"):
                catalog.paths.get(shortest[:-1])


@pytest.mark.parametrize("unknown", ["", "xyz", "%", "_", "'", NOWHERE])
def test_an_unknown_path_is_an_error_everywhere(catalog: Catalog, unknown: str) -> None:
    for use in (
        catalog.paths.get,
        catalog.paths.ancestors,
        lambda id: catalog.paths.many([id]),
    ):
        with pytest.raises(UnknownName, match="no path is called"):
            use(unknown)


def test_paths_come_in_the_order_asked_for(catalog: Catalog) -> None:
    made = [a_path(mu={"hp:x": i / 8}) for i in range(8)]
    for i, path in enumerate(made):
        catalog.paths.add_root(f"root {i}", path)
    assert catalog.paths.many([path.id for path in reversed(made)]) == made[::-1]
    assert catalog.paths.many([made[0].id, made[0].id]) == [made[0], made[0]]
    assert catalog.paths.many([]) == []


def test_ancestors_lead_to_the_root(catalog: Catalog) -> None:
    line = [catalog.paths.roots()["vit"]]
    agent = start(catalog)
    for i in range(5):
        line.append(a_path(parent=line[-1].id, agent=agent.id))
        catalog.agents.record_generation(agent.id, 0, i, [a_child(line[-1], generation=i)], [line[-1].id])
    assert catalog.paths.ancestors(line[-1].id) == line[::-1]
    assert catalog.paths.ancestors(line[0].id) == line[:1]


def test_metrics_are_added_to_a_path_and_keep_any_value(catalog: Catalog) -> None:
    path = a_path(None, metrics={"quality": 0.5})
    catalog.paths.add_root("one", path)
    for i, (name, value) in enumerate((("test_quality", 0.25), ("quality", nan), ("worst", -inf))):
        catalog.paths.add_root(f"again {i}", replace(path, metrics={name: value}))
    metrics = dict(catalog.paths.get(path.id).metrics)
    assert isnan(metrics.pop("quality"))
    assert metrics == {"test_quality": 0.25, "worst": -inf}


def test_a_catalog_holds_what_another_wrote(store: Store) -> None:
    store.catalog.tasks.add(a_task("beans"))
    assert again(store.catalog).tasks.all() == store.catalog.tasks.all()


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM holds", "UPDATE paths SET parent = NULL WHERE task = 'digits'", "UPDATE holds SET digest = 'gone'"],
)
def test_tables_that_say_other_than_the_records_are_noticed(catalog: Catalog, statement: str) -> None:
    path = a_path(parent=catalog.paths.roots()["vit"].id)
    catalog.versions.publish([path], message="", method="")
    assert check(catalog) == []
    with catalog.database.writing() as connection:
        connection.exec_driver_sql(statement)
    assert f"the record of path {path.id} of task 'digits' says other than the tables" in check(catalog)


BROKEN = "pl\udce4tze"


@pytest.mark.parametrize(
    "write",
    [
        lambda catalog: catalog.tasks.add(replace(a_task("new"), source=BROKEN)),
        lambda catalog: catalog.tasks.add(replace(a_task("new"), classes=("a", BROKEN))),
        lambda catalog: catalog.tasks.add(a_task(BROKEN)),
        lambda catalog: catalog.paths.add_root("new", a_path(None, method=BROKEN)),
        lambda catalog: catalog.paths.add_root(BROKEN, a_path(None, mu={"hp:x": 1.0})),
        lambda catalog: catalog.versions.publish([a_path()], message=BROKEN, method="m/1"),
        lambda catalog: catalog.versions.tag("new", message=BROKEN),
        lambda catalog: catalog.agents.start("digits", method={"x": BROKEN}, label="", seed=0, cycles=1, samples=1),
        lambda catalog: catalog.agents.start("digits", method={}, label=BROKEN, seed=0, cycles=1, samples=1),
        lambda catalog: catalog.experiments.begin("new", {"x": BROKEN}, base="main", branches=[]),
    ],
)
def test_text_that_cannot_be_read_again_is_refused_and_named(
    catalog: Catalog, write: Callable[[Catalog], object]
) -> None:
    with pytest.raises(InvalidValue) as error:
        write(catalog)
    assert repr(BROKEN)[1:-1] in str(error.value)
    assert check(catalog) == []
    assert catalog.tasks.all() == [a_task()]


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 10**30])
def test_a_seed_of_more_than_64_bits_is_refused(catalog: Catalog, seed: int) -> None:
    with pytest.raises(InvalidValue, match=f"seed {seed} is too large"):
        start(catalog, seed=seed)
    start(catalog, seed=2**63 - 1)


@pytest.mark.parametrize(
    ("table", "column", "text", "found"),
    [
        ("tasks", "record", "'{}'", "the record of task 'digits'"),
        ("tasks", "record", '\'{"name": "\\udce4"}\'', "the record of task 'digits'"),
        ("children", "record", "'{}'", "the record of child 1"),
        ("agents", "method", "'{'", "the record of run"),
        ("paths", "record", "'{}'", "of task 'digits'"),
    ],
)
def test_every_damaged_record_is_found(store: Store, table: str, column: str, text: str, found: str) -> None:
    catalog = store.catalog
    if not isinstance(catalog.database.address, FilePath):
        pytest.skip("PostgreSQL takes no JSON that is none")
    agent = start(catalog)
    path = a_path(agent=agent.id)
    catalog.agents.record_generation(agent.id, 0, 0, [a_child(path)], [path.id])
    assert check(catalog) == []
    with catalog.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = {text}")
    problems = check(catalog)
    assert any(found in problem for problem in problems)


def test_one_row_is_read_where_one_is_asked_for(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("beans", "letters"):
        catalog.tasks.add(a_task(name))
    made = {name: a_path(name) for name in ("beans", "digits", "letters")}
    catalog.versions.publish(list(made.values()), message="", method="")
    agent = start(catalog)
    catalog.agents.record_generation(agent.id, 0, 0, [a_child(a_path(mu={"hp:x": i / 2}), i) for i in range(2)], [])
    read: list[str] = []
    for reader in ("path_of", "task_of"):
        for module in (rows, history):
            if hasattr(module, reader):
                monkeypatch.setattr(module, reader, partial(told, read, getattr(module, reader)))
    assert catalog.versions.published_path("main", "beans") == made["beans"]
    assert read == ["record"]
    assert catalog.tasks.get("beans") == a_task("beans")
    assert read == ["record"] * 2
    assert catalog.agents.count_children(agent.id) == catalog.agents.count_children(branches=["main"]) == 2
    assert catalog.agents.count_children(agent.id, cycle=1) == catalog.agents.count_children(branches=["x"]) == 0
    assert catalog.agents.parents_taken("digits") == []
    assert catalog.versions.published_path("main", "bean") is None
    assert read == ["record"] * 2


def told(read: list[str], reader: Callable[..., object], *record: object) -> object:
    read.append("record")
    return reader(*record)
