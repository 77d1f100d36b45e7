import json
from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from ramet.base.records import Architecture, Component, Path, content_id, to_json

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


def test_json_holds_every_field_as_it_is():
    assert to_json(PATH) == json.loads(json.dumps(asdict(PATH)))


def test_the_identity_is_pinned():
    assert PATH.identified().id == PATH.identified().identified().id == "7f9996b97883b72d"


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
