"""What is set for a run counts, or it is said that it does not."""

from ramet.base.records import Child
from ramet.evolution.observer import Observer
from ramet.system import System
from tests.evolution.conftest import SMALL

RUN = {**SMALL, "budget.cycles": 1, "budget.samples_per_cycle": 2, "budget.validations": 1}


class Heard(Observer):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def noted(self, text: str) -> None:
        self.notes.append(text)


def evolved(system: System, **settings: object) -> tuple[list[str], list[Child]]:
    """The notes of a run, and the children that it made."""
    heard, before = Heard(), {child.path.id for child in system.history()}
    named = {key.replace("__", "."): value for key, value in settings.items()}
    system.evolve(
        "one",
        method="mu2net-plus",
        settings={**RUN, "mutation.hyperparameters": "never", **named},
        observer=heard,
        more=True,
    )
    return heard.notes, [child for child in system.history() if child.path.id not in before]


def test_a_default_that_nobody_would_begin_with_is_noted_and_can_be_forced(system: System) -> None:
    notes, children = evolved(system, opt__lr=0.02)
    assert not any("opt.lr" in note for note in notes), "all children are of the root"
    assert {child.path.hyperparameters["opt.lr"] for child in children} == {0.02}
    notes, children = evolved(system, opt__lr=0.05)
    assert any(note.startswith("opt.lr=0.05 ") and "inherit 0.02" in note for note in notes)
    roots = {root.id for root in system.roots().values()}
    rates = [(child.path.parent in roots, child.path.hyperparameters["opt.lr"]) for child in children]
    assert rates
    assert all(rate == (0.05 if of_root else 0.02) for of_root, rate in rates)
    notes, children = evolved(system, opt__lr="0.05!")
    assert not any("opt.lr" in note for note in notes)
    assert children
    assert {child.path.hyperparameters["opt.lr"] for child in children} == {0.05}
