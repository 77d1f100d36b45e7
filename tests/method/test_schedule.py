from itertools import pairwise

import pytest
import torch

from ramet.method.schedule import Cosine


def learning_rate(step: int, total: int, lr: float, warmup: float, start: float = 1e-3) -> float:
    return lr * Cosine().factor(step, total, {"opt.warmup": warmup}, start)


@pytest.mark.parametrize(("total", "warmup"), [(100, 0.1), (40, 0.3), (7, 0.5), (50, 0.02)])
def test_learning_rate_is_torchs_linear_warm_up_and_cosine(total: int, warmup: float) -> None:
    rising = round(warmup * total)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    warm = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=1e-3, total_iters=rising)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=total - rising)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimiser, [warm, cosine], milestones=[rising])
    for step in range(total):
        assert learning_rate(step, total, 0.2, warmup) == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
        optimiser.step()
        schedule.step()


def test_it_starts_at_a_thousandth_peaks_at_lr_and_ends_at_zero() -> None:
    rates = [learning_rate(step, 1000, 0.5, 0.1) for step in range(1001)]
    assert rates[0] == pytest.approx(0.0005)
    assert max(rates) == rates[100] == 0.5
    assert rates[1000] == 0.0
    assert all(a < b for a, b in pairwise(rates[:101]))
    assert all(a > b for a, b in pairwise(rates[100:]))


@pytest.mark.parametrize(
    ("step", "total", "warmup", "expected"),
    [(0, 10, 0.0, 1.0), (0, 1, 0.3, 1.0), (5, 5, 0.1, 0.0), (9, 5, 0.1, 0.0), (0, 0, 0.1, 0.0), (9, 10, 1.0, 0.9001)],
)
def test_edges(step: int, total: int, warmup: float, expected: float) -> None:
    assert learning_rate(step, total, 1.0, warmup) == pytest.approx(expected)


def test_the_start_is_the_methods() -> None:
    assert learning_rate(0, 100, 1.0, 0.1, start=0.25) == 0.25
