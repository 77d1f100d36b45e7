"""What the numbers of a study mean, in sentences, and how they look in tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import exp

from ramet.base.text import NOTHING, count, difference, duration, plural, share
from ramet.study.design import Measure
from ramet.study.statistics import FEWEST, Estimate, Paired

APART = 1.25
"""Training FLOPs that are this many times the control's are worth a word."""

SHOWN: Mapping[Measure, tuple[str, Callable[[float], str]]] = {
    "score": ("score", share),
    "own_score": ("own score", share),
    "quality": ("validation", share),
    "test_quality": ("test", share),
    "accounted_params": ("accounted", count),
    "trained_params": ("trained", count),
    "params": ("parameters", count),
    "flops": ("FLOPs", count),
    "training_flops": ("training FLOPs", count),
    "examples": ("examples", count),
    "children": ("children", count),
    "seconds": ("time", duration),
}
"""What a measure is called in a table, and how its values look."""

COMPARISON = ("95 % interval", "by seeds", "pairs", "+/=/−", "p")
"""The columns behind a mean difference."""

IN_SENTENCES: Mapping[Measure, str] = {
    "score": "the score", "quality": "validation accuracy", "test_quality": "test accuracy",
    "accounted_params": "accounted parameters", "flops": "FLOPs", "training_flops": "training FLOPs",
}  # fmt: skip
"""What a measure is called in a sentence."""

NAMED_COSTS: tuple[Measure, ...] = ("accounted_params", "flops", "training_flops")
"""Costs that a verdict names where they are told apart; the time of a run depends on what else the machine did."""


def verdict(
    name: str, control: str, judge: Measure, found: Mapping[Measure, Paired], costs: Mapping[Measure, Paired]
) -> str:
    """Return what the differences to the control say of a variant. Test quality says nothing unless it is the judge."""
    if name == control:
        return f"{name} is the control."
    if not found:
        return f"{name}: no task and seed is done that {control} has done too."
    score = found[judge]
    if all(one.equal == one.n for one in (*found.values(), *(cost for m, cost in costs.items() if m in NAMED_COSTS))):
        return f"{name} came out as {control} did in each of {plural(score.n, 'pair')}: what it changes had no effect."
    apart = "not told apart from" if score.verdict == "not told apart" else f"{score.verdict} than"
    told = f"{name} is {apart} {control} by {IN_SENTENCES[judge]} {_by(score)}."
    if score.verdict == "not told apart":
        told += _visible(score)
    alone = found["quality"]
    if judge == "score" and (score.mean, score.low) != (alone.mean, alone.low):
        told += f" Validation accuracy alone: {alone.verdict} {_by(alone)}."
    differing = [
        f"{IN_SENTENCES[m]} {times(costs[m].mean)} ({interval(costs[m], times)})"
        for m in NAMED_COSTS
        if m in costs and cost_verdict(costs[m]) != "not told apart"
    ]
    return told + (f" Its costs: {', '.join(differing)}." if differing else "")


def cost_verdict(found: Paired) -> str:
    """Return `less` or `more`, or not told apart."""
    return {"better": "more", "worse": "less"}.get(found.verdict, found.verdict)


def times(logarithm: float) -> str:
    """Return a ratio to the control's cost, from its logarithm: `×0.73`, `×16.2`."""
    value = exp(min(logarithm, 700.0))
    return f"×{value:.2f}" if value < 9.995 else f"×{float(f'{value:.3g}'):,g}"


def budget_warnings(budgets: Sequence[tuple[str, int, float]]) -> Iterator[str]:
    """Yield sentences on budgets that are not the control's, and on trainings that cost much more or less than its own.

    Args:
        budgets: name, examples and mean training FLOPs of every variant, the control first.
    """
    control, most, its = budgets[0]
    for name, examples, _ in budgets[1:]:
        if examples != most:
            yield (
                f"Budgets differ: {name} may train on {examples:,} examples a task, {control} on {most:,}. "
                "That is what the file says is tried."
            )
    for name, examples, mine in budgets[1:]:
        if mine and its and examples == most and not 1 / APART <= mine / its <= APART:
            yield (
                f"On as many examples {name} spent {mine / its:.2f} times the training FLOPs of {control}: "
                "equal examples are not equal compute."
            )


def told(found: Paired, worded: Callable[[float], str]) -> tuple[str, ...]:
    """Return the columns COMPARISON of paired differences."""
    signs = f"{found.better}/{found.equal}/{found.worse}"
    between = (interval(found, worded) or NOTHING, _by_seeds(found, worded) or NOTHING)
    return (*between, str(found.n), signs, f"{found.p:.2g}")


def interval(found: Paired, worded: Callable[[float], str] = difference) -> str:
    """Return the interval of a mean difference: `−.010 to +.021`."""
    return "" if found.low is None or found.high is None else f"{worded(found.low)} to {worded(found.high)}"


def _by_seeds(found: Paired, worded: Callable[[float], str] = difference) -> str:
    over = found.over_seeds
    return "" if over is None or over.half is None else f"{worded(over.low)} to {worded(over.high)}"


def with_interval(show: Callable[[float], str], found: Estimate | None) -> str:
    """Return a mean with its interval, if it has one and that has a width: `.853 ± .012`."""
    if found is None:
        return NOTHING
    return f"{show(found.mean)} ± {show(found.half).lstrip('+')}" if found.half else show(found.mean)


def _by(found: Paired) -> str:
    """Return a difference with what it rests on."""
    between = f", 95 % interval {interval(found)}" if interval(found) else ""
    over = f", by {found.over_seeds.n} seeds {_by_seeds(found)}" if between and found.over_seeds else ""
    return f"({difference(found.mean)}{between}, p = {found.p:.2g}, {plural(found.n, 'pair')}{over})"


def _visible(found: Paired) -> str:
    if found.n < FEWEST:
        return f" {FEWEST} pairs are the fewest by which anything can be told apart."
    if found.over_seeds is None:
        return " Two seeds are the fewest by which anything can be told apart."
    if not found.visible:
        return ""
    return (
        f" With so many seeds a difference of {difference(found.visible)[1:]} would be seen about three times in four."
    )
