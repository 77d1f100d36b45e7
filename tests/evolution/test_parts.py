"""A method of somebody's own parts at work: run, killed and resumed, merged, told of, and when its code is gone."""

from pathlib import Path

import pytest

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.evolution.observer import Observer
from ramet.method.document.presets import load
from ramet.system import System
from tests.evolution.conftest import SMALL, make_system

CODE = """
from typing import ClassVar

from ramet.method.document.hyperparameters import Domain, Hyperparameter
from ramet.method.parts import Part, register


@register("parents", "last")
class Last(Part):
    def choose(self, among):
        ids = [path.id for path in among.paths]
        return ids[-1] if among.rng.random() < 0.5 else ids[0]


@register("pruning", "two")
class Two(Part):
    def prune(self, members, most):
        best = sorted(members, key=lambda member: member.score)[-2:]
        return [member for member in members if any(member is one for one in best)]


@register("score", "frugal")
class Frugal(Part):
    price: float = 0.5

    def score(self, path, quality, world):
        return quality - self.price * path.trained_params / path.params


@register("hyperparameter", "opt.fade")
class Fade(Hyperparameter):
    domain = Domain(float, 0, 1)
    default: float = 0.5
    values: tuple[float, ...] | str = (0.0, 0.5, 1.0)


@register("schedule", "line")
class Line(Part):
    hyperparameters: ClassVar = (Fade,)

    def factor(self, step, total, hyperparameters, start):
        return 1 - hyperparameters["opt.fade"] * step / total


@register("hyperparameter", "data.noise")
class Noise(Hyperparameter):
    domain = Domain(float, 0, 1)
    default: float = 0.1
    values: tuple[float, ...] | str = (0.0, 0.1, 0.3)


@register("augmentation", "grain")
class Grain(Part):
    hyperparameters: ClassVar = (Noise,)
    draws: ClassVar = 1

    def apply(self, x, u, hyperparameters):
        import torch

        shift = torch.from_numpy(u).to(x).view(-1, 1, 1, 1) - 0.5
        return (x + hyperparameters["data.noise"] * shift).clamp(0, 1)


@register("mutation", "norms")
class Norms(Part):
    def mutate(self, draft):
        if draft.is_frozen("norm") and draft.acts("clone:norm"):
            draft.clone("norm")
"""
METHOD = """
extends: mu2net-plus
name: ours
parts: [ours.py]
parents: last
pruning: two
score: {part: frugal, price: 0.25}
mutation: {steps: [hyperparameters, norms, clones], clone: {norm: never}}
training: {schedule: line, augmentations: [grain]}
hyperparameters: {opt.fade: 1.0}
"""


@pytest.fixture
def method(tmp_path: Path) -> Path:
    (tmp_path / "ours.py").write_text(CODE)
    file = tmp_path / "ours.yaml"
    file.write_text(METHOD)
    return file


class Stops(Observer):
    def generation_finished(self, children: object, best: float) -> None:
        raise KeyboardInterrupt


def test_parts_of_every_kind_work_together_and_a_killed_run_goes_on(tmp_path: Path, method: Path) -> None:
    found = []
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        system = make_system(tmp_path / name, "one")
        if name == "killed":
            with pytest.raises(KeyboardInterrupt):
                system.evolve("one", method=method, settings=SMALL, observer=Stops())
            assert len(system.history()) == 2
        (status,) = system.evolve("one", method=method, settings=SMALL)
        found.append([child.path.id for child in system.history()])
    assert found[0] == found[1]
    path = system.path("one")
    assert (status.score, status.quality) == (
        pytest.approx(path.metrics["quality"] - 0.25 * path.trained_params / path.params),
        path.metrics["quality"],
    )
    assert set(path.hyperparameters) > {"opt.fade", "data.noise"}
    assert {"hp:opt.fade", "clone:norm"} <= set().union(*(child.path.mu for child in system.history()))


def test_a_recorded_method_is_loaded_again_while_its_code_is_what_it_was(system: System, method: Path) -> None:
    system.evolve("one", method=method, settings={**SMALL, "budget.cycles": "1"})
    (agent,) = system.store.catalog.agents.all("one")
    assert load(agent.method).label == load(method, {**SMALL, "budget.cycles": "1"}).label == agent.label
    code = method.with_name("ours.py")
    before = system.status()[0].score
    code.write_text(f"{CODE}\n# mended\n")
    with pytest.raises(InvalidValue, match="other code than the method was made with"):
        load(agent.method)
    code.unlink()
    with pytest.raises(UnknownName, match=r"cannot read .*ours\.py"):
        load(agent.method)
    status = system.status()[0]
    assert status.score != status.score, "it is not known without its code"
    assert (status.quality, status.path) == (system.path("one").metrics["quality"], system.path("one").id)
    code.write_text(CODE)
    assert system.status()[0].score == before


def test_the_better_path_of_a_merge_is_the_better_by_its_own_score(system: System, method: Path) -> None:
    once = {**SMALL, "budget.cycles": "1"}
    system.evolve("one", method=method, settings=once)
    system.versions.add_branch("other")
    system.evolve("one", method=method, settings=once, seed=1)
    system.versions.switch("other")
    system.evolve("one", method=method, settings=once, seed=2)
    code = method.with_name("ours.py")
    code.rename(code.with_suffix(".away"))
    with pytest.raises(RametError, match=r"cannot read .*ours\.py"):
        system.versions.merge("main", policy="best")
    code.with_suffix(".away").rename(code)
    (choice,) = system.versions.merge("main", policy="best").choices
    for id, score in ((choice.ours, choice.our_score), (choice.theirs, choice.their_score)):
        path = system.path(id or "")
        assert score == pytest.approx(path.metrics["quality"] - 0.25 * path.trained_params / path.params)


def test_the_place_of_the_code_is_no_part_of_what_a_run_is(tmp_path: Path, method: Path) -> None:
    ids = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        for file in (method, method.with_name("ours.py")):
            (folder / file.name).write_text(file.read_text())
        system = make_system(folder, "one")
        system.evolve("one", method=folder / method.name, settings=SMALL, cycles=1, samples=1)
        ids.append(system.path("one").id)
    assert ids[0] == ids[1]
