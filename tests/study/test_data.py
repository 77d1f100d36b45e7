from pathlib import Path

import numpy as np
import pytest
from ramet.study.data import check, described, link, locate, prepare
from ramet.study.suite import SuiteTask

import ramet
from ramet.base.errors import DataError
from tests.tasks.examples import write_class_folders

BANGLA = SuiteTask(name="cmaterdb/bangla", source="papers:cmaterdb/bangla")
OMNIGLOT = SuiteTask(name="omniglot", source="papers:omniglot")


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


def test_a_source_of_the_suites_own_is_left_alone(tmp_path: Path) -> None:
    assert locate(SuiteTask(name="digits", source="demo:digits"), tmp_path) == ("demo:digits", {})


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
def test_an_archive_is_cut_as_the_catalog_says_if_it_can_be(task: SuiteTask, words: str, tmp_path: Path) -> None:
    write_npz(tmp_path / f"{task.name.replace('/', '_')}.npz")
    read = prepare(tmp_path / "results", task, tmp_path, max_side=8)
    assert described(task, read) == words
    assert read.splits["validation"] == (8 if task is BANGLA else 2)  # 20 % or 5 % of train
    assert read.splits["test"] == 8


def test_images_are_read_once(tmp_path: Path) -> None:
    write_npz(tmp_path / "cmaterdb_bangla.npz")
    first = prepare(tmp_path / "results", BANGLA, tmp_path, max_side=8)
    (tmp_path / "cmaterdb_bangla.npz").unlink()
    assert prepare(tmp_path / "results", BANGLA, tmp_path, max_side=8) == first


def test_a_system_reads_the_images_of_the_results(tmp_path: Path) -> None:
    write_npz(tmp_path / "cmaterdb_bangla.npz")
    results = tmp_path / "results"
    task = prepare(results, BANGLA, tmp_path, max_side=8)
    system = ramet.init(results / "systems" / "x", "random:vit_tiny_patch8@8x0")
    link(system, results)
    system.store.catalog.tasks.add(task)
    assert len(system.examples("cmaterdb/bangla").labels) == 8
    link(system, results)  # as when it is opened again


def test_a_folder_says_what_it_is(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "cmaterdb_bangla" / "train")
    assert described(BANGLA, prepare(tmp_path / "results", BANGLA, tmp_path, max_side=8)) == "folder"


def test_missing_data_is_noticed_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cmaterdb/bangla is not prepared"):
        check(tmp_path / "results", BANGLA, tmp_path)
    assert not (tmp_path / "results").exists()
    write_npz(tmp_path / "cmaterdb_bangla.npz")
    check(tmp_path / "results", BANGLA, tmp_path)
