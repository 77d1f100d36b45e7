from pathlib import Path
from typing import Any

import datasets
import pytest

from ramet.base.errors import DataError
from ramet.tasks.data import add
from ramet.tasks.sources.huggingface import HuggingFaceSource
from tests.tasks.examples import picture, png

ROWS = [png(picture("train", i % 2, i)) for i in range(4)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local data files are converted into the library's cache, which is not to be the user's."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def table(column: str, feature: Any, labels: list[Any]) -> datasets.Dataset:
    features = datasets.Features({"image": datasets.Image(), column: feature})
    rows = {"image": [{"bytes": row, "path": None} for row in ROWS], column: labels}
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.mark.parametrize(
    ("feature", "labels", "classes", "expected"),
    [
        (datasets.ClassLabel(names=["dog", "cat"]), [0, 1, 0, 1], ("dog", "cat"), [0, 1, 0, 1]),
        (datasets.Value("string"), ["dog", "cat", "dog", "cat"], ("cat", "dog"), [1, 0, 1, 0]),
        (datasets.Value("int64"), [7, 3, 7, 3], ("3", "7"), [1, 0, 1, 0]),
    ],
)
def test_labels(tmp_path: Path, feature: Any, labels: list[Any], classes: tuple[str, ...], expected: list[int]) -> None:
    table("label", feature, labels).save_to_disk(str(tmp_path / "saved"))
    source = HuggingFaceSource.open(str(tmp_path / "saved"))
    assert source.classes == classes
    assert [e.label for e in source.splits["train"]] == expected
    assert list(source.contents("train")) == ROWS


def test_saved_rows_that_were_picked_and_formatted(tmp_path: Path) -> None:
    picked = table("label", datasets.ClassLabel(names=["a", "b"]), [0, 1, 0, 1]).select([3, 0]).with_format("numpy")
    picked.save_to_disk(str(tmp_path / "saved"))
    source = HuggingFaceSource.open(str(tmp_path / "saved"))
    assert [e.label for e in source.splits["train"]] == [1, 0]
    assert list(source.contents("train")) == [ROWS[3], ROWS[0]]


def test_a_folder_of_data_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    table("label", datasets.ClassLabel(names=["a", "b"]), [0, 1, 0, 1]).to_parquet(tmp_path / "data" / "train.parquet")
    source = HuggingFaceSource.open(str(tmp_path / "data"))
    assert source.classes == ("a", "b")
    assert list(source.contents("train")) == ROWS
    assert source.stamps()


def test_columns_by_options(tmp_path: Path) -> None:
    both = table("fine", datasets.ClassLabel(names=["a", "b"]), [0, 1, 0, 1]).add_column("coarse", ["x"] * 3 + ["y"])
    both.save_to_disk(str(tmp_path / "saved"))
    assert HuggingFaceSource.open(str(tmp_path / "saved")).classes == ("a", "b")
    assert HuggingFaceSource.open(str(tmp_path / "saved"), label="coarse").classes == ("x", "y")


@pytest.mark.parametrize(("config", "words"), [("", ["cannot be loaded"]), (":large", ["cannot be loaded", ":large"])])
def test_what_cannot_be_loaded(tmp_path: Path, config: str, words: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as raised:
        HuggingFaceSource.open(f"{tmp_path / 'empty'}{config}")
    assert "\n" not in str(raised.value)
    assert [word for word in [f"hf:{tmp_path / 'empty'}", *words] if word not in str(raised.value)] == []


@pytest.mark.parametrize(
    ("feature", "labels"),
    [
        (datasets.ClassLabel(names=["dog", "cat"]), [0, None, None, 1]),
        (datasets.Value("string"), ["dog", None, None, "cat"]),
        (datasets.Value("int64"), [3, None, None, 7]),
    ],
)
def test_missing_labels_are_refused(tmp_path: Path, feature: Any, labels: list[Any]) -> None:
    table("label", feature, labels).save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(DataError, match=r"2 rows of hf:.*saved without a label \(first train/1\)"):
        HuggingFaceSource.open(str(tmp_path / "saved"))


def test_a_missing_image_is_one_that_cannot_be_decoded(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    whole = [png(picture("train", i % 2, i)) for i in range(8)]
    images = [{"bytes": row, "path": None} for row in whole]
    rows = {"image": [*images[:4], None, *images[4:]], "label": [0, 1, 0, 1, 0, 0, 1, 0, 1]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))
    source = f"hf:{tmp_path / 'saved'}"
    with pytest.raises(DataError, match=r"train/4 of .* cannot be decoded: empty"):
        add(tmp_path / "system", "t", source, max_side=8, validation=0.3, test=0.3)
    task = add(tmp_path / "system", "t", source, max_side=8, validation=0.3, test=0.3, skip_bad_images=True)
    assert task.options["skipped"] == {"train/4": "empty"}
    assert task.options["columns"] == {"image": "image", "label": "label"}
