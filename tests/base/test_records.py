import json
from dataclasses import FrozenInstanceError, asdict, fields, make_dataclass, replace

import pytest

from ramet.base.records import Architecture, Child, Commit, Component, Path, Task, canonical_json, content_id, to_json

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


COMMIT = Commit("", ("c0",), {"birds": "p1", "flowers": None}, "m", "v1", "2026-01-02T03:04:05+00:00")


def grown(record, **new):
    """The same record as an object of a class with more fields, which have these defaults."""
    kind = type(record)
    more = make_dataclass(kind.__name__, [(n, type(v), v) for n, v in new.items()], bases=(kind,), frozen=True)
    return more(**{f.name: getattr(record, f.name) for f in fields(record)})


@pytest.mark.parametrize(
    ("record", "id"),
    [
        (PATH.architecture, "a6c62919dd257cf8"),
        (NORM, "1ae92bece6317d2b"),
        (HEAD, "6bea9800c756930e"),
        (Component("block.0", "d3", 7, untrained=True), "4814c606e1a26059"),
        (Task("birds", "demo:birds", ("a", "b"), {"train": 3, "validation": 1, "test": 1}, "f00"), "d529f1a49a2b7d56"),
        (
            Commit("", ("c0",), {"birds": "p1", "flowers": None}, "m", "v1", "2026-01-02T03:04:05+00:00"),
            "18dc3ab6468854d5",
        ),
        (Child(PATH, "worse", 0, 1, 2, ("hp:mu",), (0.25, 0.5), {"examples": 64.0}), "91451b0522c09c3c"),
        ({"a": (1, 2.5, True, None, "µ"), "b": []}, "f4a7f1b3c8710c15"),
    ],
)
def test_ids_are_pinned(record, id):
    assert content_id(record) == id


def test_a_new_field_with_a_default_changes_no_id():
    architecture = grown(PATH.architecture, registers=0)
    path = grown(
        replace(PATH, architecture=architecture, components=(grown(NORM, scale=1.0), grown(HEAD, note=""))), soup=()
    )
    assert content_id(path) == content_id(PATH)
    assert path.identified().id == PATH.identified().id


def test_a_new_field_that_says_something_makes_another_id():
    architecture = replace(grown(PATH.architecture, registers=0), registers=4)
    assert replace(PATH, architecture=architecture).identified().id != PATH.identified().id


def test_canonical_json_is_read_back_as_what_was_said():
    assert json.loads(canonical_json(NORM)) == {
        "name": "norm", "digest": "d1", "size": 30, "momentum": "m1", "task": "birds",
    }  # fmt: skip


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_has_no_id(number):
    with pytest.raises(ValueError, match="JSON"):
        content_id({"quality": number})
