import pytest
import torch
from benchmarks.speed import generation, plain
from benchmarks.speed.generation import KEY, Case, Setting, one_by_one, side_by_side
from torch.utils.data import DataLoader

from ramet.runtime.loader import stream

CASE = Case(layers=2, image_size=32, batch=8, steps=3, frozen=0, validation=16, children=2)


@pytest.mark.parametrize("frozen", [0, 1])
def test_both_sides_learn_the_same_from_the_same_order_of_examples(frozen: int) -> None:
    setting = Setting.of(Case(2, 32, batch=8, steps=3, frozen=frozen, validation=16, children=2))
    train = setting.splits["train"]
    draws = stream(len(train.labels), 8, (*KEY, "examples"))
    order = [next(draws).tolist() for _ in range(3)]
    training = DataLoader(plain.Images(train), batch_sampler=order)
    validation = DataLoader(plain.Images(setting.splits["validation"]), batch_size=16)
    start = plain.state_of(setting.tensors)
    pairs = zip(side_by_side(setting), one_by_one(setting, training, validation), strict=True)
    for child, (model, curve) in pairs:
        learnt, state = plain.state_of(child.tensors), model.state_dict()
        assert curve == pytest.approx(child.curve)
        assert {key for key, tensor in start.items() if not torch.equal(tensor, state[key])} <= learnt.keys()
        assert ("block.0.attn.qkv.weight" in learnt) == (frozen == 0)
        for key, tensor in learnt.items():
            torch.testing.assert_close(state[key], tensor, atol=1e-4, rtol=1e-4)
        assert not torch.equal(state["block.1.mlp.fc1.weight"], start["block.1.mlp.fc1.weight"])


def test_the_plain_loop_goes_through_as_many_examples() -> None:
    setting = Setting.of(CASE)
    training, _ = plain.loaders(setting.splits, CASE.batch)
    (child, _) = side_by_side(setting)
    assert sum(len(labels) for _, labels in training) == CASE.steps * CASE.batch == child.examples


def test_every_case_has_its_row() -> None:
    said: list[str] = []
    (row,) = generation.run(2, said.append, (CASE,))
    assert row["network"] == "2 layers, 32 px, nothing shared"
    assert row["examples a child"] == 24
    assert row["lowest"] <= row["ratio"] <= row["highest"]
    assert len(said) == 2


def test_the_cases_are_those_that_were_promised() -> None:
    assert {(case.layers, case.image_size) for case in generation.CASES} == {(3, 32), (12, 96)}
    assert all(case.children == 8 for case in generation.CASES)
    assert all(case.frozen < case.layers for case in generation.CASES)


@pytest.mark.parametrize("fast", [1, 3])
def test_the_plain_loop_gets_the_threads_at_which_it_is_faster(fast: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    tried: list[int] = []

    def one_by_one(*_: object) -> list[object]:
        tried.append(torch.get_num_threads())
        return []

    monkeypatch.setattr(generation, "one_by_one", one_by_one)
    monkeypatch.setattr(generation, "_timed", lambda work: (work(), float(tried[-1] != fast))[1])
    torch.set_num_threads(3)
    try:
        assert generation._best_threads(Setting.of(CASE)) == fast
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert set(tried) == {1, 3}
