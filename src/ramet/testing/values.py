"""Checks of a hyperparameter."""

from collections.abc import Callable
from typing import Any

from ramet.base.errors import RametError
from ramet.method.document.hyperparameters import DOMAINS, Domain, Hyperparameter, parse
from ramet.testing.examples import TINY
from ramet.testing.steady import Broken, holds


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
    try:
        parse(part.part, part.model_dump(mode="json"), type(part))
        parse(part.part, {}, type(part))
    except RametError as error:
        raise Broken(str(error)) from error


def steps_through_all_its_values(part: Hyperparameter) -> None:
    """From the first value every other is reached, up and down again: the list is in order and holds no value twice."""
    choices = part.choices(part.part, TINY)
    holds(list(choices.values) == sorted(choices.values), f"its values are not in order: {choices.values}")
    reached = [choices.values[0]]
    for _ in choices.values[1:]:
        reached.append(choices.step(reached[-1], up=True))
    holds(reached == list(choices.values), f"steps from the first value reach {reached}")


HYPERPARAMETERS: tuple[Callable[[Any], None], ...] = (
    says_what_it_can_be,
    has_values_of_its_domain,
    steps_through_all_its_values,
)
