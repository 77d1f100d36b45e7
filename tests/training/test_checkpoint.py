"""A generation that was stopped goes on from its last validation, bit for bit."""

from dataclasses import replace

import pytest
import torch

from ramet.base.progress import Progress
from ramet.method.document.schema import Method
from tests.training.conftest import Lab
from tests.training.kinds import Glutton
from tests.training.test_generation import different_plans, same, train


class Killed(BaseException):
    """As hard as a signal: nothing may handle it."""


class Killer(Progress):
    """Stops the training after so many steps."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.seen: list[int] = []

    def advanced(self, what: str, done: int, total: int) -> None:
        self.seen.append(done)
        if done == self.step:
            raise Killed


def plans_of(lab: Lab):
    """Children of all sorts, one of which diverges, one of which does not fit, one of which takes small pieces."""
    plans = different_plans(lab)
    bad = replace(plans[0], hyperparameters={**plans[0].hyperparameters, "opt.lr": 1e30})
    return [*plans, bad, lab.plan({"block.2"}, inserted=("glutton.1",))]


@pytest.mark.parametrize("rows", [0, 5, 10**6])
@pytest.mark.parametrize("step", [3, 5, 7])
def test_it_goes_on_bit_for_bit(lab, tmp_path, monkeypatch, step, rows):
    """3 rounds of 3 steps."""
    monkeypatch.setattr(Glutton, "rows", rows)
    lab.method = lab.method.model_copy(update={"name": "any"})
    plans = plans_of(lab)[:: 2 if rows else 1]
    whole = train(lab, *plans)
    with pytest.raises(Killed):
        train(lab, *plans, checkpoint=tmp_path / "state", progress=Killer(step))
    watcher = Killer(0)
    resumed = train(lab, *plans, checkpoint=tmp_path / "state", progress=watcher)
    assert watcher.seen == [*range(step - step % 3 + 1, 10)]
    for a, b in zip(whole, resumed, strict=True):
        assert same(a, b)
        assert (a.failure, a.examples, a.error) == (b.failure, b.examples, b.error)
        assert b.seconds > 0


def test_it_goes_on_again_and_again(lab, tmp_path):
    plans = plans_of(lab)
    whole = train(lab, *plans)
    for step in (2, 4, 7):
        with pytest.raises(Killed):
            train(lab, *plans, checkpoint=tmp_path, progress=Killer(step))
    resumed = train(lab, *plans, checkpoint=tmp_path, progress=Killer(0))
    assert all(same(a, b) for a, b in zip(whole, resumed, strict=True))


def test_only_the_last_validation_is_kept(lab, tmp_path):
    plans = different_plans(lab)[:2]
    (tmp_path / "round-2.child-0.safetensors").write_bytes(b"cut off")
    with pytest.raises(Killed):
        train(lab, *plans, checkpoint=tmp_path, progress=Killer(4))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "round-1.child-0.safetensors", "round-1.child-1.safetensors", "state.json",
    ]  # fmt: skip
    (tmp_path / "round-2.child-0.safetensors").write_bytes(b"cut off")  # killed while the next one was written
    resumed = train(lab, *plans, checkpoint=tmp_path)
    assert all(same(a, b) for a, b in zip(train(lab, *plans), resumed, strict=True))


def changed(method: Method, **training: float) -> Method:
    return method.model_copy(update={"training": method.training.model_copy(update=training)})


@pytest.mark.parametrize(
    "change",
    [
        lambda lab: {"numbers": [5]},
        lambda lab: {"method": changed(lab.method, clip_norm=0.5)},
    ],
)
def test_a_state_is_of_its_own_call_alone(lab, tmp_path, change):
    plan = lab.plan({"block.2"}, inserted=("adapter.0",))
    with pytest.raises(Killed):
        train(lab, plan, checkpoint=tmp_path, progress=Killer(4))
    watcher = Killer(0)
    (found,) = train(lab, plan, checkpoint=tmp_path, progress=watcher, **change(lab))
    assert watcher.seen[0] == 1
    assert same(found, train(lab, plan, **change(lab))[0])


def test_nothing_is_kept_where_no_place_is_given(lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(lab, lab.plan(set()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at_once", [1, 2, None])
def test_the_result_does_not_depend_on_how_many_are_trained_at_once(lab, at_once):
    plans = different_plans(lab)
    threads = torch.get_num_threads()
    one = train(lab, *plans, at_once=1)
    assert all(same(a, b) for a, b in zip(one, train(lab, *plans, at_once=at_once), strict=True))
    assert torch.get_num_threads() == threads
