"""What is said of outcomes, whatever they are; and that records alone say them."""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ramet import study
from ramet.base.errors import UnknownName
from ramet.store.care import gc
from ramet.study import record
from ramet.study.design import MEASURES
from ramet.study.figures import curve_of
from ramet.study.parts import parts
from ramet.study.statistics import paired
from ramet.study.summary import kind, summarise
from ramet.study.write import plain
from ramet.system import System
from tests.study.made import DESIGN, SEEDS, TASKS, TRIED, a_design, a_report, equal_records, records, summary_of

QUALITIES = st.integers(0, 1000).map(lambda count: count / 1000)
TABLE = st.lists(QUALITIES, min_size=18, max_size=18)


def of(values: list[float], *measures: str) -> dict[tuple[str, str, int], dict[str, object]]:
    """Values by variant, task and seed."""
    keys = [(variant, task, seed) for variant in ("a", "b") for task in TASKS for seed in SEEDS]
    return {key: dict.fromkeys(measures, value) for key, value in zip(keys, values, strict=True)}


@settings(max_examples=15, deadline=None)
@given(TABLE)
def test_differences_are_paired_by_task_and_seed(values: list[float]) -> None:
    found = of(values, "score")
    report = a_report(a_design("a", "b"), lambda *key: found[key])
    pairs = {(t, s): found["b", t, s]["score"] - found["a", t, s]["score"] for t in TASKS for s in SEEDS}  # type: ignore[operator]
    assert report.variants[1].differences["score"] == paired({s: [pairs[t, s] for t in TASKS] for s in SEEDS})
    on_task = report.variants[1].tasks["kmnist"].differences["score"]
    assert on_task.mean == pytest.approx(sum(pairs["kmnist", seed] for seed in SEEDS) / 3, abs=1e-9)
    assert report.variants[0].differences == {}


@settings(max_examples=15, deadline=None)
@given(TABLE)
def test_the_other_as_control_says_the_opposite(values: list[float]) -> None:
    found = of(values, "score", "quality")
    one, other = (a_report(a_design("a", "b", control=c), lambda *key: found[key]) for c in ("a", "b"))
    there, back = one.variants[1].differences["score"], other.variants[1].differences["score"]
    assert back.mean == pytest.approx(-there.mean)
    turned = {"better": "worse", "worse": "better"}
    if abs(there.low or 0) > 1e-3 and abs(there.high or 0) > 1e-3:  # else the two bootstraps may just differ
        assert back.verdict == turned.get(there.verdict, there.verdict)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=18, max_size=18))
def test_costs_are_compared_by_the_logarithms_of_ratios(values: list[int]) -> None:
    found = of([1e4 * value for value in values], "accounted_params", "flops")
    report = a_report(a_design("a", "b"), lambda *key: found[key])
    ratios = {s: [math.log(found["b", t, s]["flops"] / found["a", t, s]["flops"]) for t in TASKS] for s in SEEDS}  # type: ignore[operator]
    assert report.variants[1].costs["flops"] == paired(ratios)
    assert report.variants[0].costs == {}


@pytest.mark.parametrize(
    ("times", "said"),
    [(0.5, "FLOPs ×0.50 (×0.50 to ×0.50)"), (1.25, "FLOPs ×1.25 (×1.25 to ×1.25)"), (1, "")],
)
def test_costs_that_are_told_apart_are_in_the_verdict(times: float, said: str) -> None:
    found = of([1e6] * 9 + [1e6 * times] * 9, "flops")
    report = a_report(a_design("a", "b"), lambda *key: found[key])
    assert f"Its costs: {said}." in report.variants[1].verdict or not said
    assert ("costs" in report.variants[1].verdict) == bool(said)
    (cost,) = (part for part in parts(report) if part.name == "cost")
    told = next(row for row in cost.blocks[2].rows if row[1] == "FLOPs")  # type: ignore[union-attr]
    assert told[2] == {0.5: "less", 1.25: "more", 1: "not told apart"}[times]


def test_a_variant_that_changes_nothing_is_told() -> None:
    same = a_report(a_design("a", "b"))
    assert same.variants[1].verdict == "b came out as a did in each of 9 pairs: what it changes had no effect."


@settings(max_examples=15, deadline=None)
@given(TABLE, st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter(values: list[float], random: Random) -> None:
    found, design = of(values, "score", "quality", "test_quality"), a_design("a", "b")
    made = equal_records(design, lambda *key: found[key])
    mixed = list(made)
    random.shuffle(mixed)
    assert summary_of(made, design).variants == summary_of(mixed, design).variants


@settings(max_examples=15, deadline=None)
@given(TABLE)
def test_test_quality_decides_nothing(values: list[float]) -> None:
    found = of(values, "test_quality")
    report = a_report(a_design("a", "b"), lambda *key: found[key])
    assume(report.variants[1].differences["test_quality"].equal < 9)
    assert report.variants[1].verdict == (
        "b is not told apart from a by the score (.000, 95 % interval .000 to .000, p = 1, 9 pairs, by 3 seeds .000 to "
        ".000)."
    )


def test_a_verdict_in_words() -> None:
    report = a_report(
        a_design("a", "up", "down", "noise"),
        lambda variant, task, seed: {
            "score": 0.8 + {"up": 0.05, "down": -0.05}.get(variant, 0) + 0.01 * seed * (variant != "a"),
            "quality": 0.8 + (0.05 if variant == "up" and task != TASKS[0] else 0),
        },
    )
    told = [variant.verdict for variant in report.variants]
    assert told[0] == "a is the control."
    assert told[1].startswith("up is better than a by the score (+.060, 95 % interval ")
    assert ", 9 pairs, by 3 seeds +.035 to +.085). " in told[1]
    assert "Validation accuracy alone: better (+.033" in told[1]
    assert told[2].startswith("down is worse than a by the score (−.040, ")
    assert "Validation accuracy alone: not told apart (.000" in told[2]


def test_what_cannot_be_told_apart_says_what_could_have_been_seen() -> None:
    def change(variant: str, task: str, seed: int) -> dict[str, object]:
        return {"score": 0.8 + (variant == "b") * (seed - 1) * 0.02}

    told = a_report(a_design("a", "b"), change).variants[1].verdict
    assert "b is not told apart from a by the score (.000, 95 % interval −" in told
    assert "With so many seeds a difference of .062 would be seen about three times in four." in told


def test_few_pairs_say_so() -> None:
    design = a_design("a", "b").model_copy(update={"seeds": (0,)})
    told = a_report(design, lambda variant, task, seed: {"score": 0.9 if variant == "b" else 0.5})
    assert told.variants[1].verdict.endswith(
        "3 pairs). 6 pairs are the fewest by which anything can be told apart. Validation accuracy alone: not told "
        "apart (.000, p = 1, 3 pairs)."
    )


def test_budgets_and_costs_that_differ_are_told() -> None:
    design = a_design("a", "b", "c")
    long = design.variants[1].model_copy(
        update={"method": {**design.variants[1].method, "budget": {**design.variants[1].method["budget"], "cycles": 9}}}
    )
    design = design.model_copy(update={"variants": (design.variants[0], long, design.variants[2])})
    report = a_report(design, lambda variant, task, seed: {"training_flops": 8e12 if variant == "c" else 4e12})
    assert report.warnings == (
        "Budgets differ: b may train on 2,880,000 examples a task, a on 1,280,000. "
        "That is what the file says is tried.",
        "On as many examples c spent 2.00 times the training FLOPs of a: equal examples are not equal compute.",
    )


def test_a_cost_that_varies_wildly_is_a_ratio_still() -> None:
    """As shares of the control's these came to "−1450.0 % to +1623.2 %"."""
    report = a_report(
        a_design("a", "b"), lambda variant, task, seed: {"seconds": 1.0 if variant == "a" or seed else 3000.0}
    )
    (cost,) = (part for part in parts(report) if part.name == "cost")
    told = next(row for row in cost.blocks[2].rows if row[:2] == ("b", "time"))  # type: ignore[union-attr]
    assert told[3:6] == ("×14.4", "×1.00 to ×506", "×0.00 to ×1.4e+06")


def test_what_is_missing_leaves_the_rest() -> None:
    tiny = a_design("a", "b")
    made = [r for r in equal_records(tiny) if (r.variant, r.seed) != ("b", 2) and r.task != "omniglot"]
    found = summary_of(made, tiny)
    assert found.variants[1].differences["score"].n == 4
    assert found.compared.tasks == TASKS[:2]
    assert [part.name for part in parts(summary_of([], tiny))] == ["verdict", "faults", "origin"]


def test_a_suite_is_judged_by_test_accuracy() -> None:
    told = [variant.verdict for variant in summary_of(records()).variants]
    assert told[2].startswith("full fine-tuning is worse than µ2Net+ by test accuracy (−.050, ")
    by_score = summary_of(records(), DESIGN.model_copy(update={"judge": "score"})).variants[2].verdict
    assert by_score.startswith("full fine-tuning is worse than µ2Net+ by the score (−.050, ")


def test_the_whole_report_of_a_real_experiment(system: System) -> None:
    found = study.report(system, "mu")
    assert [variant.name for variant in found.variants] == ["learned", "fixed"]
    assert len(found.records) == 8
    for one in found.records:
        path = system.path(one.path)
        assert (one.quality, one.test_quality) == (path.metrics["quality"], path.metrics["test_quality"])
        assert curve_of(one)[-1] == (one.training_flops, pytest.approx(one.score))
        assert one.examples == 384
        assert one.children == len(one.tried or ()) == 4
        assert all(child.parent for child in one.tried or ())
        assert bool(one.mu) == (one.variant == "learned")
        assert one.measured == {}
        assert set(MEASURES) <= set(one.__dataclass_fields__)
    for variant in found.variants:
        assert all(m.survived <= m.drawn for m in variant.mutations)
    assert found.warnings == ()
    assert plain(found)["variants"][0]["means"]["examples"]["mean"] == 768


def test_records_of_a_system_are_the_same_from_files(system: System, tmp_path: Path) -> None:
    whole = study.study_of(system, "mu")
    record.write(tmp_path, whole)
    assert summarise(record.read(tmp_path)).variants == summarise(whole).variants


def test_it_comes_from_records_alone(system: System) -> None:
    """Without the branches, the objects that only they held, and what was evolved there afterwards."""
    before = study.report(system, "mu")
    system.on("mu/fixed/1").evolve("one", method="mu2net-plus", settings={"batch": "32"}, cycles=1, samples=1, seed=9)
    assert len(study.drop(system, "mu")) == 4
    assert gc(system.store.catalog, system.store.objects, delete=True, grace=0).objects > 0
    assert study.report(system, "mu") == before
    shutil.rmtree(system.store.folder / "objects")
    shutil.rmtree(system.store.folder / "cache")
    assert study.report(system, "mu") == before


def test_an_experiment_that_is_not_there(system: System) -> None:
    with pytest.raises(UnknownName, match="no experiment is called 'mux'; did you mean mu"):
        study.report(system, "mux")


@pytest.mark.parametrize(
    ("action", "expected"), [("clone:block.11", "clone:block"), ("hp:opt.lr", "hp:opt.lr"), ("add:x.1.2", "add:x.1")]
)
def test_kinds_of_actions(action: str, expected: str) -> None:
    assert kind(action) == expected


@given(st.lists(st.tuples(st.integers(1, 9).map(float), st.sampled_from([None, 0.1, 0.2, 0.3]))))
def test_a_curve_only_rises(points: list[tuple[float, float | None]]) -> None:
    tried = tuple(replace(TRIED[0], flops=cost, score=score) for cost, score in points)
    found = list(curve_of(replace(next(records()), tried=tried)))
    assert found == sorted(found)
    assert [score for _, score in found] == sorted(score for _, score in found)
    known = [score for _, score in points if score is not None]
    assert bool(found) == bool(known)
    if found:
        assert found[-1] == (sum(cost for cost, _ in points), max(known))
