"""One child in training: its tensors, its optimiser, its best checkpoint."""

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ramet.base.records import Architecture
from ramet.method.document.schema import Training
from ramet.method.plan import ChildPlan
from ramet.method.schedule import rate
from ramet.runtime.grouping import finish
from ramet.runtime.resident import Parts
from ramet.training.assemble import Assembled

Failure = Literal["diverged", "out-of-memory"]


class Learner:
    """A child that is trained side by side with its siblings.

    Only its trainable components get gradients and optimiser state, and no gradient goes below the lowest of them.
    """

    def __init__(self, plan: ChildPlan, assembled: Assembled, settings: Training, total_steps: int) -> None:
        self.plan = plan
        self.parts: Parts = assembled.parts
        self.trainable = assembled.trainable
        self.shared_stages = assembled.shared_stages
        self.failure: Failure | None = None
        self.curve: list[float] = []
        self.seconds = 0.0
        self._settings = settings
        self._total_steps = total_steps
        self.steps = 0
        self._weights = [t for name in self.trainable for t in self.parts[name].values()]
        self._loss_sum = torch.zeros((), device=self._weights[0].device)
        self._optimiser = self._make_optimiser(assembled.momentum)
        self.best: dict[str, dict[str, Tensor]] = {}
        self.best_momentum: dict[str, dict[str, Tensor]] = {}

    @property
    def architecture(self) -> Architecture:
        """The fixed shape of the transformer, inherited from the parent."""
        return self.plan.parent.architecture

    def step(self, x: Tensor, labels: Tensor) -> None:
        """One SGD step from the activations where the child's own part begins (METHOD section 5)."""
        hyper = self.plan.hyperparameters
        lr = rate(self._settings.schedule, self.steps, self._total_steps, hyper, self._settings.warmup_start)
        self._optimiser.param_groups[0]["lr"] = lr
        loss = F.cross_entropy(finish(self, x).float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._settings.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._weights, self._settings.clip_norm)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._loss_sum += loss.detach()
        self.steps += 1

    def validated(self, quality: float) -> None:
        """Note a validation; copy the tensors to main memory if they are the best so far (ties: the most recent)."""
        if not bool(torch.isfinite(self._loss_sum)):
            self.give_up("diverged")
            return
        self.curve.append(quality)
        if quality >= max(self.curve):
            self.best = {name: _to_cpu(self.parts[name]) for name in self.trainable}
            self.best_momentum = {name: self._momentum(name) for name in self.trainable}

    def give_up(self, failure: Failure) -> None:
        """Drop out, and free what the training took."""
        self.failure = failure
        self.release()
        self.best, self.best_momentum = {}, {}

    def release(self) -> None:
        """Free everything but the best checkpoint."""
        self.parts, self._weights = {}, []
        self._optimiser.state.clear()
        self._optimiser.param_groups.clear()

    def _make_optimiser(self, inherited: Parts) -> torch.optim.SGD:
        hyper = self.plan.hyperparameters
        momentum = float(hyper["opt.momentum"])
        optimiser = torch.optim.SGD(
            self._weights, lr=0.0, momentum=momentum, nesterov=bool(hyper["opt.nesterov"]) and momentum > 0, fused=True
        )
        for name in self.trainable:
            for key, weight in self.parts[name].items():
                start = inherited[name][key].clone() if name in inherited else torch.zeros_like(weight)
                optimiser.state[weight]["momentum_buffer"] = start
        return optimiser

    def _momentum(self, name: str) -> dict[str, Tensor]:
        state = self._optimiser.state
        return _to_cpu({key: state[w]["momentum_buffer"] for key, w in self.parts[name].items()})


def _to_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: t.detach().to("cpu", copy=True) for key, t in tensors.items()}
