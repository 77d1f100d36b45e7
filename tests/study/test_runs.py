from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.base.errors import DataError
from ramet.study.record import Record, file_of, read
from ramet.study.runs import compared, runs_of
from tests.study.made import QUALITY, SEEDS, TASKS, failed, record, records, study, summary_of, written

ALL = dict.fromkeys(QUALITY, SEEDS)
Skip = Callable[[str, str, int], bool]


@settings(max_examples=8, deadline=None)
@given(st.permutations(list(records())))
def test_the_order_of_records_does_not_matter(mixed: list[Record]) -> None:
    runs, expected = runs_of(study(mixed)), runs_of(study(records()))
    assert (runs.records, runs.variants, runs.seeds) == (expected.records, expected.variants, expected.seeds)
    assert compared(runs) == compared(expected)


def test_equal_records_in_any_order_give_equal_numbers() -> None:
    one, other = summary_of(reversed(list(records()))), summary_of(records())
    assert replace(one, records=()) == replace(other, records=())


def test_records_are_read_from_files(tmp_path: Path) -> None:
    found = read(written(tmp_path, records()))
    assert runs_of(found) == runs_of(study(records()))


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no results; name the folder that `ramet benchmark run` wrote to"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{", "is damaged: Input data was truncated"), ("{}", "missing required field `variant`"), ("[]", "damaged")],
)
def test_a_damaged_record_is_named(text: str, problem: str, tmp_path: Path) -> None:
    file = file_of(written(tmp_path, records()), record("evolved", "kmnist", 1))
    file.write_text(text)
    with pytest.raises(DataError, match=problem) as refused:
        read(tmp_path)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    ("skip", "tasks", "seeds", "left_out", "unfinished"),
    [
        (lambda v, t, s: False, TASKS, ALL, {}, ()),
        # a method has fewer seeds
        (lambda v, t, s: v == "finetune" and s > 0, TASKS, ALL | {"finetune": (0,)}, {}, ()),
        # a method lacks a task with one seed
        (lambda v, t, s: (v, t, s) == ("finetune", "kmnist", 1), TASKS, ALL | {"finetune": (0, 2)}, {}, ()),
        # a method has not begun
        (lambda v, t, s: v == "finetune", TASKS, dict.fromkeys(("evolved", "evolved-s.9"), SEEDS), {}, ("finetune",)),
        # a method is under way
        (
            lambda v, t, s: v == "finetune" and (t, s) != ("emnist/digits", 0),
            TASKS,
            dict.fromkeys(("evolved", "evolved-s.9"), SEEDS),
            {},
            ("finetune",),
        ),
        # a task has not begun
        (lambda v, t, s: t == "omniglot", TASKS[:2], ALL, {"omniglot": "not there yet"}, ()),
    ],
)
def test_means_are_taken_of_what_all_methods_have_done(
    skip: Skip,
    tasks: tuple[str, ...],
    seeds: dict[str, tuple[int, ...]],
    left_out: dict[str, str],
    unfinished: tuple[str, ...],
) -> None:
    found = compared(runs_of(study(records(skip))))
    assert (found.tasks, found.seeds, found.left_out, found.unfinished) == (tasks, seeds, left_out, unfinished)


def test_a_task_that_failed_is_left_out_with_the_reason() -> None:
    runs = [failed("evolved-s.9", "kmnist", seed) for seed in SEEDS]
    runs += [replace(failed(variant, "omniglot", seed), state="no-data") for variant in QUALITY for seed in SEEDS]
    found = compared(runs_of(study([*records(), *runs])))
    assert found.tasks == ("emnist/digits",)
    assert found.left_out == {"kmnist": "failed (µ2Net+, s = .9)", "omniglot": "no data"}


def test_nothing_is_averaged_where_nothing_is_done() -> None:
    found = compared(runs_of(study([failed("evolved", "kmnist", 0)])))
    assert (found.tasks, found.seeds) == ((), {})


def test_tasks_done_with_different_seeds_are_not_mixed() -> None:
    runs = runs_of(study([record("evolved", "kmnist", 0), record("evolved-s.9", "kmnist", 1)]))
    assert compared(runs).left_out["kmnist"] == "not with the same seed"


def test_a_system_learned_tasks_in_the_order_in_which_it_grew() -> None:
    """The first task failed, and was tried again when the others were there."""
    late = record("evolved", "emnist/digits", 0, ("kmnist", "omniglot", "emnist/digits"))
    early = [record("evolved", task, 0, ("kmnist", "omniglot")) for task in ("kmnist", "omniglot")]
    learned = runs_of(study([late, *early])).learned("evolved", 0)
    assert [found.task for found in learned] == ["kmnist", "omniglot", "emnist/digits"]
