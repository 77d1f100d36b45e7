from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.method.document.hyperparameters import DOMAINS, Choices, Hyperparameter, is_shared, parse
from tests.method.helpers import BASE, TINY

MEAN = replace(TINY, pool="mean")
LARGE_PATCHES = replace(TINY, patch_size=32)


@pytest.mark.parametrize(
    ("name", "raw", "default", "values"),
    [
        ("opt.lr", 0.1, 0.1, (0.1,)),
        ("opt.lr", "1e-3", 0.001, (0.001,)),
        ("opt.lr", {"default": 0.1}, 0.1, (0.1,)),
        ("opt.lr", {"default": 1, "values": [1, "2e-1"]}, 1.0, (1.0, 0.2)),
        ("opt.lr", {"default": 0.1, "values": None}, 0.1, (0.1,)),
        ("opt.lr", {"default": 0.1, "values": 0.1}, 0.1, (0.1,)),
        ("adapter_width", {"default": 16.0, "values": "8..24 step 8"}, 16, (8, 16, 24)),
        ("mu", {"default": 0.3, "values": "0.02..0.30 step 0.02"}, 0.3, tuple(i / 50 for i in range(1, 16))),
        ("layers", {"default": 0, "values": "0..3"}, 0, (0, 1, 2, 3)),
        ("layers", {"default": 4, "values": "0..root"}, 4, "0..root"),
        ("layers", "root", "root", ("root",)),
        ("data.flip", {"default": False, "values": [False, True]}, False, (False, True)),
    ],
)
def test_parse(name: str, raw: Any, default: Any, values: Any) -> None:
    found = parse(name, raw)
    assert found == Hyperparameter(default=default, values=values)
    assert type(found.default) is type(default)
    assert parse(name, found.model_dump(mode="json")) == found


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("opt.lr", {"default": 1, "vals": [1]}, "hyperparameters.opt.lr has no 'vals'"),
        ("opt.lr", {"values": [1]}, "hyperparameters.opt.lr.default is missing"),
        ("opt.lr", -1, "hyperparameters.opt.lr.default is -1; give a number from 1e-09 to 100"),
        ("opt.lr", float("nan"), "hyperparameters.opt.lr.default is nan"),
        ("opt.lr", True, "hyperparameters.opt.lr.default is true"),
        ("opt.lr", None, "hyperparameters.opt.lr.default is none"),
        ("opt.lr", "root", "hyperparameters.opt.lr.default is 'root'"),
        ("opt.lr", {"default": 0.1, "values": [0.1, 0.1]}, "says a value twice"),
        ("opt.lr", {"default": 0.1, "values": []}, "hyperparameters.opt.lr.values is empty"),
        (
            "opt.lr",
            {"default": 0.015, "values": [0.01, 0.02]},
            "set opt.lr.default to one of 0.01, 0.02, or new values",
        ),
        ("layers", 1.5, "hyperparameters.layers.default is 1.5; give a whole number of at least 0, or root"),
        ("layers", {"default": 1, "values": "3..1"}, "put the lower end first"),
        ("layers", {"default": 1, "values": "0..x"}, "hyperparameters.layers.values is 'x'"),
        ("layers", {"default": 1, "values": "0..4 step 0"}, "write a range as"),
        ("layers", {"default": 1, "values": "0..1000000000"}, "at most 1000 steps"),
        ("layers", {"default": 1, "values": "0..4 by 2"}, "write a range as"),
        ("layers", {"default": 1, "values": "0..root step 1e-9"}, "write a range as"),
        ("data.flip", {"default": True, "values": "0..1"}, "write a range as"),
        ("data.flip", 1, "hyperparameters.data.flip.default is 1; give true or false"),
        ("data.hue", 0.6, "give a number from 0 to 0.5"),
    ],
)
def test_what_is_wrong_is_named_in_one_line_with_a_remedy(name: str, raw: Any, message: str) -> None:
    with pytest.raises((InvalidValue, UnknownName)) as caught:
        parse(name, raw)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "raw", "architecture", "expected"),
    [
        ("layers", {"default": "root", "values": "0..root"}, TINY, Choices(3, (1, 2, 3))),
        ("layers", {"default": "root", "values": "0..root"}, MEAN, Choices(3, (0, 1, 2, 3))),
        ("layers", {"default": 3, "values": "0..root"}, BASE, Choices(3, tuple(range(1, 13)))),
        ("layers", {"default": 12, "values": "0..root"}, TINY, Choices(3, (1, 2, 3))),
        ("layers", {"default": 0, "values": "0..3"}, TINY, Choices(1, (1, 2, 3))),
        ("layers", {"default": 0, "values": "0..3"}, MEAN, Choices(0, (0, 1, 2, 3))),
        ("data.image_size", {"default": "root", "values": None}, BASE, Choices(224, (224,))),
        ("data.image_size", {"default": 32, "values": [32, "root"]}, BASE, Choices(32, (32, 224))),
        ("data.image_size", {"default": 32, "values": "16..64 step 16"}, LARGE_PATCHES, Choices(32, (32, 48, 64))),
        ("data.image_size", {"default": 64, "values": "root..96 step 32"}, TINY, Choices(64, (32, 64, 96))),
        ("opt.lr", {"default": 0.1, "values": [0.1, 0.2]}, TINY, Choices(0.1, (0.1, 0.2))),
    ],
)
def test_choices_for_a_root(name: str, raw: Any, architecture: Any, expected: Choices) -> None:
    assert parse(name, raw).choices(name, architecture) == expected


def test_a_root_that_can_use_no_value_is_an_error() -> None:
    with pytest.raises(InvalidValue, match=r"layers has only values below 1.*layers=\[1\]"):
        parse("layers", 0).choices("layers", TINY)


LIST = Choices(5, (1, 5, 10))


@pytest.mark.parametrize(("value", "up", "expected"), [(5, True, 10), (5, False, 1), (10, True, 10), (1, False, 1)])
def test_step(value: int, up: bool, expected: int) -> None:
    assert LIST.step(value, up) == expected


@pytest.mark.parametrize(("value", "expected"), [(5, 5), (7, 5), (8, 10), (-3, 1), (99, 10), (3, 1), (5.0, 5)])
def test_nearest(value: float, expected: int) -> None:
    assert LIST.nearest(value) == expected
    assert isinstance(LIST.nearest(value), int)


def test_nearest_of_a_switch() -> None:
    assert Choices(False, (False,)).nearest(True) is False
    assert Choices(False, (False, True)).nearest(True) is True


def test_data_are_those_of_the_generation() -> None:
    assert sum(map(is_shared, DOMAINS)) == 9
    assert next(iter(DOMAINS)) == "mu"


@given(
    st.sampled_from([*DOMAINS]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.sampled_from(["root", "0..root", "1..4"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["default", "values", "x"]), inner),
        max_leaves=6,
    ),
)
def test_anything_is_a_hyperparameter_or_an_error(name: str, raw: Any) -> None:
    try:
        found = parse(name, raw)
    except RametError as error:
        message = str(error)
        assert "\n" not in message
        return
    assert parse(name, found.model_dump(mode="json")) == found
