"""Who becomes a parent, who joins the active population, who stays in it (METHOD sections 2 and 3).

Paths are their ids here. A member of the population is (path id, score); members come in the order they joined.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan

import numpy as np

from ramet.method.schema import Method

Member = tuple[str, float]


def ranked(members: Sequence[Member]) -> list[Member]:
    """The members from the best score down; of equal scores the most recent first. A NaN score is no member."""
    alive = [m for m in reversed(members) if not isnan(m[1])]
    return sorted(alive, key=lambda member: member[1], reverse=True)


def best(members: Sequence[Member]) -> str | None:
    """The path of the highest score (ties: the most recent), or None while there is none."""
    order = ranked(members)
    return order[0][0] if order else None


def prune(members: Sequence[Member], max_population: int | None) -> list[Member]:
    """The members that stay, the best max_population of them (None: all), in the order they joined."""
    kept = set(ranked(members)[:max_population])
    return [member for member in members if member in kept]


def joins(child_score: float, parent_score: float | None) -> bool:
    """Whether a trained child joins the active population.

    Args:
        child_score: the score of its best checkpoint; a NaN never joins.
        parent_score: its parent's score where the parent is of the same task, else None, which any score reaches.
    """
    return not isnan(child_score) and (parent_score is None or child_score >= parent_score)


def rotation(others: Sequence[str], taken: Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    """The order in which µ2Net visits the other tasks' paths: shuffled once, then rotated past the one it took last.

    Args:
        others: the best paths of the other tasks.
        taken: the parents drawn so far, oldest first.
        rng: keyed by the cycle, so that every call of a cycle shuffles alike.
    """
    order = [others[i] for i in rng.permutation(len(others))]
    last = next((path for path in reversed(taken) if path in order), None)
    start = order.index(last) + 1 if last is not None else 0
    return (*order[start:], *order[:start])


def sample_parent(
    method: Method,
    population: Sequence[Member],
    others: Sequence[str],
    roots: Sequence[str],
    children: Mapping[str, int],
    rng: np.random.Generator,
) -> str:
    """Draw the parent of one child (METHOD section 3).

    Args:
        method: `parents` says how: `mu2net-plus`, `mu2net`, or `root` alone.
        population: the task's active population, best first (`ranked`).
        others: the best paths of the other tasks; for `mu2net` in the order of `rotation`.
        roots: the root paths; there is at least one.
        children: how many children a path already had for this task.
        rng: the draw's own generator.
    """
    own = [path for path, _ in population]
    if method.parents == "root":
        return _uniform(roots, rng)
    visited = (*own, *others) if method.parents == "mu2net" else own
    taken = _visit(visited, children, rng)
    return taken if taken is not None else _uniform((*own, *others, *roots), rng)


def _visit(paths: Iterable[str], children: Mapping[str, int], rng: np.random.Generator) -> str | None:
    return next((path for path in paths if rng.random() < 0.5 ** children.get(path, 0)), None)


def _uniform(paths: Sequence[str], rng: np.random.Generator) -> str:
    return paths[int(rng.integers(len(paths)))]
