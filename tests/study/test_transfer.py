from dataclasses import replace

import pytest

from ramet.study.record import Record
from ramet.study.runs import runs_of
from ramet.study.statistics import estimate, paired
from ramet.study.transfer import accuracy_matrix, sharing_matrix, system_params, transfer
from tests.study.made import BLOCK, HEAD, SEEDS, TASKS, quality, records, study

RUNS = runs_of(study(records()))


def test_accuracy_matrix() -> None:
    first, second, third = (quality("evolved", task, 0) for task in TASKS)
    found = accuracy_matrix(RUNS.learned("evolved", 0))
    assert found.tasks == TASKS
    assert found.rows == ((first, None, None), (first, second, None), (first, second, third))


@pytest.mark.parametrize(("variant", "shared"), [("evolved", BLOCK), ("finetune", 0)])
def test_sharing_matrix(variant: str, shared: int) -> None:
    found = sharing_matrix(RUNS.learned(variant, 0))
    own = BLOCK + HEAD
    assert found.rows == ((own, shared, shared), (shared, own, shared), (shared, shared, own))


@pytest.mark.parametrize(("variant", "blocks"), [("evolved", 1), ("finetune", 2)])
def test_components_that_tasks_share_count_once(variant: str, blocks: int) -> None:
    assert system_params(RUNS.learned(variant, 0), TASKS[1:]) == blocks * BLOCK + 2 * HEAD


def test_what_is_never_written_again_is_never_forgotten() -> None:
    found = transfer(RUNS, "evolved")
    assert found.backward == estimate([0.0] * 3)
    assert found.largest_change == 0.0


def test_what_was_forgotten_is_found() -> None:
    """With seed 1 the last task costs the first one .06, and the second costs it .01."""

    def forgetful(one: Record) -> Record:
        lost = {"kmnist": 0.01, "omniglot": 0.06}.get(one.task, 0.0)
        if (one.variant, one.seed, one.alone) != ("evolved", 1, False) or not lost:
            return one
        return replace(one, measured={**one.measured, TASKS[0]: one.measured[TASKS[0]] - lost})

    found = transfer(runs_of(study(map(forgetful, records()))), "evolved")
    assert found.backward is not None
    assert found.backward.mean == pytest.approx(-0.03 / 3)
    assert found.largest_change == pytest.approx(0.06)


def test_forward_transfer_is_paired_with_the_task_alone() -> None:
    found = transfer(RUNS, "evolved")
    assert found.forward == paired({seed: [0.03, 0.03] for seed in SEEDS})
    assert found.forward.verdict == "better"
    assert found.forward_tasks == {task: estimate([0.03] * len(SEEDS)) for task in TASKS[1:]}


def test_without_runs_alone_there_is_no_forward_transfer() -> None:
    assert transfer(RUNS, "finetune").forward is None


def test_one_task_has_nothing_to_transfer() -> None:
    found = transfer(runs_of(study(records(lambda v, task, seed: task != "kmnist"))), "finetune")
    assert (found.backward, found.largest_change, found.forward) == (None, None, None)
    assert found.accuracy.rows == ((quality("finetune", "kmnist", 0),),)


def test_a_method_without_runs_has_empty_matrices() -> None:
    found = transfer(runs_of(study([])), "evolved")
    assert (found.seed, found.accuracy.tasks, found.sharing.tasks) == (None, (), ())


def test_what_was_not_measured_anew_is_not_said() -> None:
    found = transfer(runs_of(study(replace(one, measured={}) for one in records())), "evolved")
    assert (found.backward, found.largest_change, found.accuracy.tasks) == (None, None, ())
    assert found.sharing.tasks == TASKS
