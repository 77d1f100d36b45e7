import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from ramet.study.record import Record
from ramet.study.runs import gather
from ramet.study.summary import Fault, Summary, summarise
from ramet.study.statistics import Estimate, estimate

from tests.study.made import (
    BLOCK,
    HEAD,
    QUALITY,
    SEEDS,
    TASKS,
    TERMS,
    VARIANTS,
    failed,
    quality,
    records,
)


def test_means_are_of_seeds_means_over_tasks(summary: Summary) -> None:
    by_seed = [np.mean([quality("finetune", task, seed) for task in TASKS]) for seed in SEEDS]
    found = summary.results[2].means
    assert found is not None
    assert found.test.mean == pytest.approx(np.mean(by_seed))
    assert found.test.half == pytest.approx(scipy.stats.t.ppf(0.975, 2) * scipy.stats.sem(by_seed))
    assert found.test.n == 3


def test_a_task_is_estimated_over_seeds(summary: Summary) -> None:
    measures = summary.results[0].tasks["kmnist"].measures
    assert measures is not None
    assert measures.test == estimate([0.78, 0.8, 0.82])
    assert measures.validation.mean == pytest.approx(0.82)


def test_parameters_are_accounted_for_at_the_end(summary: Summary) -> None:
    """The first task had the block for itself when it was learned; then three tasks hold it."""
    measures = summary.results[0].tasks["emnist/digits"].measures
    assert measures is not None
    assert measures.accounted_params == Estimate(pytest.approx(BLOCK / 3 + HEAD), 0.0, 3)
    assert measures.trained_params.mean == HEAD


def test_what_was_spent_is_added_up_over_tasks(summary: Summary) -> None:
    found = summary.results[0].means
    assert found is not None
    assert found.examples == Estimate(3 * 16384, 0.0, 3)
    assert found.seconds == estimate([3 * 60.0, 3 * 120.0, 3 * 180.0])
    assert found.flops.mean == 15_000_001


@pytest.mark.parametrize(("place", "params"), [(0, BLOCK + 3 * HEAD), (2, 3 * BLOCK + 3 * HEAD)])
def test_the_system_is_counted_once(place: int, params: int, summary: Summary) -> None:
    assert summary.results[place].system_params == Estimate(params, 0.0, 3)


def test_methods_are_compared_with_the_first(summary: Summary) -> None:
    assert summary.reference.variant.name == "evolved"
    assert summary.reference.comparison is None
    found = summary.results[2].comparison
    assert found is not None
    assert found.difference == Estimate(pytest.approx(-0.05), 0.0, 9)
    assert found.over_seeds == Estimate(pytest.approx(-0.05), pytest.approx(0.0), 3)
    assert (found.worse, found.verdict, found.p) == (9, "worse", 2 / 2**9)


@settings(max_examples=8, deadline=None)
@given(st.integers(-50, 50).map(lambda count: count / 1000))
def test_a_constant_shift_is_the_difference(shift: float) -> None:
    def shifted(one: Record) -> Record:
        if one.variant.name != "evolved-s.9":
            return one
        return replace(one, test=quality("evolved", one.task, one.seed) + shift)

    found = summarise(gather(TERMS, map(shifted, records()))).results[1].comparison
    assert found is not None
    assert found.difference == Estimate(pytest.approx(shift), 0.0, 9)


def test_runs_that_only_one_has_are_no_pairs() -> None:
    found = summarise(gather(TERMS, records(lambda v, task, seed: v == "finetune" and seed == 1))).results[2].comparison
    assert found is not None
    assert found.difference.n == 6
    assert found.over_seeds is not None
    assert found.over_seeds.n == 2


def test_only_common_tasks_enter_a_mean() -> None:
    """Fine-tuning without its hardest task would look better than it is."""
    summary = summarise(gather(TERMS, [*records(), *(failed(VARIANTS[2], "omniglot", seed) for seed in SEEDS)]))
    means = [result.means for result in summary.results]
    assert summary.compared.tasks == TASKS[:2]
    for variant, found in zip(VARIANTS, means, strict=True):
        assert found is not None
        assert found.test.mean == pytest.approx(QUALITY[variant.name] - 0.05)


def test_faults_are_told_by_method_and_task() -> None:
    missing = records(lambda variant, task, seed: (variant, task) == ("finetune", "kmnist"))
    runs = [*missing, failed(VARIANTS[2], "kmnist", 1), replace(failed(VARIANTS[0], "omniglot", 2, "none"))]
    assert summarise(gather(TERMS, runs)).faults == (
        Fault("failed", "evolved", "omniglot", "together", (2,), "none"),
        Fault("failed", "finetune", "kmnist", "together", (1,), "ValueError: a | b"),
        Fault("missing", "finetune", "kmnist", "together", (0, 2), ""),
    )


def test_the_origin_is_what_the_runs_say(summary: Summary) -> None:
    found = summary.origin
    assert (found.seeds, found.runs, found.seconds) == (SEEDS, 33, 11 * 60.0 * 6)
    assert found.machines == ("Abacus, 2 cores, 8.5 GB of memory, Linux x86_64",)
    assert found.versions == ("ramet 0.1.0, torch 2.6",)
    assert (found.first_date, found.last_date) == ("2026-01-30", "2026-01-31")
    assert [(data.task, data.source, data.classes) for data in summary.data] == [(task, "npz", 10) for task in TASKS]


@pytest.mark.parametrize("runs", [[], [failed(VARIANTS[0], "kmnist", 0)], list(records())[:1], list(records())[:13]])
def test_a_benchmark_is_summarised_at_any_time(runs: list[Record]) -> None:
    found = summarise(gather(TERMS, runs))
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["terms"]["suite"] == "tiny"
    assert [result.variant for result in found.results] == list(VARIANTS)
