from random import Random

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.study.statistics import Estimate, bootstrap, by_seed, estimate, paired, signed_rank

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


def test_one_value_has_no_interval() -> None:
    assert estimate([0.5]) == Estimate(0.5, None, 1)


def test_one_value_is_its_own_interval() -> None:
    assert (Estimate(0.5, None, 1).low, Estimate(0.5, None, 1).high) == (0.5, 0.5)


@settings(max_examples=30, deadline=None)
@given(st.integers(-500, 500).map(lambda count: count / 1000), st.integers(2, 9), st.integers(1, 4))
def test_a_constant_shift_is_found_exactly(shift: float, seeds: int, tasks: int) -> None:
    found = paired({seed: [0.1 + shift - 0.1] * tasks for seed in range(seeds)})
    assert (found.mean, found.over_seeds) == (pytest.approx(shift), Estimate(pytest.approx(shift), 0.0, seeds))
    assert (found.better, found.equal, found.worse) == tuple(found.n * (np.sign(shift) == sign) for sign in (1, 0, -1))
    told = "better" if shift > 0 else "worse"
    assert found.verdict == ("not told apart" if shift == 0 or found.n < 6 else told)


def test_pairs_are_counted_and_ranked() -> None:
    found = paired(by_seed([(0, 0.01), (0, 0.02), (1, -0.005), (0, 0.0), (1, 0.04), (1, 0.3 - 0.1 - 0.2)]))
    assert (found.better, found.equal, found.worse) == (3, 2, 1)
    assert found.over_seeds is not None
    assert found.over_seeds.mean == pytest.approx((0.01 + 0.035 / 3) / 2)
    assert found.p == scipy.stats.wilcoxon([0.01, 0.02, -0.005, 0.04]).pvalue == 0.25


def test_nothing_but_equal_pairs_is_no_evidence() -> None:
    assert signed_rank([0.0, 0.0, 0.0]) == 1


@pytest.mark.parametrize("size", [8, 20])
def test_the_bootstrap_covers_the_mean_as_often_as_it_says(size: int) -> None:
    """Of 600 normal samples, give or take three times what chance does to such a count."""
    rng = np.random.default_rng(1)
    found = [bootstrap(rng.normal(0.5, 1, size), resamples=2000) for _ in range(600)]
    assert 0.92 <= np.mean([low <= 0.5 <= high for low, high in found]) <= 0.98


def test_what_differs_in_nothing_is_seldom_told_apart() -> None:
    rng = np.random.default_rng(7)
    verdicts = [paired(drawn(rng, 0, tasks=2, seeds=4)).verdict for _ in range(150)]
    assert np.mean([verdict != "not told apart" for verdict in verdicts]) <= 0.07


def test_nor_where_the_pairs_of_a_seed_are_alike() -> None:
    """Taken for independent, as many pairs are told apart once in four times, though nothing differs."""
    rng = np.random.default_rng(7)
    found = [paired(drawn(rng, 0, tasks=6, seeds=4, alike=1)) for _ in range(150)]
    by_pairs = [(one.low or 0) > 0 or (one.high or 0) < 0 for one in found]
    assert np.mean(by_pairs) >= 0.2
    assert np.mean([one.verdict != "not told apart" for one in found]) <= 0.07


def drawn(rng: np.random.Generator, mean: float, *, tasks: int, seeds: int, alike: float = 0) -> dict[int, list[float]]:
    """Normal differences by seed; what those of a seed have in common spreads by `alike`."""
    return {seed: list(rng.normal(mean, 1, tasks) + rng.normal(0, alike)) for seed in range(seeds)}


def test_a_difference_that_is_visible_is_seen_about_three_times_in_four() -> None:
    sample = scipy.stats.zscore(np.arange(12.0), ddof=1)
    visible = paired({seed: [value] for seed, value in enumerate(sample)}).visible
    assert visible is not None
    rng = np.random.default_rng(1)
    verdicts = [paired(drawn(rng, visible, tasks=1, seeds=12)).verdict for _ in range(150)]
    assert 0.65 <= np.mean([verdict == "better" for verdict in verdicts]) <= 0.85


DIFFERENCES = st.lists(st.integers(-300, 300).map(lambda count: count / 1000), min_size=1, max_size=12)


@settings(max_examples=15, deadline=None)
@given(DIFFERENCES, st.randoms(use_true_random=False))
def test_pairs_say_the_same_in_any_order_and_the_opposite_turned_round(values: list[float], random: Random) -> None:
    seeds = {seed: values[seed::3] for seed in range(3) if values[seed::3]}
    mixed = {seed: random.sample(seeds[seed], len(seeds[seed])) for seed in random.sample(list(seeds), len(seeds))}
    found, turned = paired(seeds), paired({seed: [-value for value in some] for seed, some in seeds.items()})
    assert paired(mixed) == found
    assert (turned.better, turned.worse, turned.n) == (found.worse, found.better, len(values))
    assert turned.mean == pytest.approx(-found.mean)
    assert turned.p == pytest.approx(found.p)
    if found.low is not None and found.high is not None and turned.low is not None:
        assert min(values) <= found.low <= found.high <= max(values)
        assert turned.low == pytest.approx(-found.high, abs=0.02)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([0.01] * 5, "not told apart"),
        ([0.01] * 6, "better"),
        ([-0.01, -0.02, -0.01, -0.03, -0.01, -0.02], "worse"),
        ([0.0] * 9, "not told apart"),
        ([0.01, -0.01] * 6, "not told apart"),
    ],
)
def test_pairs_decide_where_interval_and_test_agree(differences: list[float], verdict: str) -> None:
    assert paired({seed: differences[seed::3] for seed in range(3)}).verdict == verdict


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ({0: [0.01] * 6}, "not told apart"),
        ({0: [0.04] * 4, 1: [0.001] * 4}, "not told apart"),
        ({0: [0.02, 0.03] * 2, 1: [0.03, 0.02] * 2}, "better"),
        ({0: [-0.02] * 3, 1: [-0.03] * 3, 2: [-0.025] * 3, 3: [-0.02]}, "worse"),
    ],
)
def test_seeds_must_say_so_too(differences: dict[int, list[float]], verdict: str) -> None:
    assert paired(differences).verdict == verdict


def test_over_seeds_are_those_with_all_tasks() -> None:
    found = paired({0: [0.01, 0.03], 1: [0.05], 2: [0.02, 0.0]})
    assert found.over_seeds == estimate([0.01, 0.02])
    assert found.mean == pytest.approx(0.022)
    assert paired({0: [0.01, 0.03]}).over_seeds is None
