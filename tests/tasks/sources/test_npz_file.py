import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ramet.base.errors import DataError
from ramet.tasks.images import decode
from ramet.tasks.sources.npz_file import NpzSource

GREY = np.arange(4 * 3 * 5, dtype=np.uint8).reshape(4, 3, 5)
LABELS = np.array([0, 1, 0, 1])


def save(folder: Path, **arrays: Any) -> str:
    np.savez_compressed(folder / "a.npz", **arrays)
    return str(folder / "a.npz")


@pytest.mark.parametrize("images", [GREY, GREY[..., None], np.stack([GREY] * 3, -1)], ids=["NHW", "NHW1", "NHW3"])
def test_grey_and_rgb_are_read_alike(tmp_path: Path, images: Any) -> None:
    source = NpzSource.open(save(tmp_path, x_train=images, y_train=LABELS[:, None]))
    got = np.stack([decode(content, (3, 5)) for content in source.contents("train")])
    np.testing.assert_array_equal(got, np.stack([GREY] * 3, -1))
    assert [e.label for e in source.splits["train"]] == [0, 1, 0, 1]
    assert source.classes == ("0", "1")


def test_splits_and_class_names(tmp_path: Path) -> None:
    names = {"x_val": GREY[:1], "y_val": LABELS[:1], "x_test": GREY[:2], "y_test": LABELS[:2], "extra": LABELS}
    source = NpzSource.open(save(tmp_path, x_train=GREY, y_train=LABELS, class_names=["cat", "dog"], **names))
    assert source.classes == ("cat", "dog")
    assert {s: [e.identifier for e in found] for s, found in source.splits.items()} == {
        "train": ["train/0", "train/1", "train/2", "train/3"],
        "validation": ["validation/0"],
        "test": ["test/0", "test/1"],
    }
    assert len(list(source.contents("validation"))) == 1


def test_images_are_streamed(tmp_path: Path) -> None:
    images = np.zeros((1000, 64, 64, 3), np.uint8)
    source = NpzSource.open(save(tmp_path, x_train=images, y_train=np.arange(1000) % 2))
    tracemalloc.start()
    count = sum(1 for _ in source.contents("train"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 1000
    assert peak < images.nbytes / 4


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": GREY, "labels": LABELS}, ["no array x_train or x", "images, labels"]),
        ({"x": GREY}, ["has x but no y"]),
        ({"x": GREY, "y": LABELS, "class_names": np.array([b"cat", b"d\xe4g"])}, ["class_names", "'d\\udce4g'"]),
        ({"x": GREY, "y": LABELS, "class_names": np.array(["cat", "d\udce4g"])}, ["class_names", "'d\\udce4g'"]),
        ({"x": GREY, "y": LABELS * 10**6}, ["the label 1000000"]),
        ({"x_train": GREY}, ["x_train but no y_train"]),
        ({"x_train": GREY, "y_train": LABELS / 2}, ["y_train", "float64", "integer labels"]),
        ({"x_train": GREY, "y_train": LABELS[:3]}, ["4 images in x_train and 3 labels"]),
        ({"x_train": GREY / 255, "y_train": LABELS}, ["x_train", "float64", "uint8"]),
        ({"x_train": GREY[0], "y_train": LABELS}, ["x_train", "(3, 5)"]),
        ({"x_train": np.stack([GREY] * 4, -1), "y_train": LABELS}, ["x_train", "(4, 3, 5, 4)"]),
        ({"x_train": np.asfortranarray(GREY), "y_train": LABELS}, ["x_train", "Fortran", "ascontiguousarray"]),
        ({"x_train": GREY, "y_train": np.array([0, None, 1, 0])}, ["cannot be read", "allow_pickle"]),
        ({"x_train": np.array([None]), "y_train": LABELS[:1]}, ["x_train", "object"]),
    ],
)  # fmt: skip
def test_bad_arrays(tmp_path: Path, arrays: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(DataError) as raised:
        NpzSource.open(save(tmp_path, **arrays))
    assert raised.value.remedy
    assert [word for word in ["a.npz", *words] if word not in str(raised.value)] == []


def test_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GREY)
    with pytest.raises(DataError, match=r"a\.npy is no \.npz archive; save uint8 arrays"):
        NpzSource.open(str(tmp_path / "a.npy"))


def test_damage_is_found_while_reading(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    file = Path(save(tmp_path, y_train=LABELS, x_train=rng.integers(0, 256, (4, 60, 60), dtype=np.uint8)))
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo("x_train.npy").header_offset
    content = bytearray(file.read_bytes())
    content[start + 8000] ^= 0xFF
    file.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"x_train of .*a\.npz is damaged"):
        list(NpzSource.open(str(file)).contents("train"))


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (np.array([b"cat", "h\u00f6rn".encode()]), ("cat", "h\u00f6rn")),
        (np.array(["cat", "dog"]), ("cat", "dog")),
        (np.array([["cat"], ["dog"]]), ("cat", "dog")),
        (np.array([7, 3]), ("7", "3")),
    ],
)
def test_class_names_of_any_type(tmp_path: Path, names: Any, classes: tuple[str, ...]) -> None:
    assert NpzSource.open(save(tmp_path, x_train=GREY, y_train=LABELS, class_names=names)).classes == classes


def test_one_split_may_be_called_x_and_y(tmp_path: Path) -> None:
    source = NpzSource.open(save(tmp_path, x=GREY, y=LABELS))
    assert list(source.splits) == ["train"]
    assert [content.tobytes() for content in source.contents("train")] == [row.tobytes() for row in GREY]
