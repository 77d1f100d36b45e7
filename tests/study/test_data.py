from pathlib import Path

import numpy as np
import pytest

import ramet
from ramet.base.errors import DataError, InvalidValue, UnknownName
from ramet.study.data import described, ensure_task, locate
from ramet.study.design import GivenTask
from ramet.system import System
from tests.tasks.examples import write_class_folders

BANGLA = GivenTask(name="cmaterdb/bangla", source="papers:cmaterdb/bangla")
OMNIGLOT = GivenTask(name="omniglot", source="papers:omniglot")


@pytest.fixture
def system(tmp_path: Path) -> System:
    return ramet.init(tmp_path / "system", "random:vit_tiny_patch8@8x0")


def write_npz(file: Path) -> None:
    labels = np.arange(40) % 4
    np.savez(
        file,
        x_train=np.zeros((40, 8, 8), np.uint8),
        y_train=labels,
        x_test=np.ones((8, 8, 8), np.uint8),
        y_test=labels[:8],
    )


def test_without_a_folder_data_is_where_tfds_has_it() -> None:
    assert locate(BANGLA, None) == ("papers:cmaterdb/bangla", {})


def test_a_source_of_the_studys_own_is_left_alone(tmp_path: Path) -> None:
    digits = GivenTask(name="digits", source="demo:digits", options={"a": 1})
    assert locate(digits, tmp_path) == ("demo:digits", {"a": 1})


def test_an_archive_comes_before_a_folder_and_that_before_tfds(tmp_path: Path) -> None:
    assert locate(BANGLA, tmp_path) == ("papers:cmaterdb/bangla", {"data_dir": str(tmp_path)})
    (tmp_path / "cmaterdb_bangla" / "train").mkdir(parents=True)
    assert locate(BANGLA, tmp_path) == (f"folder:{tmp_path / 'cmaterdb_bangla'}", {})
    write_npz(tmp_path / "cmaterdb_bangla.npz")
    assert locate(BANGLA, tmp_path) == (BANGLA.source, {"file": str(tmp_path / "cmaterdb_bangla.npz")})


def test_a_folder_of_data_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder"):
        locate(BANGLA, tmp_path / "nowhere")


@pytest.mark.parametrize(("task", "words"), [(BANGLA, "npz"), (OMNIGLOT, "npz, own split")])
def test_an_archive_is_cut_as_the_papers_say_if_it_can_be(
    task: GivenTask, words: str, system: System, tmp_path: Path
) -> None:
    write_npz(tmp_path / f"{task.name.replace('/', '_')}.npz")
    assert ensure_task(system, task, tmp_path)
    read = system.tasks[task.name]
    assert described(read) == words
    assert read.splits["validation"] == (8 if task is BANGLA else 2)  # 20 % or 5 % of train
    assert read.splits["test"] == 8


def test_a_task_is_added_once_and_found_again(system: System, tmp_path: Path) -> None:
    write_npz(tmp_path / "cmaterdb_bangla.npz")
    assert ensure_task(system, BANGLA, tmp_path)
    assert not ensure_task(system, BANGLA, tmp_path)
    assert not ensure_task(system, GivenTask(name=BANGLA.name), tmp_path)
    with pytest.raises(InvalidValue, match="there is a task 'cmaterdb/bangla' already, from papers:"):
        ensure_task(system, BANGLA.model_copy(update={"source": "demo:digits"}))
    with pytest.raises(UnknownName, match="'nothing'"):
        ensure_task(system, GivenTask(name="nothing"))


def test_a_folder_says_what_it_is(system: System, tmp_path: Path) -> None:
    write_class_folders(tmp_path / "cmaterdb_bangla" / "train")
    assert ensure_task(system, BANGLA, tmp_path)
    assert not ensure_task(system, BANGLA, tmp_path)
    assert described(system.tasks[BANGLA.name]) == "folder"


def test_missing_data_is_told_with_how_to_get_it(system: System, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cmaterdb/bangla is not prepared"):
        ensure_task(system, BANGLA, tmp_path)
    assert list(system.tasks) == []
