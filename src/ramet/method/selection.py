"""Who becomes a parent, who joins the active population, who stays in it (METHOD sections 2 and 3)."""

from collections.abc import Iterable, Sequence
from math import isnan
from typing import TYPE_CHECKING

from ramet.base.records import Path
from ramet.method.parts import Part, refuse, register, working
from ramet.method.protocols import Candidates, Member, ParentSelection, Pruning

if TYPE_CHECKING:
    import numpy as np


def ranked(members: Sequence[Member]) -> list[Member]:
    """Return the members from the best score down; of equal scores the most recent first. A NaN score is no member."""
    alive = [m for m in reversed(members) if not isnan(m.score)]
    return sorted(alive, key=lambda member: member.score, reverse=True)


def joins(child_score: float, parent_score: float | None) -> bool:
    """Return True where a trained child joins the active population: a NaN never does.

    parent_score is that of a parent of the same task, None of any other, which any score reaches.
    """
    return not isnan(child_score) and (parent_score is None or child_score >= parent_score)


def sample_parent(part: ParentSelection, among: Candidates) -> Path:
    """Return the parent of one child, drawn by a part.

    Raises:
        PartError: the part fails, or answers with none of them.
    """
    with working(part):
        chosen = part.choose(among)
    found = next((path for path in among.paths if path.id == chosen), None)
    return found if found is not None else refuse(part, chosen, "the id of one of the paths that it was given")


def pruned(part: Pruning, members: Sequence[Member], most: int | None) -> list[Member]:
    """Return the members that a part keeps.

    Raises:
        PartError: the part fails, or answers with others, with too many, or in another order.
    """
    with working(part):
        kept = list(part.prune(tuple(members), most))
    given = iter(members)
    in_order = all(any(member is one for one in given) for member in kept)
    if not in_order or len(kept) > (len(members) if most is None else most):
        refuse(part, kept, f"some of the members, in their order{'' if most is None else f', at most {most}'}")
    return kept


@register("parents", "mu2net-plus")
class Mu2NetPlus(Part):
    """The population is visited best first, each path taken with 0.5 ** its children; then any path that lives."""

    def choose(self, among: Candidates) -> str:
        """Draw the parent (METHOD section 3)."""
        return visited((), among)


@register("parents", "mu2net")
class Mu2Net(Part):
    """As mu2net-plus, but after the population the other tasks' best paths are visited too, in turn."""

    def choose(self, among: Candidates) -> str:
        """Draw the parent (METHOD section 3)."""
        return visited(rotation([path.id for path in among.others], among.taken, among.cycle_rng()), among)


@register("parents", "root")
class Root(Part):
    """Any root, evenly: what the baselines start from."""

    def choose(self, among: Candidates) -> str:
        """Draw the parent."""
        return _uniform(among.roots, among.rng)


@register("parents", "closest")
class Closest(Part):
    """The path whose features fit the task best: a root, another task's or its own; of equal ones the first root.

    Each is asked how well a head in closed form does on it (see Images.fit). Where nothing is known, it is the best
    path of the task, or else the first root.
    """

    def choose(self, among: Candidates) -> str:
        """Return the best fitting path."""
        population = [member.path for member in among.population]
        candidates = [*population[:1], *among.roots, *among.others]
        fits = {path.id: among.images.fit(among.task, path) for path in candidates}
        return max(candidates, key=lambda path: -1.0 if (fit := fits[path.id]) is None else fit).id


@register("pruning", "best")
class Best(Part):
    """Those of the best scores stay."""

    def prune(self, members: Sequence[Member], most: int | None) -> Sequence[Member]:
        """Return the best `most` of them."""
        kept = {(member.path.id, member.score) for member in ranked(members)[:most]}
        return [member for member in members if (member.path.id, member.score) in kept]


def rotation(others: Sequence[str], taken: Sequence[str], rng: "np.random.Generator") -> tuple[str, ...]:
    """Return the order in which µ2Net visits the other tasks' paths: shuffled once, rotated past the last one taken.

    taken are the parents drawn so far, oldest first; rng is keyed by the cycle, so that all its calls shuffle alike.
    """
    order = [others[i] for i in rng.permutation(len(others))]
    last = next((path for path in reversed(taken) if path in order), None)
    start = order.index(last) + 1 if last is not None else 0
    return (*order[start:], *order[:start])


def visited(others: Iterable[str], among: Candidates) -> str:
    """Return the first path that is taken of a visit: to the population, best first, then to these others.

    Each is taken with 0.5 ** its children for the task. Where none is, all live paths are drawn from evenly.
    """
    for path in (*(member.path.id for member in among.population), *others):
        if among.rng.random() < 0.5 ** among.children.get(path, 0):
            return path
    return _uniform(among.paths, among.rng)


def _uniform(paths: Sequence[Path], rng: "np.random.Generator") -> str:
    return paths[int(rng.integers(len(paths)))].id
