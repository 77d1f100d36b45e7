"""ramet's own sources pass, and a broken one is caught by each check."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from ramet.tasks.sources import Example, Source, open_source
from ramet.testing import Broken, check_source
from tests.tasks.examples import write_class_folders


@pytest.mark.parametrize("text", ["demo:digits", "folder"])
def test_packaged_sources_pass(text, tmp_path):
    place = write_class_folders(tmp_path) if text == "folder" else text
    check_source(lambda: open_source(place))


@dataclass(frozen=True, kw_only=True)
class Mine(Source):
    how: str = ""

    def contents(self, split):
        pixels = np.zeros((4, 4, 3), np.uint8)
        for number, _ in enumerate(self.splits[split]):
            if self.how == "one buffer":
                pixels[:] = number
                yield pixels
            elif self.how == "no image":
                yield b"no image"
            elif self.how == "chance":
                yield np.random.default_rng().integers(0, 255, (4, 4, 3)).astype(np.uint8)
            else:
                yield np.full((4, 4, 3), number, np.uint8)
            if self.how == "too few":
                return

    def stamps(self):
        return {"file": str(np.random.default_rng().random()) if self.how == "stamps" else "1"}


def opened(how: str = "", **changes) -> Source:
    train = [Example(f"image {i}", i % 2) for i in range(4)]
    return replace(Mine(uri="mine:here", classes=("a", "b"), splits={"train": train}, how=how), **changes)


def test_a_right_one_passes():
    check_source(opened, reopens=False)


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("one buffer", "changes when the next"), ("no image", "cannot be decoded"),
        ("chance", "images of train are others"), ("too few", "4 examples, and 1 images"), ("stamps", "stamps"),
    ],
)  # fmt: skip
def test_what_is_broken_is_caught(how, what):
    with pytest.raises(Broken, match=what):
        check_source(lambda: opened(how), reopens=False)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"splits": {"train": [Example("x", 0), Example("x", 1)]}}, "'x' comes 2 times"),
        ({"splits": {"train": [Example("x", 0), Example("y", 2)]}}, "label 2"),
        ({"splits": {"all": [Example("x", 0), Example("y", 1)]}}, r"its splits are \['all'\]"),
    ],
)
def test_examples_that_make_no_task_are_caught(changes, what):
    with pytest.raises(Broken, match=what):
        check_source(lambda: opened(**changes), reopens=False)


def test_another_order_the_next_time_is_caught():
    turns = iter([1, -1])

    def turning():
        right = opened()
        return replace(right, splits={"train": right.splits["train"][:: next(turns)]})

    with pytest.raises(Broken, match="others' order"):
        check_source(turning, reopens=False)
