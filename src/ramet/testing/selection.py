"""Checks of a parent selection, and of a pruning."""

from collections.abc import Callable
from functools import partial
from math import isnan, nan
from typing import Any

import numpy as np

from ramet.base.errors import PartError
from ramet.method.protocols import Member, ParentSelection, Pruning
from ramet.method.selection import pruned, ranked, sample_parent
from ramet.testing.examples import OTHERS, OWN, candidates
from ramet.testing.steady import Broken, holds, steady

SIZES = ((0, 0, 1), (0, 3, 2), (1, 0, 1), (3, 3, 2))
"""Of the population, of the other tasks, of the roots."""
SEEDS = 5
DRAWS = 100


def chooses_one_that_is_there(part: ParentSelection) -> None:
    """The first child of the first task has a root only; later ones have more to choose from."""
    for size in SIZES:
        for seed in range(SEEDS):
            among = candidates(seed, size)
            try:
                sample_parent(part, among)
            except PartError as error:
                raise Broken(f"of {size[0]} own, {size[1]} other and {size[2]} root paths: {error.problem}") from error


def chooses_by_its_generator_alone(part: ParentSelection) -> None:
    """The same candidates and the same generator give the same parent, and nothing else is changed or drawn from."""
    for size in SIZES:
        given = candidates(0, size).paths
        for seed in range(SEEDS):
            steady(partial(_chosen, part, seed, size), given)


def chooses_not_always_the_same(part: ParentSelection) -> None:
    """A search that only ever mutates one path goes nowhere: what had many children gives way."""
    taken: list[str] = []
    for seed in range(DRAWS):
        taken.append(part.choose(candidates(seed, SIZES[-1], taken)))
    holds(len(set(taken)) > 1, f"of {DRAWS} children all have the same parent, though there are eight to choose from")


def keeps_some_in_their_order(part: Pruning) -> None:
    """Those that stay are members that were given, in their order, and no more than may stay."""
    for members, most in _populations():
        try:
            pruned(part, members, most)
        except PartError as error:
            raise Broken(str(error)) from error


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


def _chosen(part: ParentSelection, seed: int, size: tuple[int, int, int]) -> str:
    return part.choose(candidates(seed, size))


def _populations() -> list[tuple[list[Member], int | None]]:
    rng = np.random.default_rng(0)
    found = []
    for most in (None, 1, 2, 5):
        for _ in range(SEEDS):
            scores = [float(rng.choice([nan, 0.0, 0.5, rng.random()])) for _ in (*OWN, *OTHERS)]
            count = int(rng.integers(len(scores) + 1))
            members = [Member(path, score) for path, score in zip((*OWN, *OTHERS), scores, strict=True)][:count]
            found.append(([m for m in members if not isnan(m.score)], most))
    return found


PARENTS: tuple[Callable[[Any], None], ...] = (
    chooses_one_that_is_there,
    chooses_by_its_generator_alone,
    chooses_not_always_the_same,
)
PRUNING: tuple[Callable[[Any], None], ...] = (
    keeps_some_in_their_order,
    prunes_by_what_it_is_given,
    keeps_the_best,
    prunes_once,
)
