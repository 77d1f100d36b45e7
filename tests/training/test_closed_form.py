"""The head in closed form, against scikit-learn and against fits that really leave one out."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from ramet.training.closed_form import PENALTIES, closed_form


def made(seed: int, n: int = 60, d: int = 7, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    features = torch.randn(n, d, generator=rng) * torch.rand(d, generator=rng) * 5 + torch.randn(d, generator=rng)
    features[:, 0] += labels
    return features, labels


def ridge(features: torch.Tensor, labels: torch.Tensor, penalty: float, classes: int = 4) -> Ridge:
    """Return scikit-learn's, whose penalty is in units of the sum of squares."""
    unit = float(features.double().var(0, unbiased=False).mean())
    return Ridge(alpha=penalty * unit * len(features)).fit(features.double(), F.one_hot(labels, classes).double())


@pytest.mark.parametrize("seed", range(3))
def test_it_is_ridge_regression_up_to_its_scale(seed: int) -> None:
    features, labels = made(seed)
    head = closed_form(features, labels, 4)
    logits = features @ head.weight.T + head.bias
    expected = ridge(features, labels, head.penalty).predict(features.double())
    scale = float(head.weight.norm()) / float(np.linalg.norm(ridge(features, labels, head.penalty).coef_))
    assert np.allclose(logits.numpy(), scale * expected, atol=1e-4 * scale)


def test_scores_are_those_of_fits_without_the_example() -> None:
    features, labels = made(5, n=24)
    head = closed_form(features, labels, 4)
    scale = float(head.weight.norm()) / float(np.linalg.norm(ridge(features, labels, head.penalty).coef_))
    unit = float(features.double().var(0, unbiased=False).mean())
    for i in range(24):
        rest = [j for j in range(24) if j != i]
        x, y = features[rest].double(), F.one_hot(labels[rest], 4).double()
        # the penalty is of the whole fit's units: one example less, the same alpha
        without = Ridge(alpha=head.penalty * unit * 24).fit(x, y).predict(features[[i]].double())
        assert np.allclose(head.scores[i].numpy(), scale * without, atol=1e-6 * scale)


def test_the_penalty_is_the_one_of_least_left_out_error() -> None:
    rng = torch.Generator().manual_seed(1)
    labels = torch.arange(40) % 4
    noise = torch.randn(40, 30, generator=rng)
    assert closed_form(noise, labels, 4).penalty == max(PENALTIES)
    clear = F.one_hot(labels, 4).float() + 0.001 * torch.randn(40, 4, generator=rng)
    assert closed_form(clear, labels, 4).penalty < 1e-2


def test_its_logits_are_as_sure_as_they_are_right() -> None:
    rng = torch.Generator().manual_seed(2)
    labels = torch.randint(4, (400,), generator=rng)
    for noise, least, most in ((0.05, 0.95, 1.0), (2.0, 0.25, 0.6)):
        features = F.one_hot(labels, 4).float() + noise * torch.randn(400, 4, generator=rng)
        sure = closed_form(features, labels, 4).scores.softmax(1).max(1).values.mean()
        assert least < float(sure) <= most


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(1, 50), st.integers(2, 6), st.integers(0, 10_000))
def test_it_is_finite_whatever_it_is_given(n: int, d: int, classes: int, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    features = torch.randn(n, d, generator=rng) * 10.0 ** float(torch.randint(-3, 4, (1,), generator=rng))
    features[:, : d // 2] = 1.0  # what says nothing
    labels = torch.randint(classes, (n,), generator=rng)
    head = closed_form(features, labels, classes)
    assert head.weight.shape == (classes, d)
    assert all(bool(t.isfinite().all()) for t in (head.weight, head.bias, head.scores))
