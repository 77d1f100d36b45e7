import os
import shutil
from pathlib import Path as FilePath

import pytest

from ramet.base.errors import Busy, InvalidValue, UnknownName
from ramet.store.care import check, verify
from ramet.store.catalog.experiments import Experiment
from ramet.store.folder import Store, open_store
from tests.store.examples import a_child, a_path, dies_at, in_a_thread, make_system, start

DESIGN = {"seeds": [0, 1], "methods": {"b": 1, "a": [0.1]}}
BRANCHES = ("mu/a/0", "mu/b/0")
STARTS = dict.fromkeys(BRANCHES, "main")
MOST = 50


def begin(store: Store) -> Experiment:
    return store.catalog.experiments.begin("mu", DESIGN, base="main", branches=STARTS)


def test_an_experiment_begins_once(store: Store) -> None:
    made = begin(store)
    assert (made.name, made.design, made.base) == ("mu", DESIGN, store.catalog.versions.head().id)
    store.catalog.versions.publish([a_path()], message="later", method="m")
    assert begin(store) == made == store.catalog.experiments.get("mu")
    assert store.catalog.experiments.all() == [made]
    assert {store.catalog.versions.head(branch).id for branch in BRANCHES} == {made.base}


def test_one_of_another_design_is_refused(store: Store) -> None:
    begin(store)
    with pytest.raises(InvalidValue, match="one is never edited"):
        store.catalog.experiments.begin("mu", {**DESIGN, "seeds": [0]}, base="main", branches=STARTS)


@pytest.mark.parametrize(
    ("base", "branches", "error"),
    [("mian", BRANCHES, UnknownName), ("main", ("mu/a/0", "main"), InvalidValue), ("main", ("a b",), InvalidValue)],
)
def test_what_cannot_begin_leaves_nothing(
    store: Store, base: str, branches: tuple[str, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        store.catalog.experiments.begin("mu", DESIGN, base=base, branches=dict.fromkeys(branches, base))
    assert store.catalog.experiments.all() == []
    assert [branch.name for branch in store.catalog.versions.branches()] == ["main"]


def test_one_may_take_the_place_of_another_and_bring_more_branches(store: Store) -> None:
    first = begin(store)
    store.catalog.versions.publish([a_path()], message="later", method="m")
    more = {**DESIGN, "seeds": [0, 1, 2]}
    root = store.catalog.versions.log()[-1].id
    starts = {**STARTS, "mu/a/2": "main", "mu/a/alone": root}
    made = store.catalog.experiments.begin("mu", more, base="main", branches=starts, instead_of=DESIGN)
    assert (made.design, made.base, made.time) == (more, first.base, first.time)
    assert store.catalog.experiments.all() == [made]
    assert store.catalog.versions.head("mu/a/2").id == first.base
    assert store.catalog.versions.head("mu/a/alone").id == root
    assert len(store.catalog.versions.branches()) == 5
    with pytest.raises(InvalidValue, match="one is never edited"):
        store.catalog.experiments.begin("mu", {"seeds": []}, base="main", branches=STARTS, instead_of=DESIGN)


def test_a_trial_that_was_tried_again_takes_the_place_of_the_first(store: Store) -> None:
    begin(store)
    end = store.catalog.experiments.end_trial
    end("mu", "mu/b/0", "one", details={"measured": {"one": 0.5}})
    failed = end("mu", "mu/a/0", "one", state="failed", problem="it failed")
    other = end("mu", "mu/a/0", "two")
    assert [trial.problem for trial in store.catalog.experiments.trials("mu")] == ["it failed", "", ""]
    store.catalog.versions.publish([a_path()], message="it went well", method="m", branch="mu/a/0")
    again = end("mu", "mu/a/0", "one")
    assert store.catalog.experiments.trials("mu")[:2] == [other, again]
    assert store.catalog.experiments.trials("mu")[2].details == {"measured": {"one": 0.5}}
    assert (again.problem, again.commit) == ("", store.catalog.versions.head("mu/a/0").id)
    assert failed.commit != again.commit
    assert (failed.number, other.number, again.number) == (0, 1, 2)


def test_branches_are_dropped_all_or_none(store: Store) -> None:
    begin(store)
    agent = start(store.catalog, branch="mu/b/0")
    store.catalog.agents.record_generation(agent.id, 0, 0, [a_child(a_path(agent=agent.id))], [])
    assert store.catalog.agents.count_children(branches=BRANCHES) == 1
    with store.catalog.leases.hold("digits", branch="mu/b/0"), pytest.raises(Busy):
        in_a_thread(lambda: store.catalog.experiments.drop_branches(BRANCHES))
    assert len(store.catalog.versions.branches()) == 3
    assert store.catalog.experiments.drop_branches(["other", *BRANCHES]) == list(BRANCHES)
    assert store.catalog.agents.get(agent.id).state == "done"
    assert store.catalog.agents.count_children(branches=BRANCHES) == 1
    assert check(store.catalog) == []


def test_what_others_have_is_published_by_one_commit_with_them_as_parents(store: Store) -> None:
    begin(store)
    path = a_path(digests=(store.objects.put({}),))
    other = store.catalog.versions.publish([path], message="found", method="m/1", branch="mu/a/0")
    head, parents = store.catalog.versions.head().id, [other.id, store.catalog.versions.head("mu/b/0").id]
    commit = store.catalog.versions.gather("main", head, parents, {"digits": path.id}, message="both", method="m/1")
    assert commit.parents == (head, *parents)
    assert store.catalog.versions.published() == {"digits": path}
    assert {found.id for found in store.catalog.versions.log()} >= {other.id, head}
    assert verify(store.catalog, store.objects) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_at_any_write_leaves_no_experiment_or_a_whole_one(tmp_path: FilePath) -> None:
    before = tmp_path / "before"
    make_system(before).catalog.close()
    for point in range(MOST):
        folder = shutil.copytree(before, tmp_path / str(point))
        killed = dies_at(point, lambda folder=folder: begin(open_store(folder)))  # type: ignore[misc]
        store = open_store(folder)
        there = (len(store.catalog.experiments.all()), len(store.catalog.versions.branches()))
        assert there in ((0, 1), (1, 3))
        assert check(store.catalog) == []
        begin(store)
        assert len(store.catalog.versions.branches()) == 3
        store.catalog.close()
        if not killed:
            break
    assert 3 < point < MOST
