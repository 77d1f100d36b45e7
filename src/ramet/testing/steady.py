"""What a check is, and how purity is checked: a part is asked twice, from different states of global generators."""

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from ramet.base.errors import RametError

T = TypeVar("T")


class Broken(AssertionError):
    """A part does not keep its contract."""


def holds(kept: bool, otherwise: str) -> None:
    """Say what is broken unless it holds."""
    if not kept:
        raise Broken(otherwise)


@dataclass(frozen=True)
class Check:
    """One thing that a part or an engine must keep; given makes what it is asked of."""

    what: Callable[[Any], None]
    given: Callable[[], AbstractContextManager[Any]]

    def __call__(self) -> None:
        """Run it.

        Raises:
            Broken: it is not kept. What the part or the engine itself raises is let through.
        """
        with self.given() as checked:
            self.what(checked)

    def __str__(self) -> str:
        return self.what.__name__


@contextmanager
def accepted() -> Iterator[None]:
    """Say that what ramet refuses inside the block breaks the contract."""
    try:
        yield
    except RametError as error:
        raise Broken(str(error)) from error


def steady(ask: Callable[[], T], given: Any) -> T:
    """A part's answer, which must be the same again, draw from no global generator, and leave what it was given alone.

    Args:
        ask: asks it, from the beginning.
        given: what it is told of.
    """
    before, answers = copy.deepcopy(given), []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        states = _states()
        answers.append(ask())
        holds(_states() == states, "it draws from a global generator: draw from the one that it is given")
        holds(_same(given, before), "it changes what it was given")
    holds(_same(*answers), f"it answers {_short(answers[0])} once and {_short(answers[1])} the next time")
    return answers[0]


def _states() -> tuple[object, ...]:
    return random.getstate(), *map(str, np.random.get_state(legacy=True)), torch.get_rng_state().numpy().tobytes()


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, float) and one != one:
        return bool(other != other)
    if isinstance(one, list | tuple) and not hasattr(one, "_fields"):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _short(answer: object) -> str:
    text = " ".join(repr(answer).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
