"""Children in training: their tensors, their optimisers, their best checkpoints; and the state of all in a folder."""

import json
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load, save
from torch import Tensor

from ramet.base.errors import RametError
from ramet.base.files import write_whole
from ramet.base.randomness import Key, seed_of
from ramet.method.document.schema import Training
from ramet.method.plan import ChildPlan, Planned
from ramet.method.schedule import rate
from ramet.runtime.device import MicroBatch, is_out_of_memory
from ramet.runtime.objective import ONE_CLASS, Objective
from ramet.runtime.program import Parts, Program, Resident
from ramet.training.closed_form import ClosedForm
from ramet.training.optimiser import Optimiser
from ramet.vit import kinds, spec
from ramet.vit.initial import new_component

_MANIFEST = "state.json"

Groups = Mapping[str, Mapping[str, Mapping[str, Tensor]]]
Failure = Literal["diverged", "out-of-memory", "failed"]


class Learner:
    """A child that is trained side by side with its siblings.

    Only its trainable components get gradients and optimiser state, and no gradient goes below the lowest of them.

    Args:
        plan: which components it shares frozen, clones, inserts or makes new.
        components: the frozen components on the device, and the store's reader.
        key: keys the initial values of new components.
        settings: of its training.
        total_steps: how many steps that is.
        objective: what it learns to do.
    """

    def __init__(
        self,
        plan: ChildPlan,
        components: Resident,
        key: Key,
        settings: Training,
        total_steps: int,
        objective: Objective = ONE_CLASS,
    ) -> None:
        parts: Parts = {}
        momentum: Parts = {}
        for part in plan.parts:
            if part.trainable:
                parts[part.name] = _own(plan, part, components, key)
                if part.origin and part.origin.momentum and _keeps_size(plan, part):
                    momentum[part.name] = _copied(components.load(part.origin.momentum), components.device)
            else:
                assert part.origin is not None  # a plan makes every new component trainable
                parts[part.name] = components.component(part.name, part.origin.digest)
        frozen = {p.name: p.origin.digest for p in plan.parts if p.origin and not p.trainable}
        self.plan = plan
        self.program = Program.of(plan.parent.architecture, parts, frozen)
        self.failure: Failure | None = None
        self.error = ""
        self.curve: list[float] = []
        self.seconds = 0.0
        self.steps = 0
        self.best: dict[str, dict[str, Tensor]] = {}
        self.best_momentum: dict[str, dict[str, Tensor]] = {}
        self._own: Parts = {p.name: parts[p.name] for p in plan.parts if p.trainable}
        self._settings = settings
        self._objective = objective
        self._total_steps = total_steps
        self._micro = MicroBatch()
        self._seen = 0
        self._weights = [t for tensors in self._own.values() for t in tensors.values()]
        self._loss_sum = torch.zeros((), device=components.device)
        self._optimiser = Optimiser(self._own, momentum, plan.hyperparameters)

    @property
    def has_new_head(self) -> bool:
        """Tell whether the child's head is of no ancestor."""
        return any(part.name == "head" and part.origin is None for part in self.plan.parts)

    def begin_head(self, head: ClosedForm) -> None:
        """Begin with a head in the place of the one that knows nothing."""
        with torch.no_grad():
            for key, values in (("weight", head.weight), ("bias", head.bias)):
                self._own["head"][key].copy_(values)

    def feed(self, x: Tensor, labels: Tensor, batch: int) -> None:
        """Take some rows of a step's batch, as activations where the child's own part begins; step once all are there.

        Where memory does not do, the gradients of smaller pieces are added up, each weighted by its share of the batch:
        but for rounding it is the batch's gradient.
        """
        pieces = self._micro.each(len(x), lambda piece: self._gradients(x[piece], labels[piece], batch))
        for _, (loss, gradients) in pieces:
            self._loss_sum += loss
            for weight, gradient in zip(self._weights, gradients, strict=True):
                if weight.grad is None or gradient is None:
                    weight.grad = gradient if weight.grad is None else weight.grad
                else:
                    weight.grad += gradient
        self._seen += len(x)
        if self._seen == batch:
            self._seen = 0
            self._step()

    def validated(self, quality: float) -> None:
        """Note a validation; copy the tensors to main memory if they are the best so far (ties: the most recent)."""
        if not bool(torch.isfinite(self._loss_sum)):
            self.give_up("diverged")
            return
        self.curve.append(quality)
        if quality >= max(self.curve):
            self.best = {name: _copied(tensors, "cpu") for name, tensors in self._own.items()}
            self.best_momentum = {name: _copied(self._optimiser.state(name), "cpu") for name in self._own}

    def struck(self, error: Exception) -> None:
        """Drop out for an error; see failure_of."""
        failure, self.error = failure_of(error)
        self.give_up(failure)

    def give_up(self, failure: Failure) -> None:
        """Drop out, and free what the training took."""
        self.failure = failure
        self.release()
        self.best, self.best_momentum = {}, {}

    def release(self) -> None:
        """Free everything but the best checkpoint."""
        self.program, self._own, self._weights = Program((), ()), {}, []
        self._optimiser.release()

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what goes on between two rounds: plain values, and tensors by GROUP/COMPONENT/TENSOR."""
        plain = {
            "failure": self.failure, "error": self.error, "curve": self.curve, "seconds": self.seconds,
            "steps": self.steps, "rows": self._micro.rows,
        }  # fmt: skip
        momentum = {name: self._optimiser.state(name) for name in self._own}
        groups: Groups = {
            "own": self._own, "momentum": momentum, "best": self.best, "best_momentum": self.best_momentum,
        }  # fmt: skip
        tensors = {
            f"{group}/{name}/{key}": tensor.detach()
            for group, components in groups.items()
            for name, held in components.items()
            for key, tensor in held.items()
        }
        return plain, {**tensors, "loss_sum": self._loss_sum}

    def restore(self, plain: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Go on from a state that a learner of the same plan gave."""
        self.curve, self.seconds, self.steps = list(plain["curve"]), plain["seconds"], plain["steps"]
        self._micro.rows = plain["rows"]
        self._loss_sum.copy_(tensors["loss_sum"])
        if plain["failure"]:
            self.error = plain["error"]
            self.give_up(plain["failure"])
            return
        targets: Groups = {"own": self._own, "momentum": {name: self._optimiser.state(name) for name in self._own}}
        kept = {"best": self.best, "best_momentum": self.best_momentum}
        for path, tensor in tensors.items():
            if path != "loss_sum":
                group, name, key = path.split("/")
                if group in kept:
                    kept[group].setdefault(name, {})[key] = tensor
                else:
                    with torch.no_grad():
                        targets[group][name][key].copy_(tensor)
        self._optimiser.resumed(self.steps)

    def _gradients(self, x: Tensor, labels: Tensor, batch: int) -> tuple[Tensor, list[Tensor | None]]:
        """Return the loss of some rows and the weights' gradients by it, in units of the batch's; changes nothing."""
        loss = self._objective.loss(self.program.finish(x), labels)
        if len(x) < batch:
            loss = loss * (len(x) / batch)
        gradients = torch.autograd.grad(loss, self._weights, allow_unused=True)
        return loss.detach(), [_laid_out_like(g, w) for g, w in zip(gradients, self._weights, strict=True)]

    def _step(self) -> None:
        """Take one step by the gradients (METHOD section 5)."""
        hyper = self.plan.hyperparameters
        lr = rate(self._settings.schedule, self.steps, self._total_steps, hyper, self._settings.warmup_start)
        if self._settings.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._weights, self._settings.clip_norm)
        self._optimiser.step(lr)
        self.steps += 1


def failure_of(error: Exception) -> tuple[Failure, str]:
    """Return what an error means for the child that met it: memory that is spent, or a failure with its traceback.

    Raises:
        RametError: it is one, so it says what the user should know, and is nothing of this child alone.
    """
    if isinstance(error, RametError):
        raise error
    if is_out_of_memory(error):
        return "out-of-memory", ""
    return "failed", "".join(traceback.format_exception(error))


def write_state(folder: Path, call: str, done: int, learners: Sequence[Learner | None], rows: int | None) -> None:
    """Keep the state after so many rounds in place of an earlier one: one safetensors file a child, and `state.json`.

    That is written last, and names the round: what it names is whole. From it the same call goes on bit for bit.

    Args:
        folder: of this generation alone; it is made.
        call: names what is trained; a state is only ever read by the call that wrote it.
        done: rounds.
        learners: the children; None where one could not be assembled.
        rows: how many fit into memory at once in what children share, None for all.

    Raises:
        StoreError: the disk is full, read-only or failing.
    """
    states = [learner.state() if learner else ({}, {}) for learner in learners]
    for number, (_, tensors) in enumerate(states):
        write_whole(folder / _file(done, number), save({key: t.cpu().contiguous() for key, t in tensors.items()}))
    manifest = {"call": call, "done": done, "rows": rows, "learners": [plain for plain, _ in states]}
    write_whole(folder / _MANIFEST, json.dumps(manifest).encode())
    current = {_MANIFEST, *(_file(done, number) for number in range(len(states)))}
    for file in folder.iterdir():
        if file.name not in current:
            with suppress(OSError):
                file.unlink()


def resume(folder: Path, call: str, learners: Sequence[Learner | None]) -> tuple[int, int | None]:
    """Bring learners to the state that the same call has kept; return its rounds and rows, 0 and None without one."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
    except FileNotFoundError:
        return 0, None
    if manifest["call"] != call:
        return 0, None
    done: int = manifest["done"]
    for number, (learner, plain) in enumerate(zip(learners, manifest["learners"], strict=True)):
        if learner and plain:
            learner.restore(plain, load((folder / _file(done, number)).read_bytes()))
    return done, manifest["rows"]


def _file(done: int, number: int) -> str:
    return f"round-{done}.child-{number}.safetensors"


def _own(plan: ChildPlan, part: Planned, components: Resident, key: Key) -> dict[str, Tensor]:
    """Return the tensors of a component that a child trains: new ones, or copies of its origin's, of its size."""
    architecture, dimensions = plan.parent.architecture, plan.dimensions
    tensors: Mapping[str, Tensor]
    if part.origin is None:
        tensors = new_component(architecture, part.name, dimensions, seed=seed_of(*key, part.name))
    else:
        tensors = components.load(part.origin.digest)
        if not _keeps_size(plan, part):
            tensors = kinds.find(part.name).resized(tensors, architecture, dimensions)
    return {name: t.requires_grad_() for name, t in _copied(tensors, components.device).items()}


def _keeps_size(plan: ChildPlan, part: Planned) -> bool:
    size = spec.size(plan.parent.architecture, part.name, plan.dimensions)
    return part.origin is None or part.origin.size == size


def _laid_out_like(gradient: Tensor | None, weight: Tensor) -> Tensor | None:
    """Return a gradient laid out in memory as its weight: the last bits of a norm depend on the order of its terms."""
    if gradient is None or gradient.stride() == weight.stride():
        return gradient
    return torch.empty_like(weight).copy_(gradient)


def _copied(tensors: Mapping[str, Tensor], device: torch.device | str) -> dict[str, Tensor]:
    return {key: t.detach().to(device, copy=True) for key, t in tensors.items()}
