from random import Random

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.report.statistics import Estimate, compare, estimate, signed_rank

ACCURACIES = st.lists(st.integers(0, 1000).map(lambda count: count / 1000), min_size=2, max_size=12)


@settings(max_examples=30, deadline=None)
@given(ACCURACIES.filter(lambda values: len(set(values)) > 1))
def test_the_interval_is_that_of_students_t(values: list[float]) -> None:
    found = estimate(values)
    low, high = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), scipy.stats.sem(values))
    assert found.n == len(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.half is not None
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))


@settings(max_examples=20, deadline=None)
@given(ACCURACIES, st.randoms(use_true_random=False))
def test_the_order_of_values_does_not_matter_to_the_last_bit(values: list[float], random: Random) -> None:
    mixed = list(values)
    random.shuffle(mixed)
    assert estimate(mixed) == estimate(values)


def test_the_order_of_pairs_does_not_matter() -> None:
    pairs = [0.01, 0.02, -0.005, 0.0, 0.04, 0.02]
    assert compare(sorted(pairs), sorted(pairs)) == compare(pairs, pairs)


def test_one_value_has_no_interval() -> None:
    assert estimate([0.5]) == Estimate(0.5, None, 1)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (Estimate(0.02, 0.01, 9), "better"),
        (Estimate(-0.02, 0.01, 9), "worse"),
        (Estimate(0.02, 0.03, 9), "not told apart"),
        (Estimate(0.02, 0.02, 9), "not told apart"),
        (Estimate(0.0, 0.0, 9), "not told apart"),
        (Estimate(0.02, 0.0, 9), "better"),
        (Estimate(0.02, None, 1), "one pair only"),
    ],
)
def test_verdict(found: Estimate, verdict: str) -> None:
    assert found.verdict == verdict


@settings(max_examples=30, deadline=None)
@given(st.integers(-500, 500).map(lambda count: count / 1000), st.integers(2, 9))
def test_a_constant_shift_is_found_exactly(shift: float, pairs: int) -> None:
    found = compare([0.1 + shift - 0.1] * pairs, [])
    assert found.difference == Estimate(pytest.approx(shift), 0.0, pairs)
    assert (found.better, found.equal, found.worse) == tuple(pairs * (np.sign(shift) == sign) for sign in (1, 0, -1))
    assert found.verdict == ("not told apart" if shift == 0 else "better" if shift > 0 else "worse")


def test_pairs_are_counted_and_ranked() -> None:
    differences = [0.01, 0.02, -0.005, 0.0, 0.04, 0.3 - 0.1 - 0.2]
    found = compare(differences, [0.01, 0.02])
    assert (found.better, found.equal, found.worse) == (3, 2, 1)
    assert found.over_seeds == estimate([0.01, 0.02])
    assert found.p == scipy.stats.wilcoxon([0.01, 0.02, -0.005, 0.04]).pvalue == 0.25


def test_one_seed_has_no_interval_over_seeds() -> None:
    assert compare([0.1, 0.2], [0.15]).over_seeds is None


def test_nothing_but_equal_pairs_is_no_evidence() -> None:
    assert signed_rank([0.0, 0.0, 0.0]) == 1
