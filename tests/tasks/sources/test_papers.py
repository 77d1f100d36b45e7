import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ramet.base.errors import DataError, InvalidValue, UnknownName
from ramet.tasks.images import decode
from ramet.tasks.labels import RULES
from ramet.tasks.papers import PapersTask, entries
from ramet.tasks.sources import Source, open_source
from ramet.tasks.sources.papers import Holding, PapersSource, arrays, own_splits, records, tfds_order
from tests.tasks.examples import labelled_images, prepare, write_npz, write_tfds
from tests.tasks.vtab import clevr, image, kitti, norb, pair, scene, sprite, sprites, street


def labelled(*labels: int, **more: int) -> list[dict[str, Any]]:
    return [{"image": image(i), "label": label, **more} for i, label in enumerate(labels)]


def numbers(source: Source) -> dict[str, list[str]]:
    return {split: [example.identifier for example in found] for split, found in source.splits.items()}


def names(source: Source) -> dict[str, list[str]]:
    return {split: [source.classes[example.label] for example in found] for split, found in source.splits.items()}


def shades(source: Source, split: str) -> list[int]:
    return [int(decode(content, (4, 4))[0, 0, 0]) for content in source.contents(split)]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets of the papers, of a few records each, but with all that tfds has in them."""
    folder = tmp_path_factory.mktemp("tfds")
    scenes = [
        scene(0, [9, 8.25, 12], ["cube", "cylinder", "cylinder"]),
        scene(1, [20, 30, 40, 50], ["cube", "cube", "cube", "sphere"]),
    ] * 10
    prepare(folder, "clevr:3.1.0", clevr, {"train": scenes, "validation": scenes[:2], "test": scenes[:2]})
    streets = [street(0, ("Pedestrian", 2), ("Car", 9)), street(1, *[("Van", 30)] * 4), street(2, ("Pedestrian", 14))]
    prepare(folder, "kitti:3.2.0", kitti, {"train": streets, "validation": streets, "test": streets[:2]})
    prepare(folder, "dsprites:2.0.0", sprites, {"train": [sprite(i) for i in range(20)]})
    prepare(folder, "smallnorb:2.0.0", norb, {s: [pair(i) for i in range(20)] for s in ("train", "test")})
    return folder


def opened(name: str, data_dir: Path) -> Source:
    return open_source(f"papers:{name}", data_dir=str(data_dir))


@pytest.mark.parametrize(
    ("task", "classes", "validation", "test"),
    [
        ("clevr/count_cylinders", 11, {"0", "2"}, {"0", "2"}),
        ("clevr/count_all", 8, {"3", "4"}, {"3", "4"}),
        ("clevr/closest_object_distance", 6, {"8 to 8.5", "over 10"}, {"8 to 8.5", "over 10"}),
        ("kitti/closest_object_distance", 5, {"up to 5.6", "over 23.4", "13.4 to 23.4"}, {"up to 5.6", "over 23.4"}),
        ("kitti/count_vehicles", 4, {"0", "1", "3 or more"}, {"1", "3 or more"}),
        ("kitti/closest_vehicle_distance", 4, {"8 to 20", "over 20", "none"}, {"8 to 20", "over 20"}),
    ],
)
def test_labels_are_computed_from_nested_records(
    task: str, classes: int, validation: set[str], test: set[str], data_dir: Path
) -> None:
    source = opened(task, data_dir)
    assert len(source.classes) == classes
    # A hash of tfds orders the records, so which of them are in which tenth of train is its matter.
    assert set(names(source)["validation"]) <= validation
    assert set(names(source)["test"]) == test
    labels = {label for found in names(source).values() for label in found}
    assert labels == validation


@pytest.mark.parametrize("task", ["kitti/count_vehicles", "kitti/count_vehicles/1k"])
def test_images_stay_with_their_labels(task: str, data_dir: Path) -> None:
    source = opened(task, data_dir)
    found = {
        shade: source.classes[e.label] for shade, e in zip(shades(source, "train"), source.splits["train"], strict=True)
    }
    assert found == {0: "1", 1: "3 or more", 2: "0"}


@pytest.mark.parametrize(("task", "classes"), [("label_x_position", 32), ("label_orientation", 40)])
def test_images_of_0_and_1_become_black_and_white(task: str, classes: int, data_dir: Path) -> None:
    source = opened(f"dsprites/{task}", data_dir)
    assert source.classes == tuple(map(str, range(classes)))
    assert {split: len(found) for split, found in source.splits.items()} == {"train": 16, "validation": 2, "test": 2}
    for example, content in zip(source.splits["train"], source.contents("train"), strict=True):
        pixels = decode(content, (64, 64))
        assert np.unique(pixels).tolist() == [0, 255]
        ((row, column, _), *_) = np.argwhere(pixels)
        assert (example.label, column) == (row if classes == 40 else row % 2, 5)


@pytest.mark.parametrize(("label", "classes"), [("category", 5), ("elevation", 9), ("azimuth", 18), ("lighting", 6)])
def test_the_first_of_two_images_is_read(label: str, classes: int, data_dir: Path) -> None:
    source = opened(f"smallnorb/label_{label}", data_dir)
    assert [shade % classes for shade in shades(source, "train")] == [e.label for e in source.splits["train"]]
    assert len(source.classes) == classes
    assert numbers(source)["validation"] + numbers(source)["test"] == [f"test/{i}" for i in range(20)]
    assert 200 not in shades(source, "train")


def test_neither_images_nor_tensorflow_are_touched_for_labels(data_dir: Path) -> None:
    code = (
        "import sys\n"
        "from ramet.tasks.sources import open_source\n"
        "source = open_source('papers:clevr/count_all')\n"
        "print(source.uri, len(source.splits['train']), 'tensorflow' in sys.modules, 'cv2' in sys.modules)\n"
        "print(type(next(source.contents('train'))).__name__)"
    )
    environment = {**os.environ, "TFDS_DATA_DIR": str(data_dir)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["papers:clevr/count_all", "18", "False", "False", "bytes"]


def written(folder: Path, dataset: str, splits: Mapping[str, list[dict[str, Any]]], classes: Sequence[str]) -> None:
    def features(features: Any) -> dict[str, Any]:
        return {"image": features.Image(), "label": features.ClassLabel(names=list(classes))}

    prepare(folder, dataset, features, splits)


def test_splits_that_are_joined(tmp_path: Path) -> None:
    splits = {f"{split}{letter}": labelled(*[y] * 10) for split in ("train", "test") for y, letter in enumerate("AB")}
    written(tmp_path, "cycle_gan/maps:3.0.0", splits, "AB")
    source = opened("cycle_gan/maps", tmp_path)
    assert numbers(source)["validation"] == ["trainA/0", "trainB/0"]
    assert numbers(source)["train"] == [f"train{letter}/{i}" for letter in "AB" for i in range(1, 10)]
    assert names(source)["test"] == ["A"] * 10 + ["B"] * 10
    assert len(shades(source, "test")) == 20


def test_a_split_of_another_data_set(tmp_path: Path) -> None:
    written(tmp_path, "cifar10:3.0.2", {"train": labelled(0, 1, 0), "test": labelled(0, 1)}, ["cat", "dog"])
    with pytest.raises(DataError, match="tfds:cifar10_1 is not prepared"):
        opened("cifar10", tmp_path)
    written(tmp_path, "cifar10_1/v4:1.1.0", {"test": labelled(1, 1, 0, 0)}, ["cat", "dog"])
    source = opened("cifar10", tmp_path)
    assert numbers(source)["validation"] == [f"cifar10_1:test/{i}" for i in range(4)]
    assert sorted(names(source)["validation"]) == ["cat", "cat", "dog", "dog"]
    assert len(shades(source, "validation")) == 4
    assert {"dataset_info.json", "cifar10_1/dataset_info.json"} <= source.stamps().keys()


def test_classes_of_another_data_set_may_be_numbered(tmp_path: Path) -> None:
    written(tmp_path, "cifar10:3.0.2", {"train": labelled(0, 1), "test": labelled(0, 1)}, ["cat", "dog"])
    written(tmp_path, "cifar10_1/v4:1.1.0", {"test": labelled(1)}, ["0", "1"])
    assert names(opened("cifar10", tmp_path))["validation"] == ["dog"]


@pytest.mark.parametrize("others", [["dog", "cat"], ["cat", "dog", "emu"], ["0", "1", "2"]])
def test_another_data_set_of_other_classes(others: list[str], tmp_path: Path) -> None:
    written(tmp_path, "cifar10:3.0.2", {"train": labelled(0, 1), "test": labelled(0, 1)}, ["cat", "dog"])
    written(tmp_path, "cifar10_1/v4:1.1.0", {"test": labelled(1)}, others)
    with pytest.raises(DataError, match=r"cifar10_1/v4/1.1.0 has other classes than tfds:.*cifar10/3.0.2; "):
        opened("cifar10", tmp_path)


def test_the_highest_version_that_fits_is_read(tmp_path: Path) -> None:
    splits = {split: labelled(0, 1) for split in ("train", "validation", "test")}
    for version in ("2.9.0", "3.0.1", "3.1.0", "4.0.0"):
        write = {**splits, "test": labelled(*[0, 1] * (2 if version == "3.1.0" else 1))}
        written(tmp_path, f"dtd:{version}", write, ["dots", "lines"])
    assert len(opened("dtd", tmp_path).splits["test"]) == 4


def test_no_version_fits(tmp_path: Path) -> None:
    written(tmp_path, "dtd:4.0.0", {"train": labelled(0, 1)}, ["dots", "lines"])
    with pytest.raises(DataError) as raised:
        opened("dtd", tmp_path)
    assert raised.value.problem == "tfds:dtd:3.*.* is not prepared"
    command = f"tfds build 'dtd:3.*.*' --file_format=array_record --data_dir={tmp_path}"
    assert raised.value.remedy.endswith(f'(pip install "ramet[prepare]"): {command}')


def test_classes_that_the_few_examples_of_vtab_lack_are_tested_all_the_same(tmp_path: Path) -> None:
    splits = {"train": labelled(0, 1), "validation": labelled(0), "test": labelled(0, 1, 2)}
    written(tmp_path, "dtd:3.0.1", splits, ["dots", "lines", "holes"])
    assert names(opened("dtd/1k", tmp_path))["test"].count("holes") == 1


def test_labels_without_names_are_counted(tmp_path: Path) -> None:
    def features(features: Any) -> dict[str, Any]:
        return {"image": features.Image(), "label": features.Scalar(dtype=np.int64)}

    prepare(tmp_path, "mnist:3.0.1", features, {"train": labelled(*[0, 1, 4] * 10), "test": labelled(0, 1)})
    assert opened("mnist", tmp_path).classes == ("0", "1", "2", "3", "4")


def test_splits_that_a_data_set_lacks(tmp_path: Path) -> None:
    written(tmp_path, "omniglot:3.0.0", {"train": labelled(0, 1), "test": labelled(0, 1)}, ["a", "b"])
    with pytest.raises(DataError, match=r"omniglot/3.0.0 has no small1 split \(its splits: train, test\); "):
        opened("omniglot", tmp_path)


GONE = {"cycle_gan/cityscapes", "oxford_iiit_pet", "oxford_iiit_pet/1k"}
"""Tasks whose data set tfds no longer makes, or not in that version; their notes say so."""


@pytest.mark.parametrize("entry", [e for e in entries().values() if e.name not in GONE], ids=lambda entry: entry.name)
def test_tfds_makes_what_the_list_names(entry: PapersTask, tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    for dataset in entry.datasets:
        full_name, _, version = dataset.partition(":")
        name, _, config = full_name.partition("/")
        builder = tfds.builder_cls(name)(data_dir=tmp_path, config=config or None, version=version or None)
        features = builder.info.features
        assert type(features["image"]).__name__ == "Image"
        assert ("objects" if entry.label in RULES else entry.label) in features
        assert entry.label in RULES or entry.classes in (None, features[entry.label].num_classes)


# An .npz file in place of what tfds prepares.


def archive(folder: Path, **counts: int) -> str:
    """Images whose shade is their row, labelled by odd and even."""
    arrays: dict[str, Any] = {}
    for split, count in counts.items():
        arrays[f"x_{split}"] = np.stack([np.full((4, 4), row, np.uint8) for row in range(count)])
        arrays[f"y_{split}"] = np.arange(count) % 2
    np.savez_compressed(folder / "a.npz", **arrays)
    return str(folder / "a.npz")


def test_rows_of_a_file_are_those_that_tfds_would_read(tmp_path: Path) -> None:
    """TFDS writes records in the order of the hash of their keys, which are numbers in cmaterdb."""
    file = archive(tmp_path, train=30, test=20)
    records = {s: labelled(*[row % 2 for row in range(n)]) for s, n in (("train", 30), ("test", 20))}
    prepare(tmp_path, "cmaterdb/bangla:1.0.0", labelled_images, records)
    ours, theirs = open_source("papers:cmaterdb/bangla", file=file), opened("cmaterdb/bangla", tmp_path)
    for split in ("train", "validation", "test"):
        assert shades(ours, split) == sorted(shades(theirs, split))
        assert [e.label for e in ours.splits[split]] == [shade % 2 for shade in shades(ours, split)]
    assert numbers(ours)["validation"] == [f"train/{shade}" for shade in shades(ours, "validation")]
    assert len(shades(ours, "validation")) == 6


@pytest.mark.parametrize(
    ("task", "splits", "own", "sizes"),
    [
        ("cmaterdb/telugu", {"train": 20, "test": 10}, False, (16, 4, 10)),
        ("mnist", {"train": 40, "test": 10}, False, (38, 2, 10)),
        ("omniglot", {"train": 40, "test": 10}, True, (38, 2, 10)),
        ("omniglot", {"train": 40}, True, (36, 2, 2)),
        ("cifar10", {"train": 40, "test": 10}, True, (38, 2, 10)),
        ("cycle_gan/maps", {"train": 40, "validation": 6, "test": 10}, True, (40, 6, 10)),
        ("dtd", {"train": 40, "val": 6, "test": 10}, False, (40, 6, 10)),
        ("clevr/count_all", {"train": 40, "validation": 6, "test": 10}, False, (36, 4, 6)),
    ],
)
def test_a_file_that_lacks_splits_gives_its_own(
    task: str, splits: dict[str, int], own: bool, sizes: tuple[int, ...], tmp_path: Path
) -> None:
    file = archive(tmp_path, **splits)
    source = open_source(f"papers:{task}", file=file)
    assert tuple(len(source.splits[split]) for split in ("train", "validation", "test")) == sizes
    assert own_splits(task, file) == own
    assert source.classes == ("0", "1")


def test_a_file_is_named_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path, train=40, test=10)
    monkeypatch.chdir(tmp_path)
    source = open_source("papers:mnist", file="a.npz")
    assert source.uri == f"papers:mnist@{tmp_path}/a.npz"
    assert source.stamps().keys() == {"a.npz"}
    assert open_source("papers:mnist@a.npz").uri == source.uri
    assert open_source(source.uri, file="gone.npz").splits == source.splits


def test_a_folder_is_named_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tfds(tmp_path / "sets", "cmaterdb/bangla:1.0.0")
    monkeypatch.chdir(tmp_path)
    source = open_source("papers:cmaterdb/bangla", data_dir="sets")
    assert source.uri == f"papers:cmaterdb/bangla@{tmp_path}/sets"
    assert open_source(source.uri).splits == source.splits


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"file": "a.npz", "data_dir": "sets"}, InvalidValue, "file and data_dir are two places"),
        ({"file": "a.zip"}, InvalidValue, "a.zip is no .npz file"),
        ({"file": "a.npz"}, DataError, "a.npz does not exist"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        PapersSource.open("mnist", **options)


def test_a_file_of_the_conformance_tests_is_read(tmp_path: Path) -> None:
    assert open_source("papers:cmaterdb/bangla", file=write_npz(tmp_path).removeprefix("npz:")).classes == (
        "blue",
        "red",
    )


@pytest.fixture
def thirty(tmp_path: Path) -> Holding:
    images = np.arange(30, dtype=np.uint8).repeat(16).reshape(30, 4, 4)
    np.savez_compressed(tmp_path / "a.npz", x_train=images, y_train=np.arange(30) % 3)
    return arrays(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_order_is_that_of_the_hash_of_tfds(split: str) -> None:
    from tensorflow_datasets.core.hashing import Hasher

    assert tfds_order(split, 300) == sorted(range(300), key=Hasher(split).hash_key)


def test_rows_of_arrays_are_taken_in_that_order_and_read_in_the_files(thirty: Holding) -> None:
    rows = thirty.rows("train", range(5))
    assert rows == sorted(tfds_order("train", 30)[:5])
    assert [int(np.asarray(content)[0, 0]) for content in thirty.contents("train", rows)] == rows
    assert list(thirty.labels("train", rows)) == [row % 3 for row in rows]
    assert (thirty.sizes, thirty.classes) == ({"train": 30}, ("0", "1", "2"))


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
