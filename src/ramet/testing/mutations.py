"""Checks of a mutation step: alone, and among ramet's own."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from ramet.base.records import Path
from ramet.method.document.schema import STEPS, Method, assembled
from ramet.method.mutation import Draft, plan_child, plan_data
from ramet.method.plan import ChildPlan
from ramet.method.protocols import MutationStep
from ramet.testing.examples import CLASSES, METHOD, OTHERS, OWN, ROOTS, TASK, TINY, lineage, names_of
from ramet.testing.steady import Broken, holds, steady
from ramet.vit import spec

PARENTS = (*ROOTS, *OWN, *OTHERS)
SEEDS = 3
DRAWS = 200
MU = 0.1


def plans_what_can_be_trained(part: MutationStep) -> None:
    """Every child has the components of its layers in order, in sizes that fit, and something to train."""
    for of in _methods(part):
        for parent in PARENTS:
            for seed in range(SEEDS):
                _check_plan(of, _plan(of, parent, seed))


def plans_by_its_generator_alone(part: MutationStep) -> None:
    """The same parent and generator give the same plan; nothing else is drawn from, and the parent is not touched."""
    for of in _methods(part):
        for parent in PARENTS:
            for seed in range(SEEDS):
                # a copy: a step that changes its parent spoils it for nobody else
                own = copy.deepcopy(parent)
                steady(partial(_plan_content, of, own, seed), own)


def acts_as_often_as_it_should(part: MutationStep) -> None:
    """An action is decided once a child, so that it happens no more often than by its probability."""
    for of in _methods(part):
        still = of.model_copy(update={"mutation": of.mutation.model_copy(update={"learned": False})})
        for parent in (ROOTS[0], OWN[0]):
            acted = Counter(action for seed in range(DRAWS) for action in _plan(still, parent, seed, MU).mutations)
            most = DRAWS * MU + 5 * sqrt(DRAWS * MU * (1 - MU))
            for action, count in acted.items():
                holds(count <= most, f"{action!r} happens in {count} of {DRAWS} children, and its probability is {MU}")


def _methods(part: Any) -> Iterator[Method]:
    """A method of this step alone, and one of it before ramet's own clones, or in the place of the step it is."""
    document = METHOD.model_dump(mode="json")
    *before, last = [part if name == part.part else name for name in STEPS]
    for steps in ([part], [*before, *([part] if part.part not in STEPS else []), last]):
        built = assembled({**document, "mutation": {**document["mutation"], "steps": steps}})
        mutation = METHOD.mutation.model_copy(update={"steps": built["mutation"]["steps"]})
        yield METHOD.model_copy(update={"mutation": mutation, "hyperparameters": built["hyperparameters"]})


def _plan(of: Method, parent: Path, seed: int, mu: float | None = None) -> ChildPlan:
    rng = np.random.default_rng(seed)
    if mu is not None:
        fixed = of.hyperparameters["mu"].model_copy(update={"default": mu, "values": (mu,)})
        of = of.model_copy(update={"hyperparameters": {**of.hyperparameters, "mu": fixed}})
    data = plan_data(of, OWN[0], TINY, rng)
    line = [parent, *lineage(parent)[1:]]
    return plan_child(Draft(of, parent, task=TASK, classes=CLASSES, agent="agent", data=data, ancestors=line, rng=rng))


def _plan_content(of: Method, parent: Path, seed: int) -> tuple[object, ...]:
    plan = _plan(of, parent, seed)
    return plan.parts, dict(plan.hyperparameters), dict(plan.mu), plan.mutations


def _check_plan(of: Method, plan: ChildPlan) -> None:
    names, space = names_of(plan), of.space(TINY)
    holds(tuple(names) == spec.component_names(int(plan.hyperparameters["layers"]), names), f"components are {names}")
    holds(any(part.trainable for part in plan.parts), "nothing is trainable")
    for name, value in plan.hyperparameters.items():
        holds(name not in space or value in space[name].values, f"{name} is {value!r}, which is none of its values")
    for action, probability in plan.mu.items():
        holds(0 <= probability <= 1, f"the probability of {action!r} is {probability}")
    for part in plan.parts:
        size = spec.size(TINY, part.name, plan.dimensions)
        fits = part.origin is None or part.origin.size == size or part.name == "pos_embed"
        holds(fits, f"{part.name} is taken from one of another size")
        if part.origin is None or part.origin.size != size:
            holds(part.trainable, f"{part.name} is new or resampled, and not trainable")
    if len(set(plan.mutations)) < len(plan.mutations):
        raise Broken(f"an action is noted twice: {', '.join(plan.mutations)}")


MUTATIONS: tuple[Callable[[Any], None], ...] = (
    plans_what_can_be_trained,
    plans_by_its_generator_alone,
    acts_as_often_as_it_should,
)
