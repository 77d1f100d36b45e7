from pathlib import Path

import numpy as np
import pytest

from ramet.base.errors import DataError, UnknownName
from ramet.tasks.sources.holdings import Holding, arrays, records, tfds_order
from tests.tasks.examples import prepare
from tests.tasks.vtab import image, norb, pair, sprite, sprites


@pytest.fixture
def archive(tmp_path: Path) -> Holding:
    images = np.arange(30, dtype=np.uint8).repeat(16).reshape(30, 4, 4)
    np.savez_compressed(tmp_path / "a.npz", x_train=images, y_train=np.arange(30) % 3)
    return arrays(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_order_is_that_of_the_hash_of_tfds(split: str) -> None:
    from tensorflow_datasets.core.hashing import Hasher

    assert tfds_order(split, 300) == sorted(range(300), key=Hasher(split).hash_key)


def test_rows_of_arrays_are_taken_in_that_order_and_read_in_the_files(archive: Holding) -> None:
    rows = archive.rows("train", range(5))
    assert rows == sorted(tfds_order("train", 30)[:5])
    assert [int(np.asarray(content)[0, 0]) for content in archive.contents("train", rows)] == rows
    assert list(archive.labels("train", rows)) == [row % 3 for row in rows]
    assert (archive.sizes, archive.classes) == ({"train": 30}, ("0", "1", "2"))


def test_records_are_read_by_their_numbers(tmp_path: Path) -> None:
    prepare(tmp_path, "smallnorb:2.0.0", norb, {"train": [pair(i) for i in range(9)]})
    made = records("smallnorb:2.*.*", "label_elevation", str(tmp_path))
    every = list(made.labels("train", range(9)))
    assert sorted(every) == list(range(9))
    assert list(made.labels("train", [2, 5])) == [every[2], every[5]]
    assert list(made.contents("train", [2, 5])) == [image(every[row]).getvalue() for row in (2, 5)]


def test_labels_that_a_data_set_lacks(tmp_path: Path) -> None:
    prepare(tmp_path, "dsprites:2.0.0", sprites, {"train": [sprite(0), sprite(1)]})
    with pytest.raises(UnknownName, match=r"dsprites/2.0.0 has no column 'label_colour'; .*label_orientation"):
        records("dsprites", "label_colour", str(tmp_path))
    with pytest.raises(DataError, match=r"tfds:dsprites:3\.\*\.\* is not prepared"):
        records("dsprites:3.*.*", "label_orientation", str(tmp_path))
