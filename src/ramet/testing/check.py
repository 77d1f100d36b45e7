"""The suite: the checks of every part, then those of its kind."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml
from pydantic import ValidationError

from ramet.base.records import Value
from ramet.method.document.hyperparameters import DOMAINS, Domain, Hyperparameter, is_shared, parse
from ramet.method.parts import KINDS, Part, plain
from ramet.method.protocols import Augmentation, Schedule
from ramet.testing import decisions
from ramet.testing.examples import METHOD, TINY, untouched
from ramet.testing.steady import Broken, Check, accepted, holds, steady
from ramet.training.generation import applied

TOTALS = (1, 2, 10, 1000)
BATCH = 6
SIZE = 16


def checks(part: Part) -> list[Check]:
    """Return everything that a part must keep."""
    holds(isinstance(part, Part) and part.kind in KINDS, f"{part!r} is no part that was registered")
    right = all(isinstance(one, type) and issubclass(one, Hyperparameter) for one in part.hyperparameters)
    holds(right, "its `hyperparameters` are not all classes of hyperparameters")
    brought = [declared.model_validate({}) for declared in part.hyperparameters]
    own = [Check(what, partial(untouched, part)) for what in (is_frozen, reads_back_from_yaml, *_OF_KIND[part.kind])]
    return [*own, *(one for hyperparameter in brought for one in checks(hyperparameter))]


def check(part: Part) -> None:
    """Run all checks of a part.

    Raises:
        Broken: it does not keep one of them.
    """
    for one in checks(part):
        one()


def is_frozen(part: Part) -> None:
    """Settings are not changed, and unknown ones are refused."""
    holds(part.model_config.get("frozen") is True, "its settings can be changed: keep Part's model_config")
    try:
        type(part).model_validate({**part.model_dump(), "no such setting": 1})
    except ValidationError:
        return
    raise Broken("it takes a setting that it does not have: keep Part's model_config")


def reads_back_from_yaml(part: Part) -> None:
    """A method's text is all of it: what is written reads back to an equal part."""
    try:
        text = yaml.safe_dump(plain(part))
    except yaml.YAMLError as error:
        raise Broken(f"its settings cannot be written as YAML: {error}") from error
    read = yaml.safe_load(text)
    settings = {key: value for key, value in read.items() if key != "part"} if isinstance(read, dict) else {}
    holds(type(part).model_validate(settings) == part, f"it is not what its text reads back to: {text.strip()}")


def says_what_it_can_be(part: Hyperparameter) -> None:
    """It has a domain, a name that ramet's own have not, and it is whole without settings."""
    holds(isinstance(type(part).domain, Domain), "it has no `domain: ClassVar[Domain | None]`")
    holds(part.part not in DOMAINS, f"ramet has a hyperparameter {part.part!r}: choose another name")
    try:
        type(part).model_validate({})
    except ValueError as error:
        raise Broken(f"it has no default or no values of its own: {error}") from error


def has_values_of_its_domain(part: Hyperparameter) -> None:
    """Its values are in its domain, each once, and its default is one of them."""
    with accepted():
        parse(part.part, part.model_dump(mode="json"), type(part))
        parse(part.part, {}, type(part))


def steps_through_all_its_values(part: Hyperparameter) -> None:
    """From the first value every other is reached, up and down again: the list is in order and holds no value twice."""
    choices = part.choices(part.part, TINY)
    holds(list(choices.values) == sorted(choices.values), f"its values are not in order: {choices.values}")
    reached = [choices.values[0]]
    for _ in choices.values[1:]:
        reached.append(choices.step(reached[-1], up=True))
    holds(reached == list(choices.values), f"steps from the first value reach {reached}")


def gives_rates(part: Schedule) -> None:
    """Every step of every training has a finite factor from 0 to 1, and some step has one above 0."""
    for total in TOTALS:
        for values in _values(part):
            found = [part.factor(step, total, values, 1e-3) for step in range(total)]
            right = all(isinstance(f, int | float) and isfinite(f) and 0 <= f <= 1 + 1e-9 for f in found)
            holds(right, f"a factor of {total} steps is not a number from 0 to 1: {found[:5]}")
            holds(max(found) > 0, f"a training of {total} steps learns nothing: all factors are 0")


def rates_follow_from_the_step(part: Schedule) -> None:
    """A factor depends on the step and not on what was asked before: children take turns."""
    values = next(_values(part))

    def factors(steps: range) -> list[float]:
        return [part.factor(step, 10, values, 1e-3) for step in steps]

    same = factors(range(10)) == factors(range(9, -1, -1))[::-1]
    holds(same, "the factor of a step depends on the steps that were asked before")
    steady(lambda: factors(range(10)), dict(values))


def brings_only_what_a_generation_shares(part: Augmentation) -> None:
    """Its hyperparameters are `data.*`: all children of a generation see the same images."""
    holds(all(is_shared(one.part) for one in part.hyperparameters), "a hyperparameter of it is not called data.*")
    holds(isinstance(getattr(part, "draws", None), int) and part.draws >= 0, "it has no `draws: ClassVar[int]`")


def makes_images(part: Augmentation) -> None:
    """Its answers are images of the same shape, from 0 to 1, whatever was drawn."""
    for values, u_BN in _drawn(part):
        with accepted():
            applied(part, _images(), u_BN, values)


def follows_from_the_draws(part: Augmentation) -> None:
    """The same images and draws give the same, and nothing that was given is changed."""
    for values, u_BN in _drawn(part):
        x_BCHW = _images()
        steady(partial(part.apply, x_BCHW, u_BN, values), [x_BCHW, u_BN.tolist(), dict(values)])


def is_the_same_in_every_batch(part: Augmentation) -> None:
    """An image alone becomes what it becomes among others."""
    for values, u_BN in _drawn(part):
        together = part.apply(_images(), u_BN, values)
        for i in range(BATCH):
            alone = part.apply(_images()[i : i + 1], u_BN[i : i + 1], values)
            holds(torch.allclose(together[i : i + 1], alone, atol=1e-5), "an image depends on its batch")


_OF_KIND: Mapping[str, tuple[Callable[[Any], None], ...]] = {
    "parents": (
        decisions.chooses_one_that_is_there,
        decisions.chooses_by_its_generator_alone,
        decisions.chooses_not_always_the_same,
    ),
    "pruning": (
        decisions.keeps_some_in_their_order,
        decisions.prunes_by_what_it_is_given,
        decisions.keeps_the_best,
        decisions.prunes_once,
    ),
    "score": (
        decisions.gives_a_number,
        decisions.leaves_nan_as_it_is,
        decisions.scores_by_what_it_is_given,
        decisions.prefers_the_better,
        decisions.does_not_look_at_the_test,
    ),
    "mutation": (
        decisions.plans_what_can_be_trained,
        decisions.plans_by_its_generator_alone,
        decisions.acts_as_often_as_it_should,
    ),
    "hyperparameter": (says_what_it_can_be, has_values_of_its_domain, steps_through_all_its_values),
    "schedule": (gives_rates, rates_follow_from_the_step),
    "augmentation": (
        brings_only_what_a_generation_shares,
        makes_images,
        follows_from_the_draws,
        is_the_same_in_every_batch,
    ),
}


def _values(part: Any) -> Iterator[Mapping[str, Value]]:
    """Yield every value of every hyperparameter that the part may read, one at a time."""
    brought: tuple[type[Hyperparameter], ...] = part.hyperparameters
    space = {**METHOD.space(TINY), **{one.part: one.model_validate({}).choices(one.part, TINY) for one in brought}}
    defaults: dict[str, Value] = {name: choices.default for name, choices in space.items()}
    yield defaults
    for name in ("opt.warmup", "opt.lr", *(one.part for one in brought)):
        for value in space[name].values:
            yield {**defaults, name: value}


def _drawn(part: Augmentation) -> Iterator[tuple[Mapping[str, Value], npt.NDArray[np.float64]]]:
    """Yield the hyperparameters' values with every kind of draws: the least, the most, and random ones."""
    shape = (BATCH, part.draws)
    for values in _values(part):
        for least_or_most in (0.0, 1 - 2.0**-53):
            yield values, np.full(shape, least_or_most)
        for seed in range(3):
            yield values, np.random.default_rng(seed).random(shape)


def _images() -> torch.Tensor:
    return torch.rand((BATCH, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0))
