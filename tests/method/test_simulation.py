"""The whole floor at work without a tensor: the simulation of benchmarks/simulation, small."""

import pytest
from benchmarks.simulation.colony import Colony

from ramet.method.world import World

from .helpers import method


@pytest.mark.parametrize(("name", "tasks"), [("mu2net-plus", 300), ("mu2net@characters", 50), ("munet@quick", 50)])
def test_a_system_of_many_tasks_grows_and_accounts_for_every_parameter(name: str, tasks: int) -> None:
    colony = Colony(method(name))
    for i in range(tasks):
        colony.learn(f"task{i}", samples=2)
    assert colony.accounted == pytest.approx(colony.stored)
    assert colony.stored < 0.9 * sum(path.params for path in colony.live)
    assert 0.9 * tasks < len({path.id for path in colony.live}) <= tasks + 1


def test_the_same_draws_grow_the_same_system() -> None:
    colonies = [Colony(method("mu2net-plus")) for _ in range(2)]
    for colony in colonies:
        for i in range(20):
            colony.learn(f"task{i}", samples=3)
    assert colonies[0].world.published == colonies[1].world.published


def test_a_world_that_is_carried_on_is_the_one_that_is_made_anew() -> None:
    """Tasks are learned in another order than that of their names, and some twice."""
    colony = Colony(method("mu2net-plus", score__factor="0.9", score__params="1000000"))
    for cycle, task in enumerate(["c", "a", "b", "a", "d", "c", "a"]):
        colony.learn(task, samples=6, cycle=cycle)
        colony.world.others("a")
    afresh = World.of(colony.world.published, colony.world.roots)
    assert colony.world.held == afresh.held
    for task in ("a", "b", "z"):
        assert [*colony.world.others(task)] == [*afresh.others(task)]
    for path in colony.live:
        assert colony.world.accounted_params(path) == afresh.accounted_params(path)
