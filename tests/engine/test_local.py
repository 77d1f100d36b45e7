import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

import ramet
from ramet.base.errors import InvalidValue, ObjectError, StoreError, UnknownName
from ramet.base.progress import Progress
from ramet.engine import open_engine
from ramet.engine.local import LocalEngine, _travelling
from ramet.engine.trainer import UNDER_WAY
from ramet.store.folder import open_store
from ramet.testing import engine_checks
from ramet.testing.engines import ROUNDS, bench
from tests.evolution.conftest import SMALL, make_system


@pytest.mark.parametrize("check", engine_checks(lambda store: LocalEngine(store, "cpu")), ids=str)
def test_contract_in_this_process(check):
    check()


@pytest.mark.parametrize("check", engine_checks(lambda store: LocalEngine(store, "cpu", workers=2)), ids=str)
def test_contract_in_worker_processes(check):
    check()


def test_a_system_grows_the_same_wherever_its_children_are_trained(tmp_path):
    found = []
    for name, workers in (("here", 0), ("there", 2)):
        with (
            make_system(tmp_path / name, "one") as system,
            LocalEngine(open_store(system.store.folder), "cpu", workers) as engine,
        ):
            system.evolve("one", method="mu2net-plus", settings=SMALL, engine=engine)
            found.append([(c.curve, c.status, [k.digest for k in c.path.components]) for c in system.history("one")])
    assert found[0] == found[1]


def test_workers_use_as_many_threads_as_the_process_that_they_work_for():
    with bench(lambda store: LocalEngine(store, "cpu", workers=1)) as made:
        assert (
            made.engine.place
            == made.here.place
            == f"cpu, {torch.get_num_threads()} thread" + ("s" if torch.get_num_threads() > 1 else "")
        )


def test_no_process_is_left_when_it_is_closed():
    with bench(lambda store: LocalEngine(store, "cpu", workers=2)) as made:
        made.engine.train(made.generation())
        pids = [*made.engine.pids]
        assert len(pids) > 0
    assert not [pid for pid in pids if runs(pid)]


def test_a_worker_that_dies_again_and_again_is_given_up():
    class Kill(Progress):
        def advanced(self, what, done, total):
            if what == "training":
                for pid in made.engine.pids:
                    os.kill(pid, signal.SIGKILL)

    with bench(lambda store: LocalEngine(store, "cpu", workers=1)) as made:
        with pytest.raises(StoreError, match="died 3 times; see whether memory is short"):
            made.engine.train(made.generation(), Kill())
        assert len(made.engine.train(made.generation())) == 2


class Twofold(Exception):
    def __init__(self, one, other):
        super().__init__(one)


def test_an_error_comes_back_with_its_traceback_if_it_can_and_as_its_text_if_not():
    found = []
    for error in (ObjectError("gone", "look"), Twofold(1, 2)):
        try:
            raise error
        except Exception as raised:
            found.append(pickle.loads(pickle.dumps(_travelling(raised))))
    assert (type(found[0]), found[0].problem, found[0].remedy) == (ObjectError, "gone", "look")
    assert "test_local.py" in found[0].__notes__[0]
    assert type(found[1]) is RuntimeError
    assert "Twofold: 1" in str(found[1])


def test_no_process_is_left_when_the_one_that_they_work_for_is_killed(tmp_path):
    program = """
import sys
from ramet.base.progress import Progress
from ramet.engine.local import LocalEngine
from ramet.method.plan import Rounds
from ramet.testing.engines import ROUNDS, bench

class Tell(Progress):
    def advanced(self, what, done, total):
        print(*made.engine.pids, flush=True)

if __name__ == "__main__":
    with bench(lambda store: LocalEngine(store, "cpu", workers=1)) as made:
        made.engine.train(made.generation(rounds=Rounds(100000, 4, 16)), Tell())
"""
    file = tmp_path / "program.py"
    file.write_text(program)
    process = subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert pids
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if runs(pid)]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:  # a zombie runs no more
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Stop(Exception):
    pass


class Halfway(Progress):
    """Does something once, after the first validation, and stops the training."""

    def __init__(self, meanwhile):
        self.meanwhile = meanwhile

    def advanced(self, what, done, total):
        if what == "training" and done == ROUNDS.steps + 1:
            self.meanwhile()
            raise Stop


class Steps(Progress):
    def __init__(self):
        self.seen = []

    def advanced(self, what, done, total):
        if what == "training":
            self.seen.append(done)


@pytest.mark.parametrize("other", ["the very same", "another method"])
def test_a_stopped_generation_goes_on_from_its_last_validation_whatever_was_trained_beside_it(other):
    """Branches of a study train generations of the same key at the same time."""
    with bench(lambda store: LocalEngine(store, "cpu")) as made:
        generation = made.generation()
        beside = generation
        if other == "another method":
            training = generation.method.training.model_copy(update={"clip_norm": 0.5})
            beside = replace(generation, method=generation.method.model_copy(update={"training": training}))
        with pytest.raises(Stop):
            made.engine.train(generation, Halfway(lambda: made.here.train(beside)))
        steps = Steps()
        resumed = made.engine.train(generation, steps)
        assert steps.seen[0] == ROUNDS.steps + 1
        whole = made.engine.train(generation)
        assert [(c.curve, c.digests) for c in resumed] == [(c.curve, c.digests) for c in whole]
        assert not [*(made.store.folder / UNDER_WAY).iterdir()]


def test_states_that_nobody_went_on_from_are_deleted():
    with bench(lambda store: LocalEngine(store, "cpu")) as made:
        with pytest.raises(Stop):
            made.engine.train(made.generation(), Halfway(lambda: None))
        left = [*(made.store.folder / UNDER_WAY).iterdir()]
        assert len(left) == 2  # the state and its lock
        made.engine.train(made.generation(seed=1))
        assert [*(made.store.folder / UNDER_WAY).iterdir()] == left
        for one in left:
            os.utime(one, (0, 0))
        made.engine.train(made.generation(seed=1))
        assert not [*(made.store.folder / UNDER_WAY).iterdir()]


def test_engines_are_found_by_name(tmp_path):
    with make_system(tmp_path, "one") as system:
        store = open_store(system.store.folder)
        with open_engine("local", store, "cpu", workers=0) as engine:
            assert isinstance(engine, LocalEngine)
        with pytest.raises(UnknownName, match=r"no engine is called 'locl'; did you mean local\?"):
            open_engine("locl", store)
        with pytest.raises(InvalidValue, match=r"engine 'local': .*'gpus'"):
            open_engine("local", store, gpus=3)
        with pytest.raises(InvalidValue, match="workers is -1"):
            open_engine("local", store, workers=-1)


def test_a_generation_travels_with_the_parts_of_its_method():
    with bench(lambda store: LocalEngine(store, "cpu")) as made:
        generation = made.generation()
        again = pickle.loads(pickle.dumps(generation))
        assert again.method == generation.method
        assert again.plans == generation.plans
        assert ramet.__version__
