"""The optimisers of children, against torch's own; their state goes on where it was, to the bit."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from ramet.training.optimiser import SECOND_BETA, Optimiser

SGD = {"opt.momentum": 0.9, "opt.nesterov": True}
ADAMW = {**SGD, "opt.adamw": True, "opt.weight_decay": 0.1}
RATES = [0.01, 0.02, 0.015, 0.005, 0.001, 0.0]

Parts = dict[str, dict[str, Tensor]]


def parts(seed: int = 0) -> Parts:
    rng = torch.Generator().manual_seed(seed)
    shapes = {"head": {"weight": (3, 4), "bias": (3,)}, "norm": {"weight": (4,)}}
    return {c: {k: torch.randn(s, generator=rng).requires_grad_() for k, s in of.items()} for c, of in shapes.items()}


def weights(of: Parts) -> list[Tensor]:
    return [t for tensors in of.values() for t in tensors.values()]


def trained(optimiser: Optimiser, of: Parts, steps: range) -> list[Tensor]:
    for step in steps:
        rng = torch.Generator().manual_seed(step)
        for weight in weights(of):
            weight.grad = torch.randn(weight.shape, generator=rng)
        optimiser.step(RATES[step])
    return [w.detach().clone() for w in weights(of)]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_sgd_is_torchs() -> None:
    own, theirs = parts(), parts()
    found = trained(Optimiser(own, {}, SGD), own, range(6))
    expected = torch.optim.SGD(weights(theirs), lr=1.0, momentum=0.9, nesterov=True)
    for step in range(6):
        rng = torch.Generator().manual_seed(step)
        expected.param_groups[0]["lr"] = RATES[step]
        for weight in weights(theirs):
            weight.grad = torch.randn(weight.shape, generator=rng)
        expected.step()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, weights(theirs), strict=True))


def test_adamw_is_torchs_and_decays_matrices_alone() -> None:
    own, theirs = parts(), parts()
    found = trained(Optimiser(own, {}, ADAMW), own, range(6))
    groups = [
        {"params": [theirs["head"]["weight"]], "weight_decay": 0.1},
        {"params": [theirs["head"]["bias"], theirs["norm"]["weight"]], "weight_decay": 0.0},
    ]
    expected = torch.optim.AdamW(groups, betas=(0.9, SECOND_BETA))
    for step in range(6):
        rng = torch.Generator().manual_seed(step)
        for group in expected.param_groups:
            group["lr"] = RATES[step]
        for weight in weights(theirs):
            weight.grad = torch.randn(weight.shape, generator=rng)
        expected.step()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, weights(theirs), strict=True))


@pytest.mark.parametrize("hyper", [SGD, ADAMW])
def test_a_state_that_was_kept_goes_on_to_the_bit(hyper: Mapping[str, float]) -> None:
    own = parts()
    whole = trained(Optimiser(own, {}, hyper), own, range(6))
    first = parts()
    optimiser = Optimiser(first, {}, hyper)
    trained(optimiser, first, range(3))
    kept = {name: {k: t.clone() for k, t in optimiser.state(name).items()} for name in first}
    second = {c: {k: t.detach().clone().requires_grad_() for k, t in of.items()} for c, of in first.items()}
    resumed = Optimiser(second, {}, hyper)
    for name, state in kept.items():
        for key, tensor in resumed.state(name).items():
            tensor.copy_(state[key])
    resumed.resumed(3)
    assert same(trained(resumed, second, range(3, 6)), whole)


@pytest.mark.parametrize("hyper", [SGD, ADAMW])
def test_a_clone_goes_on_with_its_origins_state(hyper: Mapping[str, float]) -> None:
    own = parts()
    optimiser = Optimiser(own, {}, hyper)
    trained(optimiser, own, range(3))
    inherited = {"norm": {k: t.clone() for k, t in optimiser.state("norm").items()}}
    clone = Optimiser(parts(1), inherited, hyper)
    assert all(torch.equal(t, inherited["norm"][k]) for k, t in clone.state("norm").items())
    assert all(not t.any() for t in clone.state("head").values())


def test_another_optimisers_state_is_not_taken_over() -> None:
    own = parts()
    moments = Optimiser(own, {}, ADAMW)
    trained(moments, own, range(2))
    buffers = Optimiser(own, {}, SGD)
    trained(buffers, own, range(2))
    into_sgd = Optimiser(parts(1), {"norm": moments.state("norm")}, SGD)
    into_adamw = Optimiser(parts(1), {"norm": buffers.state("norm")}, ADAMW)
    assert not any(t.any() for t in into_sgd.state("norm").values())
    assert not any(t.any() for t in into_adamw.state("norm").values())


def test_inherited_moments_are_no_longer_beginners() -> None:
    own = parts()
    first = Optimiser(own, {}, ADAMW)
    trained(first, own, range(2))
    state = {name: {k: t.clone() for k, t in first.state(name).items()} for name in own}
    clone = parts(2)
    before = [w.detach().clone() for w in weights(clone)]
    found = trained(Optimiser(clone, state, ADAMW), clone, range(1))
    rng = torch.Generator().manual_seed(0)
    kept = [(of[key], of[f"{key}.square"]) for of in state.values() for key in of if not key.endswith(".square")]
    for weight, now, (mean, square) in zip(before, found, kept, strict=True):
        gradient = torch.randn(weight.shape, generator=rng)
        mean, square = 0.9 * mean + 0.1 * gradient, SECOND_BETA * square + (1 - SECOND_BETA) * gradient.square()
        decayed = weight * (1 - RATES[0] * (0.1 if weight.ndim > 1 else 0))
        assert torch.allclose(now, decayed - RATES[0] * mean / (square.sqrt() + 1e-8), atol=1e-5)
