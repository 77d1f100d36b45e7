from dataclasses import replace
from typing import Any

import pytest

from ramet.base.records import Path
from ramet.evolution.evolve import Inherited, ineffective
from ramet.method.document.presets import load
from ramet.method.mutation import start
from tests.method.helpers import BASE, TINY, root

ROOT = root()


def path(task: str, **values: Any) -> Path:
    """A published path of a task, with the values of a method's defaults but for those given (`opt__lr`)."""
    space = load("characters").space(TINY)
    own = {name.replace("__", "."): value for name, value in values.items()}
    hyperparameters = {**{name: choices.default for name, choices in space.items()}, **own}
    return replace(ROOT, task=task, hyperparameters=hyperparameters).identified()


def found(overrides: dict[str, Any], *parents: Path, method: str = "characters") -> list[Inherited]:
    return ineffective(load(method, overrides), overrides, "mine", parents)


MINE, OTHER = path("mine"), path("other", opt__lr=0.1, data__flip=True)


@pytest.mark.parametrize(
    ("overrides", "parents", "expected"),
    [
        ({}, (MINE,), []),
        ({"opt.lr": "0.05"}, (MINE,), [Inherited("opt.lr", 0.05, (0.01,), False)]),
        ({"opt.lr": 0.05}, (MINE, OTHER), [Inherited("opt.lr", 0.05, (0.01, 0.1), False)]),
        ({"opt.lr": 0.05}, (OTHER, ROOT), [Inherited("opt.lr", 0.05, (0.1,), True)]),
        ({"hyperparameters.opt.lr.default": 0.05}, (MINE,), [Inherited("opt.lr", 0.05, (0.01,), False)]),
        ({"opt.lr": {"default": 0.05}}, (MINE,), [Inherited("opt.lr", 0.05, (0.01,), False)]),
        ({"opt.lr": [0.05, 0.1], "opt.lr.default": 0.1}, (MINE,), [Inherited("opt.lr", 0.1, (0.05,), False)]),
        # the parents have it already; every child has it; there is nobody to inherit from
        ({"opt.lr": 0.01}, (MINE, ROOT), []),
        ({"opt.lr": "0.05!"}, (MINE, OTHER), []),
        ({"opt.lr": [0.05]}, (MINE, OTHER), []),
        ({"opt.lr": 0.05}, (ROOT,), []),
        # these are no defaults
        ({"opt.lr": [0.01, 0.05]}, (MINE,), []),
        ({"opt.lr.values": [0.01, 0.05]}, (MINE,), []),
        ({"layers": "0..3", "budget.cycles": 3, "mutation.clone.head": "never"}, (MINE,), []),
        # a generation has the data settings of the task's own best path
        ({"data.flip": True}, (MINE, ROOT), [Inherited("data.flip", True, (False,), False)]),
        ({"data.flip": False}, (OTHER, ROOT), []),
        # in the order they were set
        ({"layers": 1, "mu": 0.3}, (MINE,), [Inherited("layers", 1, (3,), False), Inherited("mu", 0.3, (0.1,), False)]),
    ],
)
def test_defaults_that_children_do_not_begin_with(
    overrides: dict[str, Any], parents: tuple[Path, ...], expected: list[Inherited]
) -> None:
    assert found(overrides, *parents) == expected


def test_a_method_whose_parents_are_roots_inherits_nothing() -> None:
    assert found({"opt.lr": 0.05}, MINE, ROOT, method="finetune@characters") == []


def test_the_word_root_is_each_parent_s_own() -> None:
    deep = replace(MINE, architecture=BASE, hyperparameters={**MINE.hyperparameters, "layers": 12}).identified()
    assert found({"layers": "root"}, deep, MINE) == []


def test_what_is_said_of_it() -> None:
    (one,) = found({"opt.lr": 0.05}, MINE)
    assert (
        str(one)
        == "opt.lr=0.05 changes nothing: children inherit 0.01 from their parents; opt.lr=0.05! fixes it for all"
    )
    (flip,) = found({"data.flip": True}, MINE)
    assert str(flip).startswith("data.flip=true changes nothing: children inherit false")
    (rare,) = found({"opt.lr": 0.05}, OTHER, ROOT)
    assert str(rare).startswith("opt.lr=0.05 is only for children of a root: all others inherit 0.1")


@pytest.mark.parametrize("name", ["opt.lr", "mu", "opt.momentum", "layers"])
def test_what_is_said_to_fix_it_does(name: str) -> None:
    value = load("characters").space(TINY)[name].step(MINE.hyperparameters[name], up=False)  # type: ignore[arg-type]
    (one,) = found({name: value}, MINE)
    key, _, text = str(one).rpartition("; ")[2].removesuffix(" fixes it for all").partition("=")
    fixed = load("characters", {key: text})
    assert start(fixed.space(TINY), MINE)[name] == value
    assert fixed.space(TINY)[name].fixed
