"""Checks of what decides a search: choice of parents, pruning, score, and mutation steps."""

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from math import isnan, nan, sqrt
from typing import Any

import numpy as np

from ramet.base.errors import PartError
from ramet.base.records import Path
from ramet.method.document.schema import STEPS, Method, assembled
from ramet.method.mutation import Draft, plan_child, plan_data
from ramet.method.plan import ChildPlan
from ramet.method.protocols import Member, MutationStep, ParentSelection, Pruning, Score
from ramet.method.selection import pruned, ranked, sample_parent
from ramet.method.world import World
from ramet.testing.examples import CLASSES, METHOD, OTHERS, OWN, ROOTS, TASK, TINY, WORLDS, candidates, lineage
from ramet.testing.steady import Broken, accepted, holds, steady
from ramet.vit import spec

SIZES = ((0, 0, 1), (0, 3, 2), (1, 0, 1), (3, 3, 2))
"""Of the population, of the other tasks, of the roots."""
QUALITIES = (0.0, 0.1, 0.5, 0.9, 1.0)
PARENTS = (*ROOTS, *OWN, *OTHERS)
SEEDS = 5
PLANS = 3
"""How many children of every parent are planned."""
CHOICES = 100
CHILDREN = 200
MU = 0.1


def chooses_one_that_is_there(part: ParentSelection) -> None:
    """The first child of the first task has a root only; later ones have more to choose from."""
    for size, seed in product(SIZES, range(SEEDS)):
        try:
            sample_parent(part, candidates(seed, size))
        except PartError as error:
            raise Broken(f"of {size[0]} own, {size[1]} other and {size[2]} root paths: {error.problem}") from error


def chooses_by_its_generator_alone(part: ParentSelection) -> None:
    """The same candidates and the same generator give the same parent, and nothing else is changed or drawn from."""
    for size, seed in product(SIZES, range(SEEDS)):
        steady(partial(_chosen, part, seed, size), candidates(0, size).paths)


def chooses_not_always_the_same(part: ParentSelection) -> None:
    """A search that only ever mutates one path goes nowhere: what had many children gives way."""
    taken: list[str] = []
    for seed in range(CHOICES):
        taken.append(part.choose(candidates(seed, SIZES[-1], taken)))
    many = f"of {CHOICES} children all have the same parent, though there are eight to choose from"
    holds(len(set(taken)) > 1, many)


def keeps_some_in_their_order(part: Pruning) -> None:
    """Those that stay are members that were given, in their order, and no more than may stay."""
    for members, most in _populations():
        with accepted():
            pruned(part, members, most)


def prunes_by_what_it_is_given(part: Pruning) -> None:
    """The same members give the same answer, and are not changed."""
    for members, most in _populations():
        steady(partial(part.prune, tuple(members), most), members)


def keeps_the_best(part: Pruning) -> None:
    """The path of the best score stays: it is the one that will be published."""
    for members, most in _populations():
        kept = [path.id for path, _ in part.prune(tuple(members), most)]
        for member in ranked(members)[:1]:
            holds(member.path.id in kept, f"the path of the best score, {member.score}, is not among those that stay")


def prunes_once(part: Pruning) -> None:
    """Members that stayed stay when it is asked again."""
    for members, most in _populations():
        once = list(part.prune(tuple(members), most))
        holds([*part.prune(tuple(once), most)] == once, "of those that stayed some go when it is asked again")


def gives_a_number(part: Score) -> None:
    """Every path of every world has a finite score, one that is not published, or not stored, too."""
    for path, world in _cases():
        with accepted():
            found = world.score(part, path)
        holds(not isnan(found), f"a path of quality {path.metrics['quality']} has the score NaN")


def leaves_nan_as_it_is(part: Score) -> None:
    """A path that was not measured has no score."""
    for path, world in _cases():
        holds(isnan(part.score(path, nan, world)), "a quality of NaN does not give the score NaN")


def scores_by_what_it_is_given(part: Score) -> None:
    """The same path in the same world has the same score, and nothing is changed."""
    for path, world in _cases():
        steady(partial(part.score, path, 0.5, world), [path, dict(world.published)])


def prefers_the_better(part: Score) -> None:
    """Of two paths that differ in quality alone the better one does not score less; and quality counts somewhere."""
    grew = False
    for path, world in _cases():
        found = [part.score(path, quality, world) for quality in QUALITIES]
        holds(all(a <= b for a, b in pairwise(found)), f"qualities {QUALITIES} have the scores {found}: they fall")
        grew = grew or found[0] < found[-1]
    holds(grew, "the quality does not count at all")


def does_not_look_at_the_test(part: Score) -> None:
    """Test quality decides nothing (METHOD section 6)."""
    for path, world in _cases():
        other = replace(path, metrics={**path.metrics, "test_quality": 0.123})
        holds(part.score(path, 0.5, world) == part.score(other, 0.5, world), "it depends on the test quality")


def plans_what_can_be_trained(part: MutationStep) -> None:
    """Every child has the components of its layers in order, in sizes that fit, and something to train."""
    for of, parent, seed in product(_methods(part), PARENTS, range(PLANS)):
        _check_plan(of, _plan(of, parent, seed))


def plans_by_its_generator_alone(part: MutationStep) -> None:
    """The same parent and generator give the same plan; nothing else is drawn from, and the parent is not touched."""
    for of, parent, seed in product(_methods(part), PARENTS, range(PLANS)):
        own = copy.deepcopy(parent)  # a step that changes its parent spoils it for nobody else
        steady(partial(_plan_content, of, own, seed), own)


def acts_as_often_as_it_should(part: MutationStep) -> None:
    """An action is decided once a child, so that it happens no more often than by its probability."""
    most = CHILDREN * MU + 5 * sqrt(CHILDREN * MU * (1 - MU))
    for of in _methods(part):
        mu = of.hyperparameters["mu"].model_copy(update={"default": MU, "values": (MU,)})
        still = {
            "mutation": of.mutation.model_copy(update={"learned": False}),
            "hyperparameters": {**of.hyperparameters, "mu": mu},
        }
        for parent in (ROOTS[0], OWN[0]):
            plans = (_plan(of.model_copy(update=still), parent, seed) for seed in range(CHILDREN))
            for action, count in Counter(action for plan in plans for action in plan.mutations).items():
                often = f"{action!r} happens in {count} of {CHILDREN} children, and its probability is {MU}"
                holds(count <= most, often)


def _chosen(part: ParentSelection, seed: int, size: tuple[int, int, int]) -> str:
    return part.choose(candidates(seed, size))


def _populations() -> Iterator[tuple[list[Member], int | None]]:
    rng = np.random.default_rng(0)
    for most in (None, 1, 2, 5):
        for _ in range(SEEDS):
            scores = [float(rng.choice([nan, 0.0, 0.5, rng.random()])) for _ in (*OWN, *OTHERS)]
            count = int(rng.integers(len(scores) + 1))
            members = [Member(path, score) for path, score in zip((*OWN, *OTHERS), scores, strict=True)][:count]
            yield [m for m in members if not isnan(m.score)], most


def _cases() -> Iterator[tuple[Path, World]]:
    for world, path in product(WORLDS, (*OWN, *OTHERS)):
        yield path, world
        fresh = tuple(replace(c, digest="") if c.task == path.task else c for c in path.components)
        yield replace(path, id="", components=fresh), world


def _methods(part: Any) -> Iterator[Method]:
    """A method of this step alone, and one of it before ramet's own clones, or in the place of the step it is."""
    document = METHOD.model_dump(mode="json")
    *before, last = [part if name == part.part else name for name in STEPS]
    for steps in ([part], [*before, *([part] if part.part not in STEPS else []), last]):
        built = assembled({**document, "mutation": {**document["mutation"], "steps": steps}})
        mutation = METHOD.mutation.model_copy(update={"steps": built["mutation"]["steps"]})
        yield METHOD.model_copy(update={"mutation": mutation, "hyperparameters": built["hyperparameters"]})


def _plan(of: Method, parent: Path, seed: int) -> ChildPlan:
    rng = np.random.default_rng(seed)
    data = plan_data(of, OWN[0], TINY, rng)
    line = [parent, *lineage(parent)[1:]]
    return plan_child(Draft(of, parent, task=TASK, classes=CLASSES, agent="agent", data=data, ancestors=line, rng=rng))


def _plan_content(of: Method, parent: Path, seed: int) -> tuple[object, ...]:
    plan = _plan(of, parent, seed)
    return plan.parts, dict(plan.hyperparameters), dict(plan.mu), plan.mutations


def _check_plan(of: Method, plan: ChildPlan) -> None:
    names, space = [part.name for part in plan.parts], of.space(TINY)
    holds(tuple(names) == spec.component_names(int(plan.hyperparameters["layers"]), names), f"components are {names}")
    holds(any(part.trainable for part in plan.parts), "nothing is trainable")
    for name, value in plan.hyperparameters.items():
        holds(name not in space or value in space[name].values, f"{name} is {value!r}, which is none of its values")
    for action, probability in plan.mu.items():
        holds(0 <= probability <= 1, f"the probability of {action!r} is {probability}")
    for part in plan.parts:
        fits = part.origin is not None and part.origin.size == spec.size(TINY, part.name, plan.dimensions)
        can = fits or part.origin is None or part.name == "pos_embed"
        holds(can, f"{part.name} is taken from one of another size")
        holds(fits or part.trainable, f"{part.name} is new or resampled, and not trainable")
    twice = f"an action is noted twice: {', '.join(plan.mutations)}"
    holds(len(set(plan.mutations)) == len(plan.mutations), twice)
