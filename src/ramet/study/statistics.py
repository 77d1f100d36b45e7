"""Means with 95 % intervals, and variants compared by the pairs of runs that they share: one rule for all reports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, stdev
from typing import Any, Literal

from ramet.base.extras import extra

CONFIDENCE = 0.95
POWER = 0.8
"""Of Student's test; a verdict, which asks more, has about 0.75."""
RESAMPLES = 10_000
FEWEST = 6
"""Pairs below which no test at 5 % tells anything apart (all of 5 have the same sign once in 16), nor any interval."""

Verdict = Literal["better", "worse", "not told apart"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of n values and half the width of its 95 % interval (Student's t), None of a single value."""

    mean: float
    half: float | None
    n: int

    @property
    def low(self) -> float:
        """Return the interval's lower end; the mean where there is none."""
        return self.mean - (self.half or 0.0)

    @property
    def high(self) -> float:
        """Return the interval's upper end; the mean where there is none."""
        return self.mean + (self.half or 0.0)


@dataclass(frozen=True, slots=True)
class Paired:
    """A verdict on paired differences.

    low and high are the 95 % bootstrap interval of their mean, None of less than FEWEST pairs. over_seeds is over the
    means of the seeds that have all tasks, None of less than two: a seed's pairs have in common how its run went, so
    that they are not as many witnesses. visible is the mean difference that as many pairs and seeds, as different among
    themselves, would show about three times in four, None where nothing would. p is that of Wilcoxon's signed-rank
    test.
    """

    mean: float
    low: float | None
    high: float | None
    over_seeds: Estimate | None
    visible: float | None
    better: int
    equal: int
    worse: int
    p: float

    @property
    def n(self) -> int:
        """Return the number of pairs."""
        return self.better + self.equal + self.worse

    @property
    def verdict(self) -> Verdict:
        """Return `better` or `worse` only where both intervals and the test say so: of few pairs, one alone is rash."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high or self.p > 1 - CONFIDENCE:
            return "not told apart"
        told: Verdict = "better" if self.mean > 0 else "worse"
        over = self.over_seeds
        if over is None or over.half is None or over.low <= 0 <= over.high or (over.mean > 0) != (self.mean > 0):
            return "not told apart"
        return told


def paired(differences: Mapping[int, Sequence[float]]) -> Paired:
    """Return what the differences of one or more seeds say, in whatever order; rounded, so that equal ones are equal.

    Args:
        differences: by seed, a value a task.
    """
    exact = {seed: sorted(round(value, 12) for value in values) for seed, values in differences.items()}
    pairs = sorted(value for values in exact.values() for value in values)
    whole = max(map(len, exact.values()))
    means = sorted(round(fmean(values), 12) for values in exact.values() if len(values) == whole)
    low = high = visible = None
    if len(pairs) >= FEWEST:
        low, high = bootstrap(pairs)
        visible = max(map(_visible, (pairs, means))) if len(means) > 1 else None
    return Paired(
        mean=fmean(pairs),
        low=low,
        high=high,
        over_seeds=estimate(means) if len(means) > 1 else None,
        visible=visible,
        better=sum(d > 0 for d in pairs),
        equal=pairs.count(0),
        worse=sum(d < 0 for d in pairs),
        p=signed_rank(pairs),
    )


def by_seed(values: Iterable[tuple[int, float]]) -> dict[int, list[float]]:
    """Return (seed, value) pairs grouped by their seed."""
    grouped: dict[int, list[float]] = {}
    for seed, value in values:
        grouped.setdefault(seed, []).append(value)
    return grouped


def bootstrap(values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the mean of two or more values, from means of values drawn again among them.

    The quantiles taken are those at which the interval of a normal sample of this size would be Student's: plain ones
    are too narrow for few values (Hesterberg 2015, arXiv 1411.5279).
    """
    import numpy as np

    found = extra("scipy.stats", "report").bootstrap(
        (values,),
        np.mean,
        confidence_level=1 - 2 * tail(len(values)),
        method="percentile",
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def tail(n: int) -> float:
    """Return the part of the means of n values drawn again that is left out at either end."""
    return NormalDist().cdf(-_student(n).ppf((1 + CONFIDENCE) / 2) * sqrt(n / (n - 1)))


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of one or more values and its interval."""
    n = len(values)
    if n == 1:
        return Estimate(float(values[0]), None, 1)
    quantile = float(_student(n).ppf((1 + CONFIDENCE) / 2))
    return Estimate(fmean(values), quantile * stdev(values) / sqrt(n), n)


def signed_rank(differences: Sequence[float]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test, without the differences that are 0; 1 if all are."""
    if not any(differences):
        return 1.0
    return float(extra("scipy.stats", "report").wilcoxon(sorted(differences)).pvalue)


def _visible(values: Sequence[float]) -> float:
    """Return the mean at which Student's test tells as many values, as different among themselves, from 0."""
    student = _student(len(values))
    return float(student.ppf((1 + CONFIDENCE) / 2) + student.ppf(POWER)) * stdev(values) / sqrt(len(values))


def _student(n: int) -> Any:
    """Return Student's distribution of the mean of n values."""
    return extra("scipy.stats", "report").t(n - 1)
