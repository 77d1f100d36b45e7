import math
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ramet.system as ramet
from ramet.method.world import World, path_flops
from ramet.store.exchange.parcel import parcel_of, receive
from ramet.story.tell import Change, State, tell
from ramet.system import System
from tests.story.examples import CLASSES, grown, learn, new_system


def recomputed(system: System, commit: str) -> tuple[float | None, ...]:
    """The figures of a state, from all that is published there."""
    published = system.store.catalog.versions.published(commit)
    world, paths = World.of(published, system.roots().values()), [*published.values()]
    if not paths:
        return (0, None, None, None, 0, None)
    return (
        len(paths),
        fmean(path.metrics["quality"] for path in paths),
        fmean(path.metrics["test_quality"] for path in paths),
        fmean(map(world.accounted_params, paths)),
        sum({c.digest: c.size for path in paths for c in path.components}.values()),
        fmean(path_flops(path, CLASSES) for path in paths),
    )


def figures(state: State) -> tuple[float | None, ...]:
    return (state.tasks, state.quality, state.test_quality, state.accounted_params, state.params, state.flops)


def check_states(system: System) -> None:
    for state in tell(system).states:
        assert figures(state) == pytest.approx(recomputed(system, state.commit))


def test_segments_are_runs_of_commits_under_a_method(tmp_path: Path) -> None:
    system = grown(tmp_path)
    first, second = tell(system).segments
    assert (first.method, first.commits, first.added, first.revisited) == ("plain v1 #1", 2, ("one", "two"), ())
    assert (second.method, second.commits, second.added, second.revisited) == (
        "other v1 #2", 2, ("three",), ("one",),
    )  # fmt: skip
    assert first.removed == second.removed == ()
    assert second.after == tell(system).states[-1]
    check_states(system)


def test_every_task_s_changes_are_told_in_the_order_they_came(tmp_path: Path) -> None:
    system = grown(tmp_path)
    system.tasks.remove("two")
    assert tell(system).changes == {
        "one": (Change(1, 0.5, 0.4), Change(4, 0.8, pytest.approx(0.7))),
        "two": (Change(2, 0.6, 0.5), Change(5, None, None)),
        "three": (Change(3, 0.7, pytest.approx(0.6)),),
    }


def test_what_publishes_nothing_stays_in_its_segment(tmp_path: Path) -> None:
    system = grown(tmp_path)
    system.tasks.remove("one")
    last = tell(system).segments[-1]
    assert (last.method, last.removed, last.added, last.after.tasks) == ("other v1 #2", ("one",), ("three",), 2)


def test_a_task_that_goes_within_its_segment_was_not_added(tmp_path: Path) -> None:
    system = new_system(tmp_path)
    learn(system, "one")
    system.tasks.remove("one")
    (only,) = tell(system).segments
    assert (only.commits, only.added, only.removed) == (2, (), ())
    assert figures(only.after) == (0, None, None, None, 0, None)


def test_a_merge_counts_as_what_it_publishes(tmp_path: Path) -> None:
    system = grown(tmp_path)
    system.versions.add_branch("trial")
    trial = ramet.open(tmp_path, "trial")
    learn(trial, "four", method="new v1 #3")
    learn(trial, "five", method="newer v1 #4")
    learn(system, "six")
    system.versions.merge("trial")
    *_, before, merged = tell(system).segments
    assert (before.method, before.added) == ("plain v1 #1", ("six",))
    assert (merged.method, merged.commits, merged.added) == ("new v1 #3; newer v1 #4", 1, ("five", "four"))
    check_states(system)


def test_a_pulled_history_tells_the_same_story(tmp_path: Path) -> None:
    system, other = grown(tmp_path / "a"), new_system(tmp_path / "b")
    # the paths are made up, and have no objects that a pull could bring: only the records travel
    parcel = parcel_of(system.store.catalog, system.versions.commit().id)
    receive(other.store.catalog, parcel, "theirs", system.versions.commit().id, old=None)
    assert tell(ramet.open(tmp_path / "b", "theirs")).segments == tell(system).segments


def test_without_a_publication_there_is_no_story(tmp_path: Path) -> None:
    story = tell(new_system(tmp_path))
    assert story.segments == story.states == ()
    assert story.changes == {}


def test_what_was_not_measured_is_left_out_of_means(tmp_path: Path) -> None:
    system = new_system(tmp_path)
    learn(system, "one", quality=math.nan)
    assert tell(system).states[-1].quality is None
    learn(system, "two", quality=0.5)
    assert tell(system).states[-1].quality == 0.5


OWN = st.sets(st.sampled_from(["block.0", "cls_token"]))
STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["learn", "remove"]), OWN), max_size=8)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_every_state_is_what_is_published_there(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, set[str]]]
) -> None:
    system = new_system(tmp_path_factory.mktemp("system"))
    for i, (task, what, own) in enumerate(steps):
        published = system.store.catalog.versions.published()
        if what == "learn":
            parent = next(iter(published.values()), None)
            learn(system, task, *sorted(own), parent=parent, quality=(i + 1) / 10, adapters=(1,) if i % 3 else ())
        elif task in published:
            system.tasks.remove(task)
    check_states(system)
