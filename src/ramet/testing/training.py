"""Checks of a schedule, and of an augmentation."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ramet.base.errors import PartError
from ramet.base.records import Value
from ramet.method.document.hyperparameters import Hyperparameter, is_shared
from ramet.method.protocols import Augmentation, Schedule
from ramet.testing.examples import METHOD, TINY
from ramet.testing.steady import Broken, holds, steady
from ramet.training.generation import applied

TOTALS = (1, 2, 10, 1000)
BATCH = 6
SIZE = 16


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
    forward = [part.factor(step, 10, values, 1e-3) for step in range(10)]
    backward = [part.factor(step, 10, values, 1e-3) for step in reversed(range(10))][::-1]
    holds(forward == backward, "the factor of a step depends on the steps that were asked before")
    steady(lambda: [part.factor(step, 10, values, 1e-3) for step in range(10)], dict(values))


def brings_only_what_a_generation_shares(part: Augmentation) -> None:
    """Its hyperparameters are `data.*`: all children of a generation see the same images."""
    holds(all(is_shared(one.part) for one in part.hyperparameters), "a hyperparameter of it is not called data.*")
    holds(isinstance(getattr(part, "draws", None), int) and part.draws >= 0, "it has no `draws: ClassVar[int]`")


def makes_images(part: Augmentation) -> None:
    """Its answers are images of the same shape, from 0 to 1, whatever was drawn."""
    for values in _values(part):
        for u_BN in _draws(part):
            try:
                applied(part, _images(), u_BN, values)
            except PartError as error:
                raise Broken(str(error)) from error


def follows_from_the_draws(part: Augmentation) -> None:
    """The same images and draws give the same, and nothing that was given is changed."""
    for values in _values(part):
        for u_BN in _draws(part):
            x_BCHW = _images()
            steady(partial(part.apply, x_BCHW, u_BN, values), [x_BCHW, u_BN.tolist(), dict(values)])


def is_the_same_in_every_batch(part: Augmentation) -> None:
    """An image alone becomes what it becomes among others."""
    for values in _values(part):
        for u_BN in _draws(part):
            together = part.apply(_images(), u_BN, values)
            for i in range(BATCH):
                alone = part.apply(_images()[i : i + 1], u_BN[i : i + 1], values)
                holds(torch.allclose(together[i : i + 1], alone, atol=1e-5), "an image depends on its batch")


def _values(part: Any) -> Iterator[Mapping[str, Value]]:
    """Every value of every hyperparameter that the part may read, one at a time."""
    brought: tuple[type[Hyperparameter], ...] = part.hyperparameters
    space = {**METHOD.space(TINY), **{one.part: one.model_validate({}).choices(one.part, TINY) for one in brought}}
    defaults: dict[str, Value] = {name: choices.default for name, choices in space.items()}
    yield defaults
    for name in ("opt.warmup", "opt.lr", *(one.part for one in brought)):
        for value in space[name].values:
            yield {**defaults, name: value}


def _draws(part: Augmentation) -> list[npt.NDArray[np.float64]]:
    shape = (BATCH, part.draws)
    return [np.zeros(shape), np.full(shape, 1 - 2.0**-53), *(np.random.default_rng(i).random(shape) for i in range(3))]


def _images() -> torch.Tensor:
    return torch.rand((BATCH, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0))


SCHEDULES: tuple[Callable[[Any], None], ...] = (gives_rates, rates_follow_from_the_step)
AUGMENTATIONS: tuple[Callable[[Any], None], ...] = (
    brings_only_what_a_generation_shares,
    makes_images,
    follows_from_the_draws,
    is_the_same_in_every_batch,
)
