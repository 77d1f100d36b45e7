"""Memory that runs out costs time, not the child: batches are worked on in pieces, with the same result."""

from dataclasses import replace

import pytest
import torch

from ramet.method.plan import ChildPlan
from tests.training.conftest import Lab
from tests.training.kinds import Glutton
from tests.training.test_generation import same, train

HUNGRY = ("glutton.1",)


def with_head(lab: Lab, plan: ChildPlan) -> ChildPlan:
    """The plan with a head that is cloned: with a new one, which is zero, no gradient passes at first."""
    g = torch.Generator().manual_seed(0)
    head = lab.memory.keep("head", {"weight": torch.randn(3, 16, generator=g), "bias": torch.zeros(3)})
    return replace(plan, parts=tuple(replace(p, origin=head) if p.name == "head" else p for p in plan.parts))


def one_step(lab: Lab) -> None:
    """A training of one step by the gradient as it is, whose batch halves into unequal pieces."""
    budget = lab.method.budget.model_copy(update={"validations": 1, "examples_per_validation": 27})
    training = lab.method.training.model_copy(update={"clip_norm": None})
    lab.method = lab.method.model_copy(update={"budget": budget, "training": training, "batch": 27})


def close(a, b, **tolerance):
    assert a.failure is b.failure is None
    for one, other in ((a.tensors, b.tensors), (a.momentum, b.momentum)):
        assert one.keys() == other.keys()
        for name, tensors in one.items():
            for key, tensor in tensors.items():
                torch.testing.assert_close(tensor, other[name][key], **tolerance)


@pytest.mark.parametrize("rows", [26, 13, 5, 1])
def test_the_gradient_of_pieces_is_the_batch_s(lab, monkeypatch, rows):
    """To a few units in the last place of float32: momentum after the first step is the gradient."""
    one_step(lab)
    plan = with_head(lab, lab.plan({"block.0", "block.2"}, inserted=HUNGRY))
    (whole,) = train(lab, plan)
    monkeypatch.setattr(Glutton, "rows", rows)
    (pieces,) = train(lab, plan)
    assert pieces.examples == whole.examples == 27
    close(whole, pieces, atol=1e-7, rtol=1e-5)
    assert any(t.abs().max() > 1e-4 for t in pieces.momentum["block.0"].values())


def test_a_whole_training_in_pieces_learns_the_same(lab, monkeypatch):
    plan = lab.plan({"block.2"}, inserted=HUNGRY)
    (whole,) = train(lab, plan)
    monkeypatch.setattr(Glutton, "rows", 7)
    (pieces,) = train(lab, plan)
    close(whole, pieces, atol=1e-4, rtol=1e-3)
    assert pieces.curve == pytest.approx(whole.curve, abs=2 / 64)
    assert len(pieces.curve) == 3


def test_siblings_do_not_notice(lab, monkeypatch):
    plans = [lab.plan({"block.2"}), lab.plan({"block.2"}, inserted=HUNGRY), lab.plan({"block.1"})]
    before = train(lab, *plans)
    monkeypatch.setattr(Glutton, "rows", 3)
    now = train(lab, *plans)
    assert same(before[0], now[0])
    assert same(before[2], now[2])
    close(before[1], now[1], atol=1e-4, rtol=1e-3)


def test_validation_in_pieces_measures_the_same(lab, monkeypatch):
    plan = lab.plan({"block.2"}, inserted=HUNGRY)
    (whole,) = train(lab, plan)
    monkeypatch.setattr(Glutton, "rows_without_gradient", 10)
    (pieces,) = train(lab, plan)
    assert same(whole, pieces)


@pytest.mark.parametrize("at_once", [1, 3])
def test_what_children_share_is_run_in_pieces_too(lab, monkeypatch, at_once):
    frozen = lab.memory.keep("glutton.1", {"weight": torch.full((16,), 1.5)})

    def plan(trainable):
        made = lab.plan(trainable, inserted=HUNGRY)
        parts = [replace(p, origin=frozen, trainable=False) if p.name == "glutton.1" else p for p in made.parts]
        return with_head(lab, replace(made, parts=tuple(parts)))

    one_step(lab)
    plans = [plan({"block.1"}), plan({"block.2"}), plan({"block.0"})]
    whole = train(lab, *plans, at_once=at_once)
    monkeypatch.setattr(Glutton, "rows_without_gradient", 9)
    pieces = train(lab, *plans, at_once=at_once)
    for a, b in zip(whole, pieces, strict=True):
        close(a, b, atol=1e-7, rtol=1e-5)
    assert same(whole[2], pieces[2]), "nothing hungry is below what it trains"


@pytest.mark.parametrize("limit", ["rows", "rows_without_gradient"])
def test_where_one_image_does_not_fit_the_child_drops_out(lab, monkeypatch, limit):
    plans = [lab.plan({"block.2"}), lab.plan({"block.2"}, inserted=HUNGRY), lab.plan({"block.1"})]
    before = train(lab, *plans)
    monkeypatch.setattr(Glutton, limit, 0)
    now = train(lab, *plans)
    assert [c.failure for c in now] == [None, "out-of-memory", None]
    assert (now[1].tensors, now[1].curve, now[1].error) == ({}, (), "")
    assert same(before[0], now[0])
    assert same(before[2], now[2])


def test_a_child_that_drops_out_in_one_piece_of_what_is_shared_leaves_the_others(lab, monkeypatch):
    frozen = lab.memory.keep("glutton.0", {"weight": torch.full((16,), 1.5)})

    def plan(inserted):
        made = lab.plan({"block.1"}, inserted=("glutton.0", *inserted))
        parts = [replace(p, origin=frozen, trainable=False) if p.name == "glutton.0" else p for p in made.parts]
        return replace(made, parts=tuple(parts))

    monkeypatch.setattr(Glutton, "rows_without_gradient", 9)
    monkeypatch.setattr(Glutton, "rows", 0)
    (alone,) = train(lab, plan(()), numbers=[1], at_once=1)
    first, second = train(lab, plan(HUNGRY), plan(()), at_once=1)
    assert first.failure == "out-of-memory"
    assert same(second, alone)


def test_where_nothing_shared_fits_all_drop_out(lab, monkeypatch):
    frozen = lab.memory.keep("glutton.0", {"weight": torch.ones(16)})
    made = lab.plan({"block.2"}, inserted=("glutton.0",))
    parts = [replace(p, origin=frozen, trainable=False) if p.name == "glutton.0" else p for p in made.parts]
    monkeypatch.setattr(Glutton, "rows_without_gradient", 0)
    children = train(lab, *[replace(made, parts=tuple(parts))] * 2)
    assert [c.failure for c in children] == ["out-of-memory"] * 2


def test_a_child_that_cannot_be_assembled_drops_out(lab):
    """Its clone is of a component whose tensors do not go into memory."""
    plans = [lab.plan({"block.2"}), lab.plan({"block.1"})]
    load = lab.memory.load

    def refused(digest):
        if digest.startswith("block.1"):
            torch.empty(1 << 60, dtype=torch.uint8)
        return load(digest)

    (alone,) = train(lab, plans[0])
    lab.memory.load = refused
    children = train(lab, plans[1], plans[0])
    assert [c.failure for c in children] == ["out-of-memory"] * 2, "the second shares it frozen"
    lab.memory.load = load
    assert same(alone, train(lab, plans[0])[0])


def test_a_fault_is_reported_with_its_traceback_and_siblings_go_on(lab, monkeypatch):
    plans = [lab.plan({"block.2"}), lab.plan({"block.2"}, inserted=HUNGRY)]
    before = train(lab, *plans)
    monkeypatch.setattr(Glutton, "fault", "a fault of its own")
    now = train(lab, *plans)
    assert [c.failure for c in now] == [None, "failed"]
    assert "kinds.py" in now[1].error
    assert now[1].error.endswith("ValueError: a fault of its own\n")
    assert same(before[0], now[0])
