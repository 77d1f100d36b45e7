"""The learning rate of a training step, a linear warm-up, then half a cosine down to zero (METHOD section 5); AdamW."""

from collections.abc import Mapping
from math import cos, isfinite, pi
from typing import ClassVar

from ramet.base.records import Value
from ramet.method.document.hyperparameters import Domain, Hyperparameter
from ramet.method.parts import Part, refuse, register, working
from ramet.method.protocols import Schedule


@register("hyperparameter", "opt.adamw")
class AdamW(Hyperparameter):
    """Whether AdamW steps (arXiv 1711.05101), its first moments by `opt.momentum`, in the place of SGD."""

    domain: ClassVar[Domain | None] = Domain(bool)

    default: Value = True
    values: tuple[Value, ...] | str = (False, True)


@register("hyperparameter", "opt.weight_decay")
class WeightDecay(Hyperparameter):
    """The part of a matrix that AdamW takes off in a step, in units of the learning rate."""

    domain: ClassVar[Domain | None] = Domain(float, 0.0, 1.0)

    default: Value = 0.05
    values: tuple[Value, ...] | str = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)


@register("schedule", "cosine")
class Cosine(Part):
    """A linear warm-up over the first `opt.warmup` of all steps, then half a cosine down to zero."""

    def factor(self, step: int, total: int, hyperparameters: Mapping[str, Value], start: float) -> float:
        """Return the rate of a step in units of the highest, which ends the warm-up; from total on it is 0."""
        rising = round(float(hyperparameters["opt.warmup"]) * total)
        if step >= total:
            return 0.0
        if step < rising:
            return start + (1 - start) * step / rising
        return 0.5 * (1 + cos(pi * (step - rising) / (total - rising)))


def rate(part: Schedule, step: int, total: int, hyperparameters: Mapping[str, Value], start: float) -> float:
    """Return the learning rate of a step by a part.

    Raises:
        PartError: the part fails, or gives a factor below 0 or none at all.
    """
    with working(part):
        factor = part.factor(step, total, hyperparameters, start)
    if not isinstance(factor, int | float) or not isfinite(factor) or factor < 0:
        refuse(part, factor, "a finite number of at least 0")
    return float(hyperparameters["opt.lr"]) * factor
