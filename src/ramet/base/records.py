"""The nouns that run through all floors, as small frozen values: Component, Path, Task, Child, Commit.

Records hold no tensors. A component's tensors are an immutable object, named by the SHA-256 of its bytes and looked up
in the store when they are used.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any, Literal

Value = bool | int | float | str
"""A hyperparameter's value."""

_PLAIN = (str, int, float, bool, type(None))

Metrics = Mapping[str, float]

Pool = Literal["cls", "mean"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """The fixed shape of a root's transformer, which all paths grown from it have in common.

    layers and image_size are the root's own; a path's are hyperparameters. pool says what the head reads: the class
    token, or the mean of the patch tokens (then a path of 0 layers still sees the image).
    """

    patch_size: int
    width: int
    heads: int
    mlp_width: int
    layers: int
    image_size: int
    pool: Pool = "cls"
    layer_norm_eps: float = 1e-6


@dataclass(frozen=True, slots=True)
class Component:
    """A named group of parameters in a path.

    Names are `patch_embed`, `cls_token`, `pos_embed`, `adapter.i`, `lora.i`, `block.i`, `norm`, `head`. digest names
    the tensors, momentum the optimiser's momentum for them, if any was stored. size counts parameters. task is the one
    that it was trained for, None for a root's; untrained is true only of what a random root drew.
    """

    name: str
    digest: str
    size: int
    momentum: str | None = None
    task: str | None = None
    untrained: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """One complete model for one task: components in the order the input meets them, and hyperparameters.

    A root has no task. parent_task is the task of the nearest ancestor of another task, None where that is a root. mu
    is the table of learned mutation probabilities, keyed by action. agent names the run that made the path, trained the
    components that this run trained (they stay trainable in its children, METHOD section 4). metrics are measurements:
    quality (validation accuracy), test_quality, ... They are not part of the identity.
    """

    id: str
    task: str | None
    architecture: Architecture
    components: tuple[Component, ...]
    hyperparameters: Mapping[str, Value]
    mu: Mapping[str, float] = field(default_factory=dict)
    parent: str | None = None
    parent_task: str | None = None
    agent: str = ""
    trained: tuple[str, ...] = ()
    method: str = ""
    metrics: Metrics = field(default_factory=dict)

    def component(self, name: str) -> Component | None:
        """Return the component of that name, or None."""
        return next((c for c in self.components if c.name == name), None)

    def __repr__(self) -> str:
        quality = self.metrics.get("quality")
        measured = "" if quality is None else f", quality {quality:.3f}"
        return f"<path {self.id[:8]} of {self.task or 'no task'}: {len(self.components)} components{measured}>"

    @property
    def params(self) -> int:
        """The number of parameters of the whole path."""
        return sum(c.size for c in self.components)

    @property
    def trained_params(self) -> int:
        """The number of parameters that were trained for the path's own task, by this agent or an earlier one."""
        return sum(c.size for c in self.components if c.task is not None and c.task == self.task)

    def digests(self) -> frozenset[str]:
        """Return the digests of every object that the path needs, momentum included."""
        return frozenset(d for c in self.components for d in (c.digest, c.momentum) if d)

    def identified(self) -> "Path":
        """Return the same path under the id that its content gives it."""
        content = canonical(replace(self, metrics={}))
        content.pop("id", None)
        return replace(self, id=content_id(content))


@dataclass(frozen=True, slots=True)
class Task:
    """An image classification task as a system knows it.

    source is what the user named (`demo:digits`, a folder, ...), options how it was read, splits the number of
    examples of each split, fingerprint the hash of what was read (a source that changed since is noticed by it).
    """

    name: str
    source: str
    classes: tuple[str, ...]
    splits: Mapping[str, int]
    fingerprint: str
    options: Mapping[str, Any] = field(default_factory=dict)


ChildStatus = Literal["joined", "worse", "diverged", "out-of-memory", "failed"]


@dataclass(frozen=True, slots=True)
class Child:
    """The record of a sampled child, kept also where the child was dropped.

    path holds its hyperparameters, µ table, parent and metrics (components only where it joined the population).
    mutations are the actions that were drawn, curve the quality after each validation, cost the training spent:
    examples, flops, seconds. error is the traceback of one that failed.
    """

    path: Path
    status: ChildStatus
    cycle: int
    generation: int
    number: int
    mutations: tuple[str, ...]
    curve: tuple[float, ...]
    cost: Mapping[str, float]
    error: str = ""

    def __repr__(self) -> str:
        where = f"cycle {self.cycle}, generation {self.generation}, number {self.number}"
        return f"<child {self.status}, {where}: {self.path!r}>"


@dataclass(frozen=True, slots=True)
class Commit:
    """A state of the system: what it changed of the state before.

    changes maps a task to its new published path's id, or to None where the task was taken out. The id is the hash of
    parents, changes, message and method; the time, the author and code, the ramet that made it, are no part of it.
    """

    id: str
    parents: tuple[str, ...]
    changes: Mapping[str, str | None]
    message: str
    method: str
    time: str
    author: str = ""
    code: str = ""


def to_json(record: Any) -> dict[str, Any]:
    """Return a record as plain JSON values, every field in it."""
    plain: dict[str, Any] = json.loads(json.dumps(record, default=_fields))
    return plain


def canonical(content: Any) -> Any:
    """Return JSON values that stay the same when a record's class gets a new field.

    Of every record in the content, a field that has its default is left out. So a default, once released, is never
    changed: it is part of the meaning of every id.
    """
    kind: Any = type(content)
    if kind in _PLAIN:
        return content
    if is_dataclass(content) and not isinstance(content, type):
        values = ((name, getattr(content, name), default) for name, default in _defaults(kind))
        return {name: canonical(value) for name, value, default in values if value != default}
    if isinstance(content, Mapping):
        return {str(key): canonical(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [canonical(value) for value in content]
    return content


def canonical_json(content: Any) -> str:
    """Return the canonical form as text: sorted keys, no white space, ASCII, finite numbers only.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(canonical(content), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def content_id(content: Any) -> str:
    """Return a short name for content: the first 16 hex digits of the SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


@cache
def _defaults(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """Return each field of a record's class with its default; a value that equals nothing where it has none."""
    return tuple((f.name, f.default if f.default_factory is MISSING else f.default_factory()) for f in fields(kind))


def _fields(record: Any) -> dict[str, Any]:
    """Return a record's fields by name; dataclasses.asdict copies each value, which takes several times as long."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
