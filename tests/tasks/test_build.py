import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ramet.base.errors import DataError, InvalidValue
from ramet.tasks.build import Size, assign, fingerprint_of, ordered_map
from ramet.tasks.data import add, open_splits
from ramet.tasks.images import decode
from ramet.tasks.sources import open_source
from ramet.tasks.sources.base import Example
from tests.tasks.examples import write_folder

COUNTS = st.lists(st.integers(3, 60), min_size=2, max_size=6)
FRACTIONS = st.floats(0.01, 0.45)


def fingerprint(folder: Path) -> str:
    return fingerprint_of(open_source(str(folder)))


def test_a_pinned_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"one")
    (tmp_path / "b" / "2.png").write_bytes(b"two")
    assert fingerprint(tmp_path) == "227dcfa2081fff1253badd7fb016cbd93d64ced50928759874286667f2020929"


def test_the_fingerprint_is_of_the_contents(tmp_path: Path) -> None:
    write_folder(tmp_path / "a")
    write_folder(tmp_path / "b")
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


@pytest.mark.parametrize(
    ("path", "to"),
    [
        pytest.param("test/red/02.png", "test/red/2.png", id="another name"),
        pytest.param("test/red/02.png", "test/blue/02.png", id="another class"),
        pytest.param("test/red/02.png", "train/red/02.png", id="another split"),
        pytest.param("test/red/02.png", "away.png", id="removed"),
        pytest.param("test/red", "test/crimson", id="another class name"),
    ],
)
def test_the_fingerprint_changes_with(tmp_path: Path, path: str, to: str) -> None:
    write_folder(tmp_path)
    before = fingerprint(tmp_path)
    (tmp_path / path).rename(tmp_path / to)
    if to == "test/crimson":
        (tmp_path / "train" / "red").rename(tmp_path / "train" / "crimson")
    assert fingerprint(tmp_path) != before


def test_one_byte_changes_the_fingerprint(tmp_path: Path) -> None:
    write_folder(tmp_path)
    before = fingerprint(tmp_path)
    with (tmp_path / "test" / "red" / "02.png").open("ab") as file:
        file.write(b"\0")
    assert fingerprint(tmp_path) != before


@pytest.mark.parametrize(
    ("sizes", "max_side", "expected"),
    [
        ([(28, 28)], 224, (28, 28)),
        ([(28, 20)], 28, (28, 20)),
        ([(28, 20)], 24, (24, 24)),
        ([(28, 20), (20, 28)], 224, (28, 28)),
        ([(300, 20), (20, 28)], 224, (224, 224)),
        ([(300, 20), (224, 224)], 224, (224, 224)),
    ],
)
def test_the_common_size_and_its_pixels(tmp_path: Path, sizes: list[Size], max_side: int, expected: Size) -> None:
    rng = np.random.default_rng(0)
    for i in range(12):
        file = tmp_path / "source" / "ab"[i % 2] / f"{i:02}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        height, width = sizes[i // 2 % len(sizes)]
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(file)
    source = str(tmp_path / "source")
    task = add(tmp_path / "system", "t", source, max_side=max_side, validation=0.2, test=0.2)
    assert tuple(task.options["size"]) == expected
    got = {image.tobytes() for split in open_splits(tmp_path / "system", task).values() for image in split.images}
    assert got == {decode(file, expected).tobytes() for file in Path(source).rglob("*.jpg")}


def train(counts: list[int]) -> list[Example]:
    return [Example(f"{label}/{i}.png", label) for label, count in enumerate(counts) for i in range(count)]


@given(COUNTS, FRACTIONS, FRACTIONS)
def test_every_class_gives_its_share_within_one(counts: list[int], validation: float, test: float) -> None:
    examples = train(counts)
    places = assign({"train": examples}, validation=validation, test=test)["train"]
    assert len(places) == len(examples)
    got = Counter((example.label, place) for example, place in zip(examples, places, strict=True))
    for label, count in enumerate(counts):
        assert abs(got[label, "test"] - count * test) <= 1
        assert abs(got[label, "validation"] - count * validation) <= 1
        assert min(got[label, split] for split in ("train", "validation", "test")) >= 1
        assert sum(got[label, split] for split in ("train", "validation", "test")) == count


@given(COUNTS, st.randoms(use_true_random=False))
def test_the_order_of_listing_does_not_matter(counts: list[int], random: Random) -> None:
    examples = train(counts)
    shuffled = random.sample(examples, len(examples))
    places = dict(zip(examples, assign({"train": examples})["train"], strict=True))
    assert dict(zip(shuffled, assign({"train": shuffled})["train"], strict=True)) == places


def test_five_percent_each_from_data_sorted_by_class() -> None:
    places = assign({"train": train([1000, 200])})["train"]
    assert Counter(places) == {"train": 1080, "validation": 60, "test": 60}
    assert Counter(places[:1000]) == {"train": 900, "validation": 50, "test": 50}
    halves = [Counter(places[start : start + 500])["test"] for start in (0, 500)]
    assert min(halves) > 10


def test_splits_are_the_same_for_ever() -> None:
    places = assign({"train": train([8, 8])}, validation=0.25, test=0.25)["train"]
    assert "".join(place[1] for place in places) == "ararrreeeaarrrre"


@pytest.mark.parametrize(
    ("given_splits", "fractions", "expected"),
    [
        (["test"], {}, {"train": 38, "validation": 2, "test": 9}),
        (["validation"], {"test": 0.5}, {"train": 20, "validation": 9, "test": 20}),
        (["validation", "test"], {}, {"train": 40, "validation": 9, "test": 9}),
    ],
)
def test_splits_of_the_data_are_kept(
    given_splits: list[str], fractions: dict[str, float], expected: dict[str, int]
) -> None:
    splits = {"train": train([20, 20]), **{s: [Example(f"{s}/{i}", i % 2) for i in range(9)] for s in given_splits}}
    assigned = assign(splits, **fractions)
    assert all(assigned[split] == [split] * 9 for split in given_splits)
    assert Counter(place for places in assigned.values() for place in places) == expected


def test_small_classes_stay_in_train() -> None:
    places = assign({"train": train([1, 2, 3])})["train"]
    assert places[:3] == ["train"] * 3
    assert sorted(places[3:]) == ["test", "train", "validation"]


@pytest.mark.parametrize(
    ("splits", "fractions", "words"),
    [
        (["train"], {"validation": 0.0}, "validation = 0.0 is not a fraction"),
        (["train"], {"test": 1.0}, "test = 1.0 is not a fraction"),
        (["train"], {"test": -0.1}, "test = -0.1 is not a fraction"),
        (["train"], {"test": float("nan")}, "test = nan is not a fraction"),
        (["train"], {"test": 0.6, "validation": 0.5}, "0.6 and 0.5 leave no image to train on"),
        (["train", "test"], {"test": 0.2}, "test = 0.2 asks for a test split that the source already has"),
    ],
)
def test_fractions_that_make_no_sense(splits: list[str], fractions: dict[str, float], words: str) -> None:
    with pytest.raises(InvalidValue, match=words) as raised:
        assign({split: train([9, 9]) for split in splits}, **fractions)
    assert raised.value.remedy


def test_classes_too_small_to_split() -> None:
    with pytest.raises(DataError, match="no class has enough images to give one to the test split; add images"):
        assign({"train": train([2, 2])})


@pytest.mark.parametrize("count", [0, 1, 16, 17, 1000])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    def slow_at_first(i: int) -> int:
        time.sleep(0.01 if i < 3 else 0)
        return i * i

    assert list(ordered_map(slow_at_first, iter(range(count)))) == [i * i for i in range(count)]


def test_items_are_taken_in_this_thread_and_only_a_little_ahead() -> None:
    taken: list[int] = []
    threads: set[int] = set()

    def items() -> Iterator[int]:
        for i in range(10_000):
            taken.append(i)
            threads.add(threading.get_ident())
            yield i

    results = ordered_map(lambda i: i, items())
    assert next(results) == 0
    assert len(taken) <= 16 * (min(16, os.cpu_count() or 1) + 2)
    results.close()  # type: ignore[attr-defined]
    assert threads == {threading.get_ident()}


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda i: 1 // (30 - i), range(100)))
