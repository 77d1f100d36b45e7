"""The suite: the checks of every part, then those of its kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from ramet.method.document.hyperparameters import Hyperparameter
from ramet.method.parts import KINDS, Part, plain
from ramet.testing import mutations, scores, selection, training, values
from ramet.testing.examples import untouched
from ramet.testing.steady import Broken, holds

__all__ = ["Broken", "Check", "check", "checks"]

_OF_KIND: Mapping[str, tuple[Callable[[Any], None], ...]] = {
    "parents": selection.PARENTS,
    "pruning": selection.PRUNING,
    "score": scores.SCORES,
    "mutation": mutations.MUTATIONS,
    "hyperparameter": values.HYPERPARAMETERS,
    "schedule": training.SCHEDULES,
    "augmentation": training.AUGMENTATIONS,
}


@dataclass(frozen=True)
class Check:
    """One thing that a part must keep."""

    part: Part
    what: Callable[[Any], None]

    def __call__(self) -> None:
        """Run it.

        Raises:
            Broken: the part does not keep it. What the part itself raises is let through.
        """
        with untouched():
            self.what(self.part)

    def __str__(self) -> str:
        return self.what.__name__


def checks(part: Part) -> list[Check]:
    """Everything that a part must keep."""
    holds(isinstance(part, Part) and part.kind in KINDS, f"{part!r} is no part that was registered")
    right = all(isinstance(one, type) and issubclass(one, Hyperparameter) for one in part.hyperparameters)
    holds(right, "its `hyperparameters` are not all classes of hyperparameters")
    brought = [declared.model_validate({}) for declared in part.hyperparameters]
    return [
        *(Check(part, what) for what in (*_EVERY, *_OF_KIND[part.kind])),
        *(one for hyperparameter in brought for one in checks(hyperparameter)),
    ]


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


_EVERY = (is_frozen, reads_back_from_yaml)
