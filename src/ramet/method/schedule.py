"""The learning rate of a training step: a linear warm-up, then half a cosine down to zero (METHOD section 5)."""

from collections.abc import Mapping
from math import cos, isfinite, pi

from ramet.base.records import Value
from ramet.method.parts import Part, refuse, register, working
from ramet.method.protocols import Schedule


@register("schedule", "cosine")
class Cosine(Part):
    """A linear warm-up over the first `opt.warmup` of all steps, then half a cosine down to zero."""

    def factor(self, step: int, total: int, hyperparameters: Mapping[str, Value], start: float) -> float:
        """Return the rate of a step in units of the highest."""
        return learning_rate(step, total, 1.0, float(hyperparameters["opt.warmup"]), start)


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


def learning_rate(step: int, total: int, lr: float, warmup: float, start_factor: float = 1e-3) -> float:
    """Return the rate of a step.

    Args:
        step: the step, counted from 0; from total on the rate is 0.
        total: the number of steps of the whole training.
        lr: the highest rate, reached at the end of the warm-up.
        warmup: the part of total that warms up, 0 to 1; 0 starts at lr.
        start_factor: the first rate of a warm-up, in units of lr.
    """
    rising = round(warmup * total)
    if step >= total:
        return 0.0
    if step < rising:
        return lr * (start_factor + (1 - start_factor) * step / rising)
    return lr * 0.5 * (1 + cos(pi * (step - rising) / (total - rising)))
