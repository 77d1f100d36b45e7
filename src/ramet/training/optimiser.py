"""The optimisers that children are trained by, and their state as objects hold it, so that a clone goes on from it.

A component's state has the names of its tensors: of SGD its momentum buffers; of AdamW the first moments, and the
second ones as `NAME.square`. A state is taken over by the same optimiser alone.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ramet.base.records import Value
from ramet.runtime.program import Parts

SECOND_BETA = 0.99
"""AdamW's: short trainings want second moments that are soon known."""

_SQUARE = ".square"
_SETTLED = 10_000.0
"""The steps that an inherited state counts as: its moments are no longer beginners'."""


class Optimiser:
    """SGD with momentum or AdamW over a child's own components (METHOD section 5; `opt.adamw`).

    Args:
        own: the tensors to train, by component and name.
        inherited: the state that the origins of some components had.
        hyperparameters: the child's.
    """

    def __init__(self, own: Parts, inherited: Parts, hyperparameters: Mapping[str, Value]) -> None:
        self._own = own
        self._adamw = bool(hyperparameters.get("opt.adamw", False))
        weights = [t for tensors in own.values() for t in tensors.values()]
        momentum = float(hyperparameters["opt.momentum"])
        self._torch: torch.optim.Optimizer
        if self._adamw:
            decay = float(hyperparameters.get("opt.weight_decay", 0.0))
            groups = [
                {"params": [t for t in weights if t.ndim > 1], "weight_decay": decay},
                {"params": [t for t in weights if t.ndim <= 1], "weight_decay": 0.0},
            ]
            self._torch = torch.optim.AdamW(groups, lr=0.0, betas=(momentum, SECOND_BETA), fused=True)
        else:
            nesterov = bool(hyperparameters["opt.nesterov"]) and momentum > 0
            self._torch = torch.optim.SGD(weights, lr=0.0, momentum=momentum, nesterov=nesterov, fused=True)
        for name, tensors in own.items():
            given = inherited.get(name, {})
            goes_on = given.keys() == self._names(tensors)
            self._set(tensors, given if goes_on else {}, _SETTLED if goes_on else 0.0)

    def step(self, lr: float) -> None:
        """Step by the tensors' gradients, and forget these."""
        for group in self._torch.param_groups:
            group["lr"] = lr
        self._torch.step()
        self._torch.zero_grad(set_to_none=True)

    def state(self, component: str) -> dict[str, Tensor]:
        """Return a component's state as an object holds it; its tensors are those that steps write to."""
        found = {}
        for key, weight in self._own[component].items():
            state = self._torch.state[weight]
            if self._adamw:
                found[key], found[key + _SQUARE] = state["exp_avg"], state["exp_avg_sq"]
            else:
                found[key] = state["momentum_buffer"]
        return found

    def resumed(self, steps: int) -> None:
        """Count so many steps as done, whose outcome was copied into the tensors of `state`."""
        for state in self._torch.state.values():
            if "step" in state:
                state["step"] += steps

    def release(self) -> None:
        """Free what it holds."""
        self._torch.state.clear()
        self._torch.param_groups.clear()

    def _names(self, tensors: Mapping[str, Tensor]) -> set[str]:
        return {*tensors, *(key + _SQUARE for key in tensors if self._adamw)}

    def _set(self, tensors: Mapping[str, Tensor], state: Mapping[str, Tensor], steps: float) -> None:
        def copied(key: str, weight: Tensor) -> Tensor:
            return state[key].to(weight.device, copy=True) if key in state else torch.zeros_like(weight)

        for key, weight in tensors.items():
            if self._adamw:
                step = torch.tensor(steps, device=weight.device)
                moments = {"exp_avg": copied(key, weight), "exp_avg_sq": copied(key + _SQUARE, weight)}
                self._torch.state[weight] = {"step": step, **moments}
            else:
                self._torch.state[weight] = {"momentum_buffer": copied(key, weight)}
