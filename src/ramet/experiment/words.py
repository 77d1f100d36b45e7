"""What numbers of an experiment mean, in sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from ramet.base.text import difference, plural
from ramet.experiment.design import Measure
from ramet.experiment.findings import VariantReport
from ramet.report.statistics import FEWEST, Paired

APART = 1.25
"""Training FLOPs that are this many times the control's are worth a word."""


COSTS: Mapping[Measure, str] = {
    "accounted_params": "accounted parameters", "flops": "FLOPs", "training_flops": "training FLOPs",
}  # fmt: skip
"""Costs that a verdict names where they are told apart; the time of a run depends on what else the machine did."""


def verdict(name: str, control: str, found: Mapping[Measure, Paired], costs: Mapping[Measure, Paired]) -> str:
    """What the differences to the control say of a variant. Test quality says nothing here."""
    if name == control:
        return f"{name} is the control."
    if not found:
        return f"{name}: no task and seed is done that {control} has done too."
    score, quality = found["score"], found["quality"]
    if all(one.equal == one.n for one in (*found.values(), *(cost for m, cost in costs.items() if m in COSTS))):
        return f"{name} came out as {control} did in each of {plural(score.n, 'pair')}: what it changes had no effect."
    told = f"{name} is {_apart(score, control)} by the score {_by(score)}."
    if score.verdict == "not told apart":
        told += _visible(score)
    if (score.mean, score.low) != (quality.mean, quality.low):
        told += f" Validation accuracy alone: {quality.verdict} {_by(quality)}."
    apart = [
        f"{word} {percent(costs[m].mean)} ({interval(costs[m], percent)})"
        for m, word in COSTS.items()
        if m in costs and cost_verdict(costs[m]) != "not told apart"
    ]
    return told + (f" Its costs: {', '.join(apart)}." if apart else "")


def cost_verdict(found: Paired) -> str:
    """`less` or `more`, or not told apart."""
    return {"better": "more", "worse": "less"}.get(found.verdict, found.verdict)


def percent(value: float) -> str:
    """A share of the control's with its sign: `−12 %`."""
    return f"{100 * value:+.1f} %".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


def unequal(variants: Sequence[VariantReport]) -> Iterator[str]:
    """Budgets that are not the control's."""
    control = variants[0]
    for variant in variants[1:]:
        if variant.budget != control.budget:
            yield (
                f"Budgets differ: {variant.name} may train on {variant.budget:,} examples a task, {control.name} on "
                f"{control.budget:,}. That is what the file says is tried."
            )


def spent_apart(variants: Sequence[VariantReport]) -> Iterator[str]:
    """Trainings that cost much more or less than the control's, though on as many examples."""
    control = variants[0]
    for variant in variants[1:]:
        mine, its = (found.means.get("training_flops", 0.0) for found in (variant, control))
        if mine and its and variant.budget == control.budget:
            times = mine / its
            if not 1 / APART <= times <= APART:
                yield (
                    f"On as many examples {variant.name} spent {times:.2f} times the training FLOPs of {control.name}: "
                    "the learning curves show both at equal cost."
                )


def interval(found: Paired, worded: Callable[[float], str] = difference) -> str:
    """The interval of a mean difference: `−.010 to +.021`."""
    return "" if found.low is None or found.high is None else _between(found.low, found.high, worded)


def by_seeds(found: Paired, worded: Callable[[float], str] = difference) -> str:
    """The interval of a mean difference by the means of seeds."""
    over = found.over_seeds
    return "" if over is None or over.half is None else _between(over.mean - over.half, over.mean + over.half, worded)


def _between(low: float, high: float, worded: Callable[[float], str]) -> str:
    return f"{worded(low)} to {worded(high)}"


def _apart(found: Paired, control: str) -> str:
    return f"not told apart from {control}" if found.verdict == "not told apart" else f"{found.verdict} than {control}"


def _by(found: Paired) -> str:
    """A difference with what it rests on."""
    between = f", 95 % interval {interval(found)}" if interval(found) else ""
    over = f", by {found.over_seeds.n} seeds {by_seeds(found)}" if between and found.over_seeds else ""
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
