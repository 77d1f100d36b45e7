import json
import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.cli.output import percent, plain, setting, size


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: percent(0.8749), "87.5%"),
        (lambda: percent(None), "–"),
        (lambda: percent(math.nan), "–"),
        (lambda: size(0), "0 B"),
        (lambda: size(5_870_000), "5.87 MB"),
        (lambda: setting(True), "true"),
        (lambda: setting(0.01), "0.01"),
    ],
)
def test_values_as_text(call: object, text: str) -> None:
    assert callable(call)
    assert call() == text


@dataclass(frozen=True)
class Record:
    value: object


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(), inner) | inner.map(Record) | inner.map(lambda x: (x,))
        ),
    )
)
def test_any_record_is_json_without_nan(value: object) -> None:
    json.dumps(plain(value), allow_nan=False)


def test_records_become_objects_and_nan_null() -> None:
    assert plain([Record((math.nan, 1.5)), {"a": -math.inf}]) == [{"value": [None, 1.5]}, {"a": None}]
