from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import DataError, InvalidValue
from ramet.tasks.sources.base import Example
from ramet.tasks.splits import assign

COUNTS = st.lists(st.integers(3, 60), min_size=2, max_size=6)
FRACTIONS = st.floats(0.01, 0.45)


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
