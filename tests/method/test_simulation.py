"""The whole floor at work without a tensor: a system of many tasks, grown by a fake trainer."""

from collections import Counter
from itertools import islice

import pytest

from ramet.base.randomness import generator
from ramet.base.records import Path
from ramet.method.document.schema import Method
from ramet.method.draft import Draft
from ramet.method.mutation import plan_child, plan_data
from ramet.method.protocols import Candidates, Member
from ramet.method.score import SizeAndCompute, accounted_params, holders, path_flops
from ramet.method.selection import best, joins, pruned, ranked, sample_parent

from .helpers import TINY, method, root, trained

CLASSES = 10


class System:
    """A system of published paths, and how a cycle extends it."""

    def __init__(self, of: Method) -> None:
        self.method = of
        self.root = root()
        self.published: dict[str, Path] = {}
        self.paths = {self.root.id: self.root}

    def lineage(self, path: Path) -> list[Path]:
        line = [path]
        while line[-1].parent is not None:
            line.append(self.paths[line[-1].parent])
        return line

    def quality(self, path: Path) -> float:
        """Some number between 0 and 1 that is the path's own."""
        return float(generator(path.id).random())

    def cycle(self, task: str, samples: int) -> None:
        others = [*islice(reversed(self.published.values()), 20)]
        members: list[Member] = []
        taken: list[str] = []
        for i in range(samples):
            draw = generator(task, i)
            among = Candidates(
                task, ranked(members), others, [self.root], Counter(taken), tuple(taken), draw,
                lambda: generator(task, "rotation"),
            )  # fmt: skip
            parent = sample_parent(self.method.parents, among)
            taken.append(parent.id)
            data = plan_data(self.method, best(members), TINY, draw)
            plan = plan_child(
                Draft(
                    self.method,
                    parent,
                    task=task,
                    classes=CLASSES,
                    agent=task,
                    data=data,
                    ancestors=self.lineage(parent),
                    rng=draw,
                )
            )
            child = trained(plan, task, i)
            part = self.method.score
            assert isinstance(part, SizeAndCompute)
            value = part.penalised(self.quality(child), child.params, path_flops(child, CLASSES))
            if joins(value, next((score for path, score in members if path.id == parent.id), None)):
                self.paths[child.id] = child
                members = pruned(self.method.pruning, [*members, Member(child, value)], self.method.max_population)
        found = best(members)
        assert found is not None
        self.published[task] = found


@pytest.mark.parametrize(("name", "tasks"), [("mu2net-plus", 1000), ("mu2net@characters", 100), ("munet@quick", 100)])
def test_a_system_of_many_tasks_grows_and_accounts_for_every_parameter(name: str, tasks: int) -> None:
    system = System(method(name))
    for i in range(tasks):
        system.cycle(f"task{i}", samples=2)
    live = [system.root, *system.published.values()]
    held = holders(live)
    stored = {c.digest: c.size for path in live for c in path.components}
    assert sum(accounted_params(path, held) for path in live) == pytest.approx(sum(stored.values()))
    assert sum(stored.values()) < 0.9 * sum(path.params for path in live)
    assert len({path.id for path in live}) == tasks + 1


def test_the_same_draws_grow_the_same_system() -> None:
    systems = [System(method("mu2net-plus")) for _ in range(2)]
    for system in systems:
        for i in range(20):
            system.cycle(f"task{i}", samples=3)
    assert systems[0].published == systems[1].published
