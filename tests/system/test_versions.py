"""A real small system on several branches: what it evolves, merges, brings back and keeps."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import ramet.system as ramet
from ramet.base.errors import InvalidValue, ObjectError, UnknownName
from ramet.system import System
from tests.evolution.conftest import SMALL, make_system

ONE_CYCLE = {**SMALL, "budget.cycles": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system with two tasks learnt on main, and from there `one` again on two branches, by the same command."""
    system = make_system(tmp_path_factory.mktemp("versions"), "one", "two")
    system.evolve("one", "two", method="mu2net-plus", settings=ONE_CYCLE)
    for branch in ("left", "right"):
        system.versions.add_branch(branch)
    for branch in ("left", "right"):
        other = ramet.open(system.store.folder, branch)
        other.evolve("one", method="mu2net-plus", settings=ONE_CYCLE, seed=3)
        other.store.catalog.close()  # so that nothing vanishes while it is copied
    system.store.catalog.close()
    return system.store.folder


@pytest.fixture
def system(folder: Path, tmp_path: Path) -> System:
    import shutil

    return ramet.open(shutil.copytree(folder, tmp_path / "system"))


def ids(system: System, branch: str | None = None) -> Mapping[str, str]:
    return {
        task: path.id
        for task, path in system.store.catalog.versions.published(branch or system.versions.branch).items()
    }


def test_the_same_command_on_two_branches_draws_the_same(system: System) -> None:
    assert ids(system, "left").keys() == {"one", "two"}

    def made(branch: str) -> list[object]:  # their ids differ, as their agents are of different branches
        children = system.store.catalog.agents.children(branch=branch)
        return [(child.mutations, child.curve, child.path.hyperparameters, child.path.digests()) for child in children]

    assert made("left") == made("right")
    assert len(made("left")) == 4
    assert [agent.number for agent in system.store.catalog.agents.all("one")] == [0, 0, 0]


def test_a_system_acts_on_its_branch(system: System) -> None:
    left = ramet.open(system.store.folder, "left")
    assert (left.versions.branch, system.versions.branch) == ("left", "main")
    assert {s.task: s.path for s in left.status()} == ids(system, "left")
    assert left.path("one").id == ids(system, "left")["one"]
    assert [e.path for e in left.evaluate("one")] == [ids(system, "left")["one"]]
    assert all(check.equal for check in left.verify_quality())
    left.tasks.remove("one")
    assert "one" in ids(system)
    assert (system.store.folder / "cache").exists()
    assert [e.task for e in system.evaluate("one")] == ["one"]


def test_a_folder_stays_on_the_branch_that_it_was_switched_to(system: System) -> None:
    system.versions.switch("left")
    assert (system.versions.branch, ramet.open(system.store.folder).versions.branch) == ("left", "left")
    assert [b.name for b in system.versions.branches() if b.current] == ["left"]
    assert ramet.open(system.store.folder, "main").versions.branch == "main"
    with pytest.raises(UnknownName, match="no branch is called 'lost'"):
        system.versions.switch("lost")
    with pytest.raises(UnknownName):
        ramet.open(system.store.folder, "lost")
    for name in ("left", "main"):
        with pytest.raises(InvalidValue):
            system.versions.delete_branch(name)
    with pytest.raises(InvalidValue, match="on branch 'left'"):
        ramet.open(system.store.folder, "right").versions.delete_branch("left")
    ramet.open(system.store.folder, "main").versions.delete_branch("right")


def test_a_merge_of_real_paths_leaves_every_task_as_good(system: System) -> None:
    system.evolve("two", method="mu2net-plus", settings=ONE_CYCLE, seed=5)
    before, theirs = ids(system), ids(system, "left")
    merged = system.versions.merge("left", policy="best")
    assert ids(system) == {**before, "one": theirs["one"]}
    assert merged.commit == system.versions.commit().id
    assert all(check.equal for check in system.verify_quality())
    assert system.store.verify() == []


def test_a_diff_of_a_system_with_itself_and_with_what_it_was(system: System) -> None:
    assert system.versions.diff("HEAD").tasks == ()
    found = system.versions.diff("main~1", "main")
    (two,) = found.tasks
    assert (two.task, two.change, two.before) == ("two", "added", None)
    assert two.after is not None
    status = {s.task: s for s in system.status()}["two"]
    assert (two.after.path, two.after.quality, two.after.flops, two.after.accounted_params) == (
        status.path,
        status.quality,
        status.flops,
        status.accounted_params,
    )
    path = system.path("two")
    assert set(two.added) >= {c.name for c in path.components if c.name in path.trained}
    assert not {*two.added} & {*two.shared}
    back = system.versions.diff("main", "main~1")
    assert [(task.change, task.before, task.after) for task in back.tasks] == [("removed", two.after, None)]
    assert (back.total_before, back.total_after) == (found.total_after, found.total_before)
    assert found.total_after.params > found.total_before.params


def test_names_of_what_can_be_shown(system: System) -> None:
    system.versions.tag("v1")
    assert system.find("one") == system.path("one")
    assert system.find(system.path("one").id[:8]) == system.path("one")
    assert system.find("v1") == system.versions.commit("HEAD") == system.versions.commit()
    assert system.find("HEAD~1") == system.versions.log()[1]
    with pytest.raises(UnknownName, match="no task, path or commit is called 'v11'"):
        system.find("v11")


def test_what_gc_has_dropped_is_not_brought_back(system: System) -> None:
    lost = system.versions.commit("left")
    system.versions.delete_branch("left")
    gone = system.store.catalog.versions.published(lost.id)["one"].digests() - {
        digest for path in system.store.catalog.versions.published().values() for digest in path.digests()
    }
    for digest in gone:
        system.store.objects.delete(digest)
    for use in (
        lambda: system.versions.add_branch("again", lost.id),
        lambda: system.versions.tag("again", lost.id),
        lambda: system.versions.restore("one", lost.id),
        lambda: system.versions.merge(lost.id),
    ):
        with pytest.raises(ObjectError, match="are gone, as no branch or tag led to it"):
            use()
    system.versions.add_branch("again", f"{lost.id}~1")


def test_a_path_from_elsewhere_has_a_status(system: System) -> None:
    """Its agent is not on record here."""
    path = replace(system.path("one"), agent="elsewhere").identified()
    system.store.catalog.versions.publish([path], message="", method="")
    assert {s.task: s.path for s in system.status()}["one"] == path.id
    assert system.versions.merge("left", policy="best").choices[0].our_score is not None
