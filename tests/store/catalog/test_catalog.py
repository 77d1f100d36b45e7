"""Tasks, roots and paths of a catalog."""

from math import inf, isnan, nan

import pytest

from ramet.base.errors import InvalidValue, UnknownName
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from tests.store.examples import NOWHERE, a_child, a_path, a_task, again, start


@pytest.fixture
def catalog(store: Store) -> Catalog:
    return store.catalog


def test_tasks_are_kept_whole_and_listed_by_name(catalog: Catalog) -> None:
    catalog.add_task(a_task("beans"))
    assert catalog.task("beans") == a_task("beans")
    assert catalog.tasks() == [a_task("beans"), a_task("digits")]


def test_a_name_is_taken_until_its_task_is_removed(catalog: Catalog) -> None:
    with pytest.raises(InvalidValue, match="a task 'digits' already"):
        catalog.add_task(a_task())
    catalog.remove_task("digits")
    assert catalog.tasks() == []
    catalog.add_task(a_task())
    assert catalog.tasks() == [a_task()]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("digit", "did you mean digits?"), ("DIGITS", "task list"), ("zzz", "task list"), ("", "task list")],
)
def test_an_unknown_task_is_an_error_everywhere(catalog: Catalog, name: str, remedy: str) -> None:
    for use in (
        catalog.task,
        catalog.remove_task,
        catalog.running_agent,
        lambda name: catalog.children(task=name),
        catalog.agents,
        lambda name: start(catalog, name),
        lambda name: catalog.publish([a_path(name or None)], message="", method=""),
    ):
        with pytest.raises(UnknownName, match="no task is called") as error:
            use(name)
        assert remedy in error.value.remedy


def test_a_removed_task_is_unpublished_and_its_history_stays(catalog: Catalog) -> None:
    agent = start(catalog)
    path = a_path(agent=agent.id)
    catalog.record_generation(agent.id, 0, 0, [a_child(path)], [path.id])
    before = catalog.publish([path], message="", method="m/1")
    catalog.remove_task("digits")
    assert catalog.published() == {}
    assert catalog.published(before.id) == {"digits": path}
    assert catalog.head().changes == {"digits": None}
    assert catalog.agent(agent.id).state == "done"
    assert catalog.children(task="digits") == [a_child(path)]
    assert catalog.agents("digits") == [catalog.agent(agent.id)]
    with pytest.raises(UnknownName):
        catalog.task("digits")


def test_removing_a_task_that_was_never_published_makes_no_commit(catalog: Catalog) -> None:
    head = catalog.head()
    catalog.remove_task("digits")
    assert catalog.head() == head


def test_roots_have_names_of_their_own(catalog: Catalog) -> None:
    with pytest.raises(InvalidValue, match="a root 'vit' already"):
        catalog.add_root("vit", a_path(None))
    catalog.add_root("another", a_path(None))
    assert catalog.roots()["another"] == a_path(None)
    assert sorted(catalog.roots()) == ["another", "vit"]


def test_a_path_is_found_by_its_id_or_the_start_of_one(catalog: Catalog) -> None:
    made = [a_path(mu={"hp:x": i / 40}) for i in range(40)]
    for i, path in enumerate(made):
        catalog.add_root(f"root {i}", path)
    ids = [path.id for path in made] + [catalog.roots()["vit"].id]
    for path in made:
        assert catalog.path(path.id) == path
        shortest = next(path.id[:n] for n in range(1, 17) if sum(i.startswith(path.id[:n]) for i in ids) == 1)
        assert catalog.path(shortest) == path
        if len(shortest) > 1:
            with pytest.raises(UnknownName, match="start of several"):
                catalog.path(shortest[:-1])


@pytest.mark.parametrize("unknown", ["", "xyz", "%", "_", "'", NOWHERE])
def test_an_unknown_path_is_an_error_everywhere(catalog: Catalog, unknown: str) -> None:
    for use in (
        catalog.path,
        catalog.ancestors,
        lambda id: catalog.paths([id]),
        lambda id: catalog.set_metric(id, "quality", 0.5),
    ):
        with pytest.raises(UnknownName, match="no path is called"):
            use(unknown)


def test_paths_come_in_the_order_asked_for(catalog: Catalog) -> None:
    made = [a_path(mu={"hp:x": i / 8}) for i in range(8)]
    for i, path in enumerate(made):
        catalog.add_root(f"root {i}", path)
    assert catalog.paths([path.id for path in reversed(made)]) == made[::-1]
    assert catalog.paths([made[0].id, made[0].id]) == [made[0], made[0]]
    assert catalog.paths([]) == []


def test_ancestors_lead_to_the_root(catalog: Catalog) -> None:
    line = [catalog.roots()["vit"]]
    agent = start(catalog)
    for i in range(5):
        line.append(a_path(parent=line[-1].id, agent=agent.id))
        catalog.record_generation(agent.id, 0, i, [a_child(line[-1], generation=i)], [line[-1].id])
    assert catalog.ancestors(line[-1].id) == line[::-1]
    assert catalog.ancestors(line[0].id) == line[:1]


def test_metrics_are_added_to_a_path_and_keep_any_value(catalog: Catalog) -> None:
    path = a_path(None, metrics={"quality": 0.5})
    catalog.add_root("one", path)
    for name, value in (("test_quality", 0.25), ("quality", nan), ("worst", -inf)):
        catalog.set_metric(path.id, name, value)
    metrics = dict(catalog.path(path.id).metrics)
    assert isnan(metrics.pop("quality"))
    assert metrics == {"test_quality": 0.25, "worst": -inf}


def test_a_catalog_holds_what_another_wrote(store: Store) -> None:
    store.catalog.add_task(a_task("beans"))
    assert again(store.catalog).tasks() == store.catalog.tasks()


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM holds", "UPDATE paths SET parent = NULL WHERE task = 'digits'", "UPDATE holds SET digest = 'gone'"],
)
def test_tables_that_say_other_than_the_records_are_noticed(catalog: Catalog, statement: str) -> None:
    path = a_path(parent=catalog.roots()["vit"].id)
    catalog.publish([path], message="", method="")
    assert catalog.check() == []
    with catalog._database.writing() as connection:
        connection.exec_driver_sql(statement)
    assert f"the record of path {path.id} of task 'digits' says other than the tables" in catalog.check()
