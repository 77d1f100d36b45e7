"""The learning rate of a training step: a linear warm-up, then half a cosine down to zero (METHOD section 5)."""

from math import cos, pi


def learning_rate(step: int, total: int, lr: float, warmup: float, start_factor: float = 1e-3) -> float:
    """The rate of a step.

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
