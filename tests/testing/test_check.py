"""The suite passes what is right, and catches what is not: every packaged part, and a broken one for each check."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ConfigDict

from ramet.base.records import Path, Value
from ramet.method.document.hyperparameters import DOMAINS, Domain, Hyperparameter
from ramet.method.mutation import Draft
from ramet.method.parts import Library, Part, Source, plain, register
from ramet.method.protocols import Candidates, Member
from ramet.method.world import World
from ramet.testing import Broken, check, checks

EXTENSIONS = [Source(source=f"ramet.extensions.{name}", digest="") for name in ("lora", "similarity", "shared_compute")]
PACKAGED = [declared.model_validate({}) for declared in dict.fromkeys(Library(EXTENSIONS)._known.values())]


@pytest.mark.parametrize("part", PACKAGED, ids=lambda part: f"{part.kind}-{part.part}")
def test_every_packaged_part_passes(part: Part) -> None:
    check(part)


def test_each_check_is_a_test_of_its_own() -> None:
    found = checks(PACKAGED[0])
    assert len({str(one) for one in found}) == len(found) > 3


Bring = tuple[type[Hyperparameter], ...]
calls: list[object] = []


class Choosing(Part):
    how: str

    def choose(self, among: Candidates) -> Any:
        ids = [path.id for path in among.paths]
        match self.how:
            case "a stranger":
                return "nobody"
            case "always one of the population":
                return among.population[0].path.id
            case "numpy's own generator":
                return ids[np.random.randint(len(ids))]
            case "no seed":
                return ids[int(np.random.default_rng().integers(len(ids)))]
            case "memory":
                calls.append(ids)
                return ids[len(calls) % len(ids)]
            case "always the last":
                return ids[-1]
            case "changes what it is given":
                among.paths[0].metrics["seen"] = len(among.paths[0].metrics)  # type: ignore[index]
        return ids[int(among.rng.integers(len(ids)))]


class Pruning(Part):
    how: str

    def prune(self, members: Sequence[Member], most: int | None) -> Any:
        match self.how:
            case "all":
                return members
            case "reversed":
                return members[::-1][:most]
            case "the first":
                return members[:most]
            case "no seed":
                return [m for m in members if np.random.default_rng().random() < 0.5][:most]
            case "one fewer each time":
                return sorted(members, key=lambda m: m.score)[1:] if most is None else members[:0]
        return None


class Scoring(Part):
    how: str

    def score(self, path: Path, quality: float, world: World) -> Any:
        match self.how:
            case "no number":
                return "high"
            case "infinite":
                return quality / 0.0 if quality != quality else float("inf")
            case "hides NaN":
                return 0.0 if quality != quality else quality
            case "falls":
                return -quality
            case "constant":
                return 0.0 * quality
            case "peeks":
                return quality * path.metrics.get("test_quality", 0.5)
            case "counts its calls":
                calls.append(path)
                return quality + len(calls)
            case "marks the path":
                path.metrics["scored"] = len(path.metrics)  # type: ignore[index]
        return quality


class Mutating(Part):
    hyperparameters: ClassVar[Bring] = ()
    how: str

    def mutate(self, draft: Draft) -> None:
        match self.how:
            case "touches its parent":
                draft.parent.hyperparameters["layers"] = 1  # type: ignore[index]
            case "touches its parent's table":
                draft.parent.mu["mine"] = draft.rng.random()  # type: ignore[index]
            case "no seed":
                if np.random.default_rng().random() < 0.5:
                    draft.clone("norm")
            case "twice":
                for _ in range(2):
                    draft.acts("mine")
            case "inserts what is there":
                draft.insert("block.0")
            case "clones nothing there is":
                draft.clone("block.99")
            case "a value that is none":
                draft.change("layers", 77)
            case "shared":
                draft.change("data.flip", True)
            case "too often":
                draft.acts("mine" if draft.decide("mine") else f"mine{draft.rng.integers(2)}")
                draft.mutations.append("always")


class Undeclared(Part):
    hyperparameters: ClassVar[Any] = (int,)

    def mutate(self, draft: Draft) -> None:
        """Brings along what is no hyperparameter."""


class Scheduling(Part):
    hyperparameters: ClassVar[Bring] = ()
    how: str

    def factor(self, step: int, total: int, hyperparameters: Mapping[str, Value], start: float) -> Any:
        match self.how:
            case "zero":
                return 0.0
            case "negative":
                return 0.5 - step / total
            case "NaN":
                return float("nan")
            case "too high":
                return 2.0
            case "remembers":
                calls.append(step)
                return 1 / len(calls)
        return None


class Augmenting(Part):
    hyperparameters: ClassVar[Bring] = ()
    draws: ClassVar[int] = 1
    how: str

    def apply(self, x_BCHW: Any, u_BN: Any, hyperparameters: Mapping[str, Value]) -> Any:
        import torch

        match self.how:
            case "another shape":
                return x_BCHW[:, :, :8]
            case "out of range":
                return x_BCHW * 3
            case "torch's own generator":
                return torch.rand_like(x_BCHW)
            case "in place":
                return x_BCHW.mul_(0.5)
            case "the batch":
                return x_BCHW * 0 + x_BCHW.mean()
        return None


@register("hyperparameter", "opt.odd")
class Odd(Hyperparameter):
    domain: ClassVar[Domain | None] = Domain(int, 1)
    default: Value = 3
    values: tuple[Value, ...] | str = (1, 3, 5)


@register("hyperparameter", "opt.mine")
class Shuffled(Hyperparameter):
    domain: ClassVar[Domain | None] = Domain(int, 1)
    default: Value = 3
    values: tuple[Value, ...] | str = (3, 1, 2)


@register("hyperparameter", "opt.wild")
class Wild(Hyperparameter):
    domain: ClassVar[Domain | None] = Domain(float, 0.0, 1.0)
    default: Value = 3.0
    values: tuple[Value, ...] | str = (3.0, 4.0)


@register("hyperparameter", "opt.bare")
class Bare(Hyperparameter):
    default: Value = 1
    values: tuple[Value, ...] | str = (1,)


@register("parents", "thawed")
class Thawed(Part):
    model_config = ConfigDict(extra="allow", frozen=False)

    def choose(self, among: Candidates) -> str:
        return among.paths[int(among.rng.integers(len(among.paths)))].id


for kind, broken in {
    "parents": Choosing, "pruning": Pruning, "score": Scoring, "mutation": Mutating, "schedule": Scheduling,
    "augmentation": Augmenting,
}.items():  # fmt: skip
    register(kind, f"broken-{kind}")(broken)
register("mutation", "undeclared")(Undeclared)


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (Thawed(), "settings"),
        (Undeclared(), "hyperparameters"),
        (Shuffled(), "not in order"),
        (Wild(), "opt.wild"),
        (Bare(), "domain"),
        (Choosing(how="a stranger"), "answered 'nobody'"),
        (Choosing(how="numpy's own generator"), "global generator"),
        (Choosing(how="no seed"), "the next time"),
        (Choosing(how="memory"), "the next time"),
        (Choosing(how="always the last"), "the same parent"),
        (Choosing(how="changes what it is given"), "changes what it was given"),
        (Pruning(how="all"), "at most 1"),
        (Pruning(how="reversed"), "in their order"),
        (Pruning(how="the first"), "best score"),
        (Pruning(how="no seed"), "the next time"),
        (Pruning(how="one fewer each time"), "order"),
        (Scoring(how="no number"), "answered 'high'"),
        (Scoring(how="infinite"), "answered inf"),
        (Scoring(how="hides NaN"), "NaN"),
        (Scoring(how="falls"), "fall"),
        (Scoring(how="constant"), "does not count"),
        (Scoring(how="peeks"), "test quality"),
        (Scoring(how="counts its calls"), "the next time"),
        (Scoring(how="marks the path"), "changes what it was given"),
        (Mutating(how="touches its parent"), "changes what it was given"),
        (Mutating(how="touches its parent's table"), "changes what it was given"),
        (Mutating(how="no seed"), "the next time"),
        (Mutating(how="twice"), "noted twice|happens in"),
        (Mutating(how="too often"), "'always' happens in 200 of 200"),
        (Scheduling(how="zero"), "learns nothing"),
        (Scheduling(how="negative"), "from 0 to 1"),
        (Scheduling(how="NaN"), "from 0 to 1"),
        (Scheduling(how="too high"), "from 0 to 1"),
        (Scheduling(how="remembers"), "asked before"),
        (Augmenting(how="another shape"), "answered 'Tensor"),
        (Augmenting(how="out of range"), "outside 0 to 1"),
        (Augmenting(how="torch's own generator"), "global generator"),
        (Augmenting(how="in place"), "changes what it was given"),
        (Augmenting(how="the batch"), "depends on its batch"),
    ],
    ids=lambda value: f"{value.part}-{getattr(value, 'how', '')}" if isinstance(value, Part) else "",
)
def test_what_is_broken_is_caught(part: Part, what: str) -> None:
    with pytest.raises(Broken, match=what):
        check(part)


@pytest.mark.parametrize("how", ["inserts what is there", "clones nothing there is", "a value that is none", "shared"])
def test_a_step_that_asks_for_what_cannot_be_is_refused(how: str) -> None:
    from ramet.base.errors import PartError

    with pytest.raises(PartError, match=r"mutation 'broken-mutation' failed at .*test_check\.py:\d+: "):
        check(Mutating(how=how))


def test_a_right_hyperparameter_passes() -> None:
    check(Odd())
    assert plain(Odd()) == {"part": "opt.odd", "default": 3, "values": [1, 3, 5]}
    assert "opt.odd" not in DOMAINS
