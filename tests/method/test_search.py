"""The search as pure functions: what holds of any results, in any order."""

import math
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.simulation.colony import trained
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.randomness import Key
from ramet.base.records import Path
from ramet.method.document.schema import Method
from ramet.method.plan import ChildPlan, Trained
from ramet.method.protocols import Member
from ramet.method.search import State, after, begin, judge, propose
from ramet.method.world import World

from .helpers import method, root, still

COUNT = 4
RESULTS = st.lists(
    st.one_of(
        st.floats(0, 1), st.sampled_from([0.0, 0.5, math.nan]), st.sampled_from(["diverged", "out-of-memory", "failed"])
    ),
    min_size=COUNT,
    max_size=COUNT,
)


def state(of: Method | None = None, published: tuple[Path, ...] = ()) -> State:
    start = root()
    paths = {path.id: path for path in (start, *published)}
    world = World.of({path.task or "": path for path in published}, [start])
    used = of or method()

    def lineage(id: str) -> list[Path]:
        parent = paths[id].parent
        return [paths[id], *(lineage(parent) if parent else [])]

    return begin(State(used, used.label, "one", 5, world, lineage, agent="agent"))


def result(plan: ChildPlan, key: Key, number: int, outcome: float | str) -> Trained:
    made = trained(plan, key, number)
    if isinstance(outcome, str):
        return Trained(number, outcome, (), {}, 10, 1.0, error="Traceback" if outcome == "failed" else "")  # type: ignore[arg-type]
    digests = {part.name: (f"{key}{number}{part.name}", "m") for part in plan.parts if part.trainable}
    return replace(made, failure=None, curve=(outcome,), digests=digests)


def results(plans: Sequence[ChildPlan], key: Key, outcomes: Sequence[float | str]) -> list[Trained]:
    return [result(plan, key, i, outcome) for i, (plan, outcome) in enumerate(zip(plans, outcomes, strict=True))]


def grown(of: Method, qualities: list[float]) -> tuple[State, dict[str, Path]]:
    """Return a state after a generation of these qualities, and all paths."""
    now = state(of)
    plans = propose(now, len(qualities))
    now, children = judge(now, plans, results(plans, now.key, qualities))
    paths = {path.id: path for path in (*now.world.roots, *(c.path for c in children))}

    def lineage(id: str) -> list[Path]:
        parent = paths[id].parent
        return [paths[id], *(lineage(parent) if parent else [])]

    return replace(now, lineage=lineage), paths


def test_the_best_is_the_most_recent_of_equals_and_no_nan() -> None:
    def best(*scores: float) -> str | None:
        found = replace(state(), population=tuple(Member(replace(root(), id=str(i)), s) for i, s in enumerate(scores)))
        return found.best and found.best.id

    assert best(0.5, 0.1, 0.5, math.nan) == "2"
    assert best() is None
    assert best(math.nan) is None


@given(outcomes=RESULTS, order=st.permutations(range(COUNT)), most=st.sampled_from(["null", "1", "2"]))
def test_what_is_judged_follows_from_the_results_in_whatever_order(
    outcomes: list[float | str], order: list[int], most: str
) -> None:
    before, _ = grown(method(max_population=most), [0.4, 0.5])
    plans = propose(before, COUNT)
    made = results(plans, before.key, outcomes)
    now, children = judge(before, plans, [made[i] for i in order])

    assert [child.number for child in children] == [*range(COUNT)]
    scores = {member.path.id: member.score for member in before.population}
    for child, plan, outcome in zip(children, plans, outcomes, strict=True):
        if isinstance(outcome, str):
            assert child.status == outcome
        else:
            reached = not math.isnan(outcome) and outcome >= scores.get(plan.parent.id, -math.inf)
            assert child.status == ("joined" if reached else "worse")
        kept = {c.name for c in child.path.components if c.digest}
        assert (kept >= set(child.path.trained)) == (child.status == "joined"), "what did not join has no objects"
        assert (child.path.parent, child.mutations) == (plan.parent.id, plan.mutations)
        assert bool(child.error) == (outcome == "failed")

    joined = [child.path.id for child in children if child.status == "joined"]
    ids = [member.path.id for member in now.population]
    assert ids == [id for id in [*(m.path.id for m in before.population), *joined] if id in ids], "in order of joining"
    assert len(ids) <= (math.inf if most == "null" else int(most))
    assert not any(math.isnan(member.score) for member in now.population)
    if most == "null":
        assert set(ids) == {*scores, *joined}
    elif joined:
        assert max(m.score for m in now.population) == max(
            [*scores.values(), *(c.path.metrics["score"] for c in children if c.status == "joined")]
        )
    assert now.taken == (*before.taken, *(plan.parent.id for plan in plans))
    assert (now.generation, before.generation) == (2, 1)
    assert after(before, children).population == now.population, "what is on record tells the same"


def test_equal_states_give_equal_plans_and_a_childs_does_not_depend_on_how_many_follow() -> None:
    now, _ = grown(method(), [0.4, 0.5, 0.6])
    plans = propose(now, COUNT)
    assert propose(replace(now), COUNT) == plans
    assert propose(now, 2) == plans[:2]
    for other in (replace(now, seed=1), replace(now, run=1), replace(now, cycle=1), replace(now, generation=7)):
        assert propose(other, COUNT) != plans


def test_what_the_plans_draw_on_is_alive() -> None:
    """A pruned parent, which may have been deleted, lends no head to its children's children."""
    quiet = {"parents": "mu2net-plus", "max_population": "1"}
    before, paths = grown(still(**quiet), [0.5])
    (first,) = before.population
    plans = propose(before, 3)
    assert {plan.parent.id for plan in plans} <= {first.path.id, *(r.id for r in before.world.roots)}
    number = next(i for i, plan in enumerate(plans) if plan.parent.id == first.path.id)
    outcomes = [0.9 if i == number else "diverged" for i in range(len(plans))]
    now, children = judge(before, plans, results(plans, before.key, outcomes))
    (best,) = now.population
    assert best.path.id == children[number].path.id
    assert not now.is_live(first.path)
    paths[best.path.id] = best.path
    for plan in propose(now, 8):
        held = {c.digest for p in (best.path, *now.world.roots) for c in p.components}
        assert {part.origin.digest for part in plan.parts if part.origin} <= held


def test_a_cycle_begins_with_the_published_path_in_its_own_world() -> None:
    now, _ = grown(method(score__factor="0.9", score__params="1000000"), [0.5])
    (member,) = now.population
    other = replace(member.path, task="two").identified()
    later = state(now.method, (member.path, other))
    (again,) = later.population
    assert again.path == member.path
    assert again.score == later.score(member.path) > member.score, "another task holds the same by now"
    assert later.best == member.path
