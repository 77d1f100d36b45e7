"""Agents, their generations and cycles."""

from dataclasses import replace
from math import nan

import pytest
from sqlalchemy import select

from ramet.base.errors import Busy, InvalidValue, UnknownName
from ramet.base.records import Path
from ramet.store.care import needed
from ramet.store.catalog import schema
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from tests.store.examples import NOWHERE, a_child, a_path, a_task, start


@pytest.fixture
def catalog(store: Store) -> Catalog:
    return store.catalog


def grow(catalog: Catalog, agent: str, cycle: int, generation: int, *versions: float) -> list[Path]:
    """Record a generation of joined children, one a version, which then are the population."""
    paths = [a_path(mu={"hp:x": version}, agent=agent, metrics={"quality": version}) for version in versions]
    children = [a_child(path, i, generation=generation, cycle=cycle) for i, path in enumerate(paths)]
    catalog.agents.record_generation(agent, cycle, generation, children, [path.id for path in paths])
    return paths


def population(catalog: Catalog, agent: str) -> list[Path]:
    """The agent's living paths, in the order in which they were recorded."""
    with catalog.database.reading() as connection:
        chosen = select(schema.population.c.path).where(schema.population.c.agent == agent)
        alive = connection.execute(chosen.order_by(schema.population.c.position)).scalars().all()
    return catalog.paths.many(alive)


def test_an_agent_is_found_again_by_its_task_until_it_is_done(catalog: Catalog) -> None:
    assert catalog.agents.running("digits") is None
    agent = start(catalog)
    assert (agent.state, agent.cycle, agent.number, agent.base) == ("running", 0, 0, catalog.versions.head().id)
    assert catalog.agents.running("digits") == agent == catalog.agents.get(agent.id)
    with pytest.raises(InvalidValue, match="'digits' has an agent that is not done"):
        start(catalog)
    catalog.agents.finish(agent.id)
    assert catalog.agents.running("digits") is None
    assert start(catalog).number == 1
    assert [known.number for known in catalog.agents.all("digits")] == [0, 1]


def test_agents_are_counted_on_their_branch(catalog: Catalog) -> None:
    catalog.versions.branch("other")
    made = []
    for branch in ("main", "other", "main"):
        made.append(start(catalog, branch=branch))
        catalog.agents.finish(made[-1].id)
    assert [agent.number for agent in made] == [0, 0, 1]
    assert [(agent.branch, agent.number) for agent in catalog.agents.all()] == [("main", 0), ("main", 1), ("other", 0)]


def test_agents_that_differ_in_anything_have_other_ids(catalog: Catalog) -> None:
    catalog.tasks.add(a_task("beans"))
    made = [start(catalog), start(catalog, "beans")]
    for agent in made:
        catalog.agents.finish(agent.id)
    made += [start(catalog, seed=1), start(catalog, "beans", cycles=3)]
    assert len({agent.id for agent in made}) == 4


def test_the_id_depends_on_the_roots(catalog: Catalog, store: Store) -> None:
    first = start(catalog)
    with catalog.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM agents")
    catalog.paths.add_root("another", a_path(None))
    assert start(catalog).id != first.id


@pytest.mark.parametrize("method", ["get", "finish", "begin_cycle"])
def test_an_unknown_agent_is_an_error(catalog: Catalog, method: str) -> None:
    with pytest.raises(UnknownName, match="no agent is called 'nobody'"):
        getattr(catalog.agents, method)("nobody")


def test_a_generation_is_on_record_with_its_children_and_population(catalog: Catalog) -> None:
    agent = start(catalog)
    best = a_path(agent=agent.id, metrics={"quality": 0.5})
    dropped = a_path(digests=("",), agent=agent.id, metrics={"quality": 0.25, "score": nan})
    children = [a_child(best), a_child(dropped, 1, status="diverged")]
    catalog.agents.record_generation(agent.id, 0, 0, children, [best.id])
    assert repr(catalog.agents.children(agent.id)) == repr(children)
    assert population(catalog, agent.id) == [best]
    assert len(catalog.agents.terms(agent.id, 0)) == 1
    assert len(catalog.agents.terms(agent.id, 1)) == 0
    assert "" not in needed(catalog)


def test_children_that_are_one_path_keep_what_each_measured(catalog: Catalog) -> None:
    agent = start(catalog)
    one, other = (a_path(digests=("",), agent=agent.id, metrics={"quality": q}) for q in (0.25, 0.75))
    assert one.id == other.id
    children = [a_child(one, 0, status="worse"), a_child(other, 1, status="worse")]
    catalog.agents.record_generation(agent.id, 0, 0, children, [])
    assert catalog.agents.children(agent.id) == children


def test_children_are_chosen_by_agent_task_and_cycle(catalog: Catalog) -> None:
    catalog.tasks.add(a_task("beans"))
    digits, beans = start(catalog), start(catalog, "beans")
    grow(catalog, digits.id, 0, 0, 0.1, 0.2)
    catalog.agents.record_generation(beans.id, 0, 0, [a_child(a_path("beans"))], [])
    best = grow(catalog, digits.id, 0, 1, 0.3)
    catalog.versions.publish(best, message="", method="", close_cycle=digits)
    grow(catalog, digits.id, 1, 0, 0.4)

    def chosen(**by: object) -> list[tuple[str | None, int, int, int]]:
        return [(c.path.task, c.cycle, c.generation, c.number) for c in catalog.agents.children(**by)]  # type: ignore[arg-type]

    digits_first = [("digits", 0, 0, 0), ("digits", 0, 0, 1)]
    rest = [("digits", 0, 1, 0), ("digits", 1, 0, 0)]
    assert chosen() == [*digits_first, ("beans", 0, 0, 0), *rest]
    assert chosen(task="digits") == chosen(agent_id=digits.id) == [*digits_first, *rest]
    assert chosen(task="beans") == [("beans", 0, 0, 0)]
    assert chosen(agent_id=digits.id, cycle=1) == [("digits", 1, 0, 0)]


def test_a_generation_is_recorded_once_and_in_its_turn(catalog: Catalog) -> None:
    agent = start(catalog)
    first = grow(catalog, agent.id, 0, 0, 0.1)
    for cycle, generation in ((0, 0), (0, 2), (1, 0)):
        with pytest.raises(Busy, match=f"generation {generation} of cycle {cycle} of agent {agent.id}"):
            grow(catalog, agent.id, cycle, generation, 0.9)
    assert population(catalog, agent.id) == first
    assert len(catalog.agents.children()) == 1
    catalog.agents.finish(agent.id)
    with pytest.raises(Busy):
        grow(catalog, agent.id, 0, 1, 0.9)


def test_a_generation_that_cannot_be_recorded_leaves_nothing(catalog: Catalog) -> None:
    from sqlalchemy.exc import IntegrityError

    agent = start(catalog)
    with pytest.raises(IntegrityError):
        catalog.agents.record_generation(agent.id, 0, 0, [a_child(a_path())], ["no such path"])
    assert catalog.agents.children() == []
    assert len(catalog.agents.terms(agent.id, 0)) == 0
    with pytest.raises(UnknownName):
        catalog.paths.get(a_path().id)


def test_a_cycle_ends_with_what_it_publishes(catalog: Catalog) -> None:
    agent = start(catalog, cycles=2)
    _, best = grow(catalog, agent.id, 0, 0, 0.1, 0.2)
    commit = catalog.versions.publish([best], message="", method="m/1", close_cycle=agent)
    second = catalog.agents.get(agent.id)
    assert second == replace(agent, cycle=1, base=commit.id)
    assert population(catalog, agent.id) == [best]
    assert len(catalog.agents.terms(agent.id, 1)) == 0
    catalog.versions.publish([best], message="", method="m/1", close_cycle=second)
    assert catalog.agents.get(agent.id) == replace(second, cycle=2, state="done")
    assert population(catalog, agent.id) == []
    assert catalog.versions.head() == commit


def test_a_cycle_ends_once_and_what_comes_late_is_not_published(catalog: Catalog) -> None:
    agent = start(catalog, cycles=3)
    one, other = grow(catalog, agent.id, 0, 0, 0.1, 0.2)
    commit = catalog.versions.publish([one], message="", method="m/1", close_cycle=agent)
    with pytest.raises(Busy, match="cycle 0"):
        catalog.versions.publish([other], message="", method="m/1", close_cycle=agent)
    assert catalog.versions.head() == commit
    assert catalog.agents.get(agent.id).cycle == 1


def test_a_new_agent_starts_from_the_published_path(catalog: Catalog) -> None:
    path = a_path()
    catalog.versions.publish([path], message="", method="")
    assert population(catalog, start(catalog).id) == [path]


def test_a_cycle_begins_from_what_is_published_then_and_stays_there(catalog: Catalog) -> None:
    catalog.tasks.add(a_task("beans"))
    agent = start(catalog)
    catalog.versions.publish([a_path()], message="", method="")
    begun = catalog.agents.begin_cycle(agent.id)
    assert begun.base == catalog.versions.head().id
    assert population(catalog, agent.id) == [a_path()]
    grow(catalog, agent.id, 0, 0, 0.1)
    catalog.versions.publish([a_path("beans")], message="", method="")
    assert catalog.agents.begin_cycle(agent.id) == begun
    assert catalog.versions.published(begun.base) == {"digits": a_path()}


def test_the_order_of_a_population_is_kept(catalog: Catalog) -> None:
    agent = start(catalog)
    paths = grow(catalog, agent.id, 0, 0, *(i / 10 for i in range(10)))
    catalog.agents.record_generation(agent.id, 0, 1, [], [path.id for path in reversed(paths)])
    assert population(catalog, agent.id) == paths[::-1]
    assert len(catalog.agents.terms(agent.id, 0)) == 2
    assert {path.components[0].digest for path in paths} == {NOWHERE}
