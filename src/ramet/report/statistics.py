"""Means with 95 % intervals, and two methods compared by the pairs of runs that they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from ramet.tasks.extras import extra

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of n values and half the width of its 95 % interval (Student's t), None of a single value."""

    mean: float
    half: float | None
    n: int

    @property
    def verdict(self) -> str:
        """What a mean difference says: `better` or `worse` where its interval excludes 0."""
        if self.half is None:
            return "one pair only"
        return "not told apart" if abs(self.mean) <= self.half else "better" if self.mean > 0 else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Test accuracies of a method less those of the reference, over the (task, seed) pairs that both have.

    difference is over all pairs. over_seeds is over the seeds' means of the same tasks, None with one seed. p is that
    of Wilcoxon's signed-rank test of the pairs.
    """

    difference: Estimate
    over_seeds: Estimate | None
    better: int
    equal: int
    worse: int
    p: float
    verdict: str


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of one or more values and its interval."""
    n = len(values)
    if n == 1:
        return Estimate(float(values[0]), None, 1)
    quantile = float(extra("scipy.stats", "report").t.ppf((1 + CONFIDENCE) / 2, n - 1))
    return Estimate(fmean(values), quantile * stdev(values) / sqrt(n), n)


def compare(differences: Sequence[float], seed_means: Sequence[float]) -> Comparison:
    """What one or more paired differences say, and their means by seed; rounded, so that equal ones are equal."""
    exact, means = ([round(value, 12) for value in values] for values in (differences, seed_means))
    found = estimate(exact)
    return Comparison(
        difference=found,
        over_seeds=estimate(means) if len(means) > 1 else None,
        better=sum(d > 0 for d in exact),
        equal=exact.count(0),
        worse=sum(d < 0 for d in exact),
        p=signed_rank(exact),
        verdict=found.verdict,
    )


def signed_rank(differences: Sequence[float]) -> float:
    """The two-sided p of Wilcoxon's signed-rank test, without the differences that are 0; 1 if all are."""
    if not any(differences):
        return 1.0
    return float(extra("scipy.stats", "report").wilcoxon(sorted(differences)).pvalue)
