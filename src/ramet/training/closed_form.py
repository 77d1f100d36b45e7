"""A head in closed form: ridge regression from features to classes, its penalty and its scale by leaving one out.

It costs one forward pass and a solved system of equations, and spares a training its first part, in which the head is
all that learns (arXiv 2202.10054, 2307.02251). The scale makes its logits as sure of themselves as they have reason to
be on examples that were left out, so that features still get gradients.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

PENALTIES = tuple(10.0**e for e in range(-5, 3))
"""Of ridge regression, in units of the features' mean variance."""

SCALES = tuple(2.0 ** (e / 2) for e in range(-2, 13))


@dataclass(frozen=True)
class ClosedForm:
    """A linear head: weight (K, D) and bias (K,) in float32.

    penalty is the one that was chosen, in units of the features' mean variance; scores (N, K) are the logits of every
    example by the head of all others, in float64.
    """

    weight: Tensor
    bias: Tensor
    penalty: float
    scores: Tensor


def closed_form(features_ND: Tensor, labels: Tensor, classes: int) -> ClosedForm:
    """Return the head whose logits are the scaled ridge regression of one-hot labels on features.

    Of PENALTIES the one counts whose mean squared error on examples that were left out is least; the scale is the one
    of SCALES whose cross-entropy on them is. Leaving out each example in turn needs no second fit: its error is that
    of the whole fit divided by 1 less its leverage.

    Args:
        features_ND: what a head reads, one row an example; there are at least two.
        labels: int64 (N,), from 0 to classes - 1; a class without examples gets the lowest scores.
        classes: K.
    """
    x, mean = features_ND.double(), features_ND.double().mean(0)
    n = len(x)
    targets = F.one_hot(labels, classes).to(x)
    share = targets.mean(0)
    values, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / n)
    z, unit = (x - mean) @ vectors, values.clamp_min(0).mean().clamp_min(1e-12)
    products = z.T @ (targets - share) / n
    found: tuple[float, float, Tensor, Tensor] | None = None
    for penalty in PENALTIES:
        shrunk = values.clamp_min(0) + penalty * unit
        solved = products / shrunk[:, None]
        leverage = (z.square() / shrunk).sum(1) / n + 1 / n
        errors = (z @ solved + share - targets) / (1 - leverage).clamp_min(1e-6)[:, None]
        error = float(errors.square().mean())
        if found is None or error < found[0]:
            found = error, penalty, solved, errors + targets
    assert found is not None
    _, penalty, solved, scores = found
    scale = min(SCALES, key=lambda s: float(F.cross_entropy(s * scores, labels)))
    weight = scale * (vectors @ solved).T
    return ClosedForm(weight.float().contiguous(), (scale * share - weight @ mean).float(), penalty, scale * scores)
