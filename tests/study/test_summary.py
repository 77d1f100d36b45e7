"""The numbers of a study, whatever is missing."""

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.study.record import Record
from ramet.study.statistics import Estimate, estimate, paired
from ramet.study.summary import Fault, Mutations, Summary
from ramet.study.write import plain
from tests.study.made import BLOCK, HEAD, QUALITY, SEEDS, TASKS, failed, quality, records, summary_of


def test_means_are_of_seeds_means_over_tasks(summary: Summary) -> None:
    by_seed = [np.mean([quality("finetune", task, seed) for task in TASKS]) for seed in SEEDS]
    found = summary.variants[2].means["test_quality"]
    assert found.mean == pytest.approx(np.mean(by_seed))
    assert found.half == pytest.approx(scipy.stats.t.ppf(0.975, 2) * scipy.stats.sem(by_seed))
    assert found.n == 3


def test_a_task_is_estimated_over_seeds(summary: Summary) -> None:
    means = summary.variants[0].tasks["kmnist"].means
    assert means["test_quality"] == estimate([0.78, 0.8, 0.82])
    assert means["quality"].mean == pytest.approx(0.82)


def test_what_was_spent_is_added_up_over_tasks(summary: Summary) -> None:
    found = summary.variants[0].means
    assert found["examples"] == Estimate(3 * 16384, 0.0, 3)
    assert found["seconds"] == estimate([3 * 60.0, 3 * 120.0, 3 * 180.0])
    assert found["flops"].mean == 15_000_001
    assert summary.variants[0].spent["children"] == 9 * 8


@pytest.mark.parametrize(("place", "params"), [(0, BLOCK + 3 * HEAD), (2, 3 * BLOCK + 3 * HEAD)])
def test_the_system_is_counted_once(place: int, params: int, summary: Summary) -> None:
    assert summary.variants[place].system_params == Estimate(params, 0.0, 3)


def test_variants_are_compared_with_the_control_by_pairs_and_seeds(summary: Summary) -> None:
    assert summary.control.name == "evolved"
    assert summary.control.differences == {}
    found = summary.variants[2].differences["test_quality"]
    assert found == paired({seed: [-0.05] * 3 for seed in SEEDS})
    assert (found.worse, found.verdict, found.p) == (9, "worse", 2 / 2**9)


@settings(max_examples=8, deadline=None)
@given(st.integers(-50, 50).map(lambda count: count / 1000))
def test_a_constant_shift_is_the_difference(shift: float) -> None:
    def shifted(one: Record) -> Record:
        if one.variant != "evolved-s.9":
            return one
        return replace(one, test_quality=quality("evolved", one.task, one.seed) + shift)

    found = summary_of(map(shifted, records())).variants[1].differences["test_quality"]
    assert (found.mean, found.n) == (pytest.approx(shift), 9)


def test_runs_that_only_one_has_are_no_pairs() -> None:
    found = summary_of(records(lambda v, task, seed: v == "finetune" and seed == 1)).variants[2].differences["score"]
    assert found.n == 6
    assert found.over_seeds is not None
    assert found.over_seeds.n == 2


def test_only_common_tasks_enter_a_mean() -> None:
    """Fine-tuning without its hardest task would look better than it is."""
    summary = summary_of([*records(), *(failed("finetune", "omniglot", seed) for seed in SEEDS)])
    assert summary.compared.tasks == TASKS[:2]
    for variant in summary.variants:
        assert variant.means["test_quality"].mean == pytest.approx(QUALITY[variant.name] - 0.05)


def test_mutations_are_counted_by_kind_and_by_whether_they_led_anywhere(summary: Summary) -> None:
    runs = 3 * 3
    assert summary.variants[1].mutations == (
        Mutations("clone:block", 2 * runs, 2 * runs),
        Mutations("hp:opt.lr", 2 * runs, runs),
    )


def test_records_without_children_say_nothing_of_mutations() -> None:
    found = summary_of(replace(one, tried=None) for one in records())
    assert found.variants[0].mutations == ()
    assert found.variants[0].means["children"].mean == 24


def test_faults_are_told_by_variant_and_task() -> None:
    missing = records(lambda variant, task, seed: (variant, task) == ("finetune", "kmnist"))
    runs = [*missing, failed("finetune", "kmnist", 1), failed("evolved", "omniglot", 2, "none")]
    assert summary_of(runs).faults == (
        Fault("failed", "evolved", "omniglot", False, (2,), "none"),
        Fault("failed", "finetune", "kmnist", False, (1,), "ValueError: a | b"),
        Fault("missing", "finetune", "kmnist", False, (0, 2), ""),
    )


def test_the_origin_is_what_the_runs_say(summary: Summary) -> None:
    found = summary.origin
    assert (found.seeds, found.runs, found.seconds) == (SEEDS, 33, 11 * 60.0 * 6)
    assert found.machines == ("Abacus, 2 cores, 8.5 GB of memory, Linux x86_64",)
    assert found.versions == ("ramet 0.1.0, torch 2.6",)
    assert (found.first_date, found.last_date) == ("2026-01-30", "2026-01-31")
    assert [(data.task, data.source, data.classes) for data in summary.data] == [(task, "npz", 10) for task in TASKS]


@pytest.mark.parametrize("runs", [[], [failed("evolved", "kmnist", 0)], list(records())[:1], list(records())[:13]])
def test_a_study_is_summarised_at_any_time(runs: list[Record]) -> None:
    found = summary_of(runs)
    assert json.loads(json.dumps(plain(found), allow_nan=False))["design"]["name"] == "tiny"
    assert [variant.name for variant in found.variants] == list(QUALITY)
