"""What every engine must keep: a child is the same wherever it was trained, and nothing is lost when something dies.

    ramet.testing.check_engine(lambda store: MyEngine(store, ...))

A small system is made in a temporary folder, and every check trains children of it for real.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ramet.base.progress import Progress
from ramet.engine.contract import Engine, Generation
from ramet.engine.local import LocalEngine
from ramet.method.document.presets import load
from ramet.method.plan import ChildPlan, Planned, Rounds, Trained
from ramet.method.search import State, propose
from ramet.method.world import World
from ramet.store.folder import Store, open_store
from ramet.system import init
from ramet.testing import ailing
from ramet.testing.steady import Broken, Check, holds

MakeEngine = Callable[[Store], Engine]

ROUNDS = Rounds(count=3, steps=4, batch=16)


@dataclass(frozen=True)
class Bench:
    """A small system, an engine of it, and the engine of this process to compare with."""

    store: Store
    engine: Engine
    here: Engine

    def generation(self, task: int = 0, *, count: int = 2, seed: int = 0, rounds: Rounds = ROUNDS) -> Generation:
        """Return children of the root to be trained."""
        method = load(
            {"extends": "mu2net-plus@minutes", "parts": ["ramet.testing.ailing"]},
            {"training.schedule": "{part: brittle}", "batch": 16, "budget.generation": count, "mu": 0.3},
        ).resolved()
        catalog = self.store.catalog
        chosen = catalog.tasks.all()[task]
        state = State(
            method=method, task=chosen.name, classes=len(chosen.classes), agent="engine", label=method.label,
            seed=seed, run=0, cycle=0, generation=0, population=(), taken=(), lineage=catalog.paths.ancestors,
            world=World.of(catalog.versions.published(), catalog.paths.roots().values()),
        )  # fmt: skip
        return Generation(chosen, method, state.key, propose(state, count), tuple(range(count)), rounds)


def engine_checks(make: MakeEngine) -> list[Check]:
    """Return everything that an engine must keep, each as a check that runs by itself."""
    return [Check(what, partial(bench, make)) for what in _EVERY]


def check_engine(make: MakeEngine) -> None:
    """Run all checks of an engine.

    Args:
        make: makes one for an open system; it is closed afterwards.

    Raises:
        Broken: it does not keep one of them.
    """
    for one in engine_checks(make):
        one()


@contextmanager
def bench(make: MakeEngine) -> Iterator[Bench]:
    """Make a small system with an engine, both of which are gone when the block ends."""
    with TemporaryDirectory(prefix="ramet-engine-") as place:
        folder = FilePath(place)
        with init(folder / "system", "random:vit_tiny_patch8@16x1") as system:
            for seed, name in enumerate(("first", "second")):
                system.tasks.add(name, _squares(folder / f"{name}.npz", seed))
        store = open_store(folder / "system")
        try:
            with make(store) as engine, LocalEngine(store, "cpu") as here:
                yield Bench(store, engine, here)
        finally:
            store.catalog.close()


def trains_the_same_child(bench: Bench) -> None:
    """A child trained there is the child trained in this process, bit for bit."""
    generation = bench.generation()
    _same(bench.here.train(generation), bench.engine.train(generation), "than in this process")


def trains_it_again_the_same(bench: Bench) -> None:
    """The same call gives the same children, and its objects are in the store."""
    generation = bench.generation()
    first, again = bench.engine.train(generation), bench.engine.train(generation)
    _same(first, again, "the second time")
    digests = {digest for child in first for pair in child.digests.values() for digest in pair}
    holds(bool(digests) and all(digest in bench.store.objects for digest in digests), "digests name no stored objects")


def siblings_make_no_difference(bench: Bench) -> None:
    """A child is the same alone and beside others."""
    generation = bench.generation()
    together = bench.engine.train(generation)
    for number, plan in enumerate(generation.plans):
        alone = bench.engine.train(replace(generation, plans=(plan,), numbers=(number,)))
        _same(together[number : number + 1], alone, "alone")


def writes_objects_alone(bench: Bench) -> None:
    """No record of the system is written, and a trial of speed stores nothing."""
    before, objects = _records(bench), {*bench.store.objects.digests()}
    trial = bench.engine.train(replace(bench.generation(), keep=False))
    holds(all(not child.digests for child in trial), "a trial of speed came back with digests")
    holds({*bench.store.objects.digests()} == objects, "a trial of speed stored objects")
    bench.engine.train(bench.generation())
    holds(_records(bench) == before, "records of the system were written")


def tells_how_far_it_is(bench: Bench) -> None:
    """A watcher is told of steps up to the last one, and of every child's validations."""
    seen = _Watcher()
    bench.engine.train(bench.generation(), seen)
    total = ROUNDS.count * ROUNDS.steps
    holds(seen.steps[-1:] == [(total, total)], f"the last that was told of is {seen.steps[-1:]}, of {total} steps")
    holds(seen.children == {"child 0", "child 1"}, f"validations were told of {sorted(seen.children)}")


def a_watcher_stops_it(bench: Bench) -> None:
    """An error of the watcher ends the training and comes out as it is; the engine goes on to serve."""
    endless = bench.generation(rounds=Rounds(count=1000, steps=4, batch=16))

    def impatient(done: int, total: int) -> None:
        if done >= 3:
            raise _Enough

    with suppress(_Enough):
        bench.engine.train(endless, _Watcher(impatient))
        raise Broken("the training went on to its end though the watcher raised")
    generation = bench.generation(seed=1)
    _same(bench.here.train(generation), bench.engine.train(generation), "after a training that was stopped")


def one_that_raises_is_told_of(bench: Bench) -> None:
    """A child that raises has failed with its traceback; its sibling comes out as ever."""
    generation = bench.generation()
    healthy, ill = generation.plans
    ill = replace(ill, hyperparameters={**ill.hyperparameters, "opt.lr": ailing.ILL})
    wanted = bench.here.train(replace(generation, plans=(healthy,), numbers=(0,)))
    found = bench.engine.train(replace(generation, plans=(healthy, ill)))
    _same(wanted, found[:1], "beside a sibling that raises")
    told = found[1]
    holds(told.failure == "failed" and not told.digests, f"a child that raised came back as {told.failure!r}")
    holds("no rate for this child" in told.error and "ailing.py" in told.error, "its traceback does not come back")


def short_memory_costs_time_alone(bench: Bench) -> None:
    """Memory for a few images at once is enough: batches are worked on in pieces, and the child is the same."""
    plenty = short = bench.generation(count=1)
    plenty = replace(plenty, plans=(_greedy(plenty.plans[0], rows=1000),))
    short = replace(short, plans=(_greedy(short.plans[0], rows=5),))
    (wanted,), (found,) = bench.engine.train(plenty), bench.engine.train(short)
    holds(found.failure is None, f"a child that finds memory for 5 images at once is dropped: {found.failure}")
    holds(found.examples == wanted.examples, "it was trained on fewer examples")
    _same(bench.here.train(short), [found], "where memory is short than in this process")
    for name in wanted.digests.keys() - {"greedy.0"}:
        much, little = (bench.store.objects.get(child.digests[name][0]) for child in (wanted, found))
        close = all(np.allclose(much[key].numpy(), little[key].numpy(), atol=1e-3) for key in much)
        holds(close, f"{name} of a child that was trained in pieces is another one, beyond rounding")


def two_may_use_it_at_once(bench: Bench) -> None:
    """Two agents train at the same time, and each has its own children."""
    wanted = [bench.generation(task) for task in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(bench.engine.train, wanted)]
    for generation, children in zip(wanted, found, strict=True):
        _same(bench.here.train(generation), children, "while another generation was trained")


def measures_what_it_trained(bench: Bench) -> None:
    """A stored path measures the same there as in this process."""
    root = next(iter(bench.store.catalog.paths.roots().values()))
    generation = bench.generation(count=1)
    (child,), (plan,) = bench.engine.train(generation), generation.plans
    components = tuple(
        replace(part.origin, digest=child.digests[part.name][0]) if part.trainable and part.origin
        else part.origin or replace(root.components[0], name=part.name, digest=child.digests[part.name][0])
        for part in plan.parts
    )  # fmt: skip
    path = replace(root, task=generation.task.name, components=components, hyperparameters=plan.hyperparameters)
    for split in ("validation", "test"):
        here, there = (engine.measure(generation.task, path, split) for engine in (bench.here, bench.engine))
        holds(here == there, f"{split}: {there} there, {here} in this process")


def a_killed_process_is_replaced(bench: Bench) -> None:
    """A process that trains may be killed: the children come out as if it had not been."""
    bench.engine.train(bench.generation())  # now its processes have been started, if it has any
    if not _pids(bench.engine):
        return
    generation = bench.generation(rounds=Rounds(count=40, steps=4, batch=16))
    wanted = bench.here.train(generation)
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if 8 <= done < total and not killed:
            killed.extend(_pids(bench.engine))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    found = bench.engine.train(generation, _Watcher(kill))
    holds(bool(killed), "the training ended before a process could be killed: nothing was shown")
    _same(wanted, found, "after its process was killed")


_EVERY = (
    trains_the_same_child,
    trains_it_again_the_same,
    siblings_make_no_difference,
    writes_objects_alone,
    tells_how_far_it_is,
    a_watcher_stops_it,
    one_that_raises_is_told_of,
    short_memory_costs_time_alone,
    two_may_use_it_at_once,
    measures_what_it_trained,
    a_killed_process_is_replaced,
)


class _Enough(Exception):
    """A watcher wants no more."""


class _Watcher(Progress):
    """Notes what it is told of, and acts at every step of a training."""

    def __init__(self, act: Callable[[int, int], None] = lambda done, total: None) -> None:
        self.act = act
        self.steps: list[tuple[int, int]] = []
        self.children: set[str] = set()

    def advanced(self, what: str, done: int, total: int) -> None:
        if what == "training":
            self.steps.append((done, total))
            self.act(done, total)

    def measured(self, what: str, value: float) -> None:
        holds(0 <= value <= 1, f"{what} measures {value}")
        self.children.add(what)


def _pids(engine: Engine) -> list[int]:
    """Return the processes of this machine that an engine trains in, which may be killed, if it tells of any."""
    return [*getattr(engine, "pids", ())]


def _greedy(plan: ChildPlan, rows: int) -> ChildPlan:
    """Return the plan with a component that finds memory for so many images at once."""
    at = [part.name for part in plan.parts].index("block.0") + 1
    parts = (*plan.parts[:at], Planned("greedy.0", None, True), *plan.parts[at:])
    return replace(plan, parts=parts, hyperparameters={**plan.hyperparameters, ailing.ROWS: rows})


def _same(wanted: Sequence[Trained], found: Sequence[Trained], when: str) -> None:
    def told(children: Sequence[Trained]) -> list[object]:
        return [(c.number, c.failure, c.curve, dict(c.digests), c.examples) for c in children]

    holds(told(wanted) == told(found), f"a child is another one {when}: {told(found)}, not {told(wanted)}")


def _records(bench: Bench) -> tuple[object, ...]:
    catalog = bench.store.catalog
    return ([c.id for c in catalog.versions.log()], catalog.agents.all(), catalog.paths.roots(), catalog.tasks.all())


def _squares(file: FilePath, seed: int) -> str:
    """Write images of 16 x 16 pixels in three classes, each bright in one colour, and return the source."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = {}
    for split, count in (("train", 96), ("validation", 48), ("test", 48)):
        labels = np.arange(count) % 3
        images = rng.integers(0, 120, (count, 16, 16, 3))
        images[np.arange(count), :8, :8, labels] += 100
        arrays |= {f"x_{split}": images.astype(np.uint8), f"y_{split}": labels.astype(np.int64)}
    np.savez(file, **arrays)
    return f"npz:{file}"
