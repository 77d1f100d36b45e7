import json
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.records import Architecture, Component, Path, content_id, path_from_json, to_json

NORM = Component("norm", digest="d1", size=30, momentum="m1", task="birds")
HEAD = Component("head", digest="d2", size=12, task="flowers")
PATH = Path(
    id="p",
    task="flowers",
    architecture=Architecture(patch_size=4, width=15, heads=3, mlp_width=60, layers=2, image_size=8, pool="mean"),
    components=(NORM, HEAD),
    hyperparameters={"layers": 2, "data.flip": True, "opt.lr": 0.01, "note": "µ"},
    mu={"add:adapter.0": 0.1},
    parent="root",
    agent="run",
    trained=("head",),
    method="mu2net-plus@1",
    metrics={"quality": 0.5},
)

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
    architecture=st.just(PATH.architecture),
    components=st.lists(components, max_size=3).map(tuple),
    hyperparameters=st.dictionaries(st.text(max_size=4), st.booleans() | st.integers() | numbers | st.text(max_size=4)),
    mu=st.dictionaries(st.text(max_size=4), numbers),
    trained=st.lists(st.text(max_size=4)).map(tuple),
    metrics=st.dictionaries(st.text(max_size=4), numbers),
)


@given(paths)
def test_a_path_survives_json(path):
    assert path_from_json(json.loads(json.dumps(to_json(path)))) == path


@given(paths)
def test_an_identified_path_keeps_its_id_through_json(path):
    identified = path.identified()
    assert identified.identified() == identified
    assert path_from_json(to_json(identified)).identified().id == identified.id


def test_neither_id_nor_metrics_nor_the_order_of_a_table_change_the_identity():
    same = replace(
        PATH, id="q", metrics={}, hyperparameters=dict(reversed(PATH.hyperparameters.items())), mu=dict(PATH.mu)
    )
    assert same.identified().id == PATH.identified().id


OTHER_VALUES = {
    "task": "birds",
    "architecture": replace(PATH.architecture, heads=5),
    "components": (HEAD, NORM),
    "hyperparameters": {**PATH.hyperparameters, "layers": 1},
    "mu": {},
    "parent": None,
    "parent_task": "birds",
    "agent": "another",
    "trained": ("head", "norm"),
    "method": "mu2net-plus@2",
}


def test_every_field_is_tried():
    assert OTHER_VALUES.keys() == {f.name for f in fields(Path)} - {"id", "metrics"}


@pytest.mark.parametrize("field", OTHER_VALUES)
def test_every_other_field_is_part_of_the_identity(field):
    assert replace(PATH, **{field: OTHER_VALUES[field]}).identified().id != PATH.identified().id


def test_sizes_and_objects_of_a_path():
    assert (PATH.params, PATH.trained_params) == (42, 12)
    assert PATH.digests() == {"d1", "d2", "m1"}
    assert PATH.component("norm") is NORM
    assert PATH.component("block.0") is None


def test_records_cannot_change():
    with pytest.raises(FrozenInstanceError):
        PATH.task = "birds"  # type: ignore[misc]


def test_content_ids_are_pinned_and_canonical():
    assert content_id({"b": 1, "a": [1.5, "µ"]}) == content_id({"a": [1.5, "µ"], "b": 1}) == "829452e75c1d9d59"
    assert content_id({"b": 1.0, "a": [1.5, "µ"]}) != content_id({"b": 1, "a": [1.5, "µ"]})
