"""Checks of a score."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import isnan, nan
from typing import Any

from ramet.base.errors import PartError
from ramet.base.records import Path
from ramet.method.protocols import Score
from ramet.method.world import World
from ramet.testing.examples import OTHERS, OWN, WORLDS
from ramet.testing.steady import Broken, holds, steady

QUALITIES = (0.0, 0.1, 0.5, 0.9, 1.0)


def gives_a_number(part: Score) -> None:
    """Every path of every world has a finite score, one that is not published, or not stored, too."""
    for path, world in _cases():
        try:
            found = world.score(part, path)
        except PartError as error:
            raise Broken(str(error)) from error
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


def _cases() -> Iterator[tuple[Path, World]]:
    for world in WORLDS:
        for path in (*OWN, *OTHERS):
            yield path, world
            fresh = tuple(replace(c, digest="") if c.task == path.task else c for c in path.components)
            yield replace(path, id="", components=fresh), world


SCORES: tuple[Callable[[Any], None], ...] = (
    gives_a_number,
    leaves_nan_as_it_is,
    scores_by_what_it_is_given,
    prefers_the_better,
    does_not_look_at_the_test,
)
