import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.errors import InvalidValue, StoreError
from ramet.store.codec import (
    child_of,
    child_record,
    dumps,
    loads,
    measured,
    measurements,
    path_of,
    path_record,
    task_of,
)
from tests.store.examples import a_child, a_path, a_task

values = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text()
)


@given(st.dictionaries(st.text(), st.floats()))
def test_measurements_of_any_kind_survive_standard_json(metrics: dict[str, float]) -> None:
    back = measured(json.loads(dumps(measurements(metrics)), parse_constant=pytest.fail))
    assert repr(sorted(back.items())) == repr(sorted((name, float(value)) for name, value in metrics.items()))


@given(st.dictionaries(st.text(), values), st.dictionaries(st.text(), st.floats(0, 1)))
def test_a_path_survives_and_keeps_its_id(hyperparameters: dict[str, object], mu: dict[str, float]) -> None:
    path = a_path(hyperparameters=hyperparameters, mu=mu, trained=("head",), parent="ab", metrics={"quality": 0.5})
    back = path_of(loads(dumps(path_record(path))), measurements(path.metrics))
    assert back == path == back.identified()


def test_a_child_survives_with_what_it_measured() -> None:
    child = a_child(a_path(metrics={"quality": -inf}), number=3, generation=2, cycle=1)
    record = loads(dumps(child_record(child)))
    assert child_of((1, 2, 3), record, path_record(child.path), {}) == child


def test_a_task_survives() -> None:
    from ramet.records import to_json

    assert task_of(loads(dumps(to_json(a_task())))) == a_task()


@pytest.mark.parametrize("number", [nan, inf])
def test_other_numbers_must_be_finite(number: float) -> None:
    with pytest.raises(InvalidValue, match="not finite"):
        dumps({"mu": number})


def test_damaged_text_is_the_stores_error() -> None:
    with pytest.raises(StoreError, match="damaged"):
        loads('{"a":')
