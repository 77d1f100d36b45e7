import json
from collections.abc import Callable
from dataclasses import fields, make_dataclass, replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue, StoreError
from ramet.base.records import Architecture, Child, Commit, Component, Path, Task, canonical_json, content_id
from ramet.store.catalog.codec import (
    child_of,
    child_record,
    dumps,
    loads,
    measured,
    measurements,
    path_of,
    path_record,
    reader,
    task_of,
    task_record,
)
from tests.store.examples import a_child, a_path, a_task

numbers = st.floats(allow_nan=False, allow_infinity=False)
components = st.builds(
    Component,
    st.text(max_size=5),
    st.text(max_size=5),
    st.integers(0),
    st.none() | st.text(max_size=3),
    st.none() | st.text(max_size=3),
    st.booleans(),
)
paths = st.builds(
    Path,
    id=st.text(max_size=4),
    task=st.none() | st.text(max_size=4),
    architecture=st.just(a_path().architecture),
    components=st.lists(components, max_size=3).map(tuple),
    hyperparameters=st.dictionaries(st.text(max_size=4), st.booleans() | st.integers() | numbers | st.text(max_size=4)),
    mu=st.dictionaries(st.text(max_size=4), numbers),
    trained=st.lists(st.text(max_size=4)).map(tuple),
    parent=st.none() | st.text(max_size=3),
    metrics=st.dictionaries(st.text(max_size=4), st.floats(allow_nan=False)),
)


@given(st.dictionaries(st.text(), st.floats()))
def test_measurements_of_any_kind_survive_standard_json(metrics: dict[str, float]) -> None:
    back = measured(json.loads(dumps(measurements(metrics)), parse_constant=pytest.fail))
    assert repr(sorted(back.items())) == repr(sorted((name, float(value)) for name, value in metrics.items()))


@given(paths)
def test_a_path_survives_with_every_type_and_keeps_its_id(path: Path) -> None:
    back = path_of(dumps(path_record(path)), measurements(path.metrics))
    assert back == path
    assert back.identified().id == path.identified().id  # 1 and 1.0 and True are equal, but not the same


def test_what_paths_have_in_common_is_held_once() -> None:
    path = a_path()
    one, other = (path_of(dumps(path_record(replace(path, agent=agent)))) for agent in ("x", "y"))
    assert all(a is b for a, b in zip(one.components, other.components, strict=True))


@pytest.mark.parametrize("reader", [path_of, task_of])
@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"components":[1]}'])
def test_a_damaged_record_is_the_stores_error(reader: Callable[[str], object], text: str) -> None:
    with pytest.raises(StoreError, match="record of the catalog is damaged"):
        reader(text)


def test_a_path_with_a_component_of_no_sense_is_damaged() -> None:
    record = path_record(a_path())
    record = {**record, "components": [{**record["components"][0], "size": "many"}]}
    with pytest.raises(StoreError, match="damaged"):
        path_of(dumps(record))


def test_a_child_survives_with_what_it_measured() -> None:
    child = a_child(a_path(metrics={"quality": -inf}), number=3, generation=2, cycle=1)
    record = loads(dumps(child_record(child)))
    assert child_of((1, 2, 3), record, dumps(path_record(child.path)), {}) == child


def test_a_task_survives() -> None:
    assert task_of(dumps(task_record(a_task()))) == a_task()


@pytest.mark.parametrize("number", [nan, inf])
def test_other_numbers_must_be_finite(number: float) -> None:
    with pytest.raises(InvalidValue, match="not finite"):
        dumps({"mu": number})


def test_damaged_text_is_the_stores_error() -> None:
    with pytest.raises(StoreError, match="damaged"):
        loads('{"a":')


@pytest.mark.parametrize("where", [(), ("architecture",), ("components", 0)], ids=str)
def test_a_field_that_this_ramet_does_not_know_was_made_by_a_newer_one(where: tuple[str | int, ...]) -> None:
    record = json.loads(dumps(path_record(a_path())))
    part = record
    for name in where:
        part = part[name]
    part["registers"] = 4
    with pytest.raises(StoreError, match="field 'registers' that this ramet does not know; it was made by a newer"):
        path_of(dumps(record))


def test_a_tasks_field_that_this_ramet_does_not_know_is_refused() -> None:
    with pytest.raises(StoreError, match="a task has a field 'labels'"):
        task_of(dumps({**task_record(a_task()), "labels": []}))


def with_a_new_field(record: type) -> type:
    """The record's class as a later ramet may have it."""
    return make_dataclass(record.__name__, [("registers", int, 0)], bases=(record,), frozen=True)


@pytest.mark.parametrize("record", [Architecture, Component, Path, Task, Commit, Child])
def test_a_new_field_with_a_default_changes_no_record_and_old_ones_are_read(record: type) -> None:
    path = a_path(mu={"hp:x": 0.5}, parent="p")
    commit = Commit("c", ("p",), {"digits": path.id}, "message", "m/1", "now", "Ada", "0.1.0")
    examples = (path.architecture, path.components[0], path, a_task(), commit, a_child(path))
    old = next(example for example in examples if type(example) is record)
    later = with_a_new_field(record)
    new = later(**{field.name: getattr(old, field.name) for field in fields(old)})
    assert canonical_json(new) == canonical_json(old)
    assert content_id(new) == content_id(old)
    if record in (Architecture, Component, Task, Commit):
        assert reader(later)(canonical_json(old)) == new
        changed = replace(new, registers=4)
        assert reader(later)(canonical_json(changed)) == changed
        with pytest.raises(StoreError, match="newer ramet"):
            reader(record)(canonical_json(changed))


@pytest.mark.parametrize("text", ["pl\udce4tze", "\ud83d"])
def test_text_that_cannot_be_read_again_is_not_written(text: str) -> None:
    for value in (text, [text], {"a": {text: 1}}, {"a": ("b", {"c": text})}):
        with pytest.raises(InvalidValue) as error:
            dumps(value)
        assert error.value.problem == f"{text!r} is no text that can be kept"


def test_a_record_of_other_types_than_its_fields_have_is_not_written() -> None:
    with pytest.raises(InvalidValue, match="a path cannot be kept"):
        path_record(a_path(parent=3))
    with pytest.raises(InvalidValue, match="a task cannot be kept"):
        task_record(replace(a_task(), splits={"train": 1.5}))
