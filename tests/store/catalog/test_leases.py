"""One process at a time works on a task."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import update

from ramet.base.errors import Busy, StoreError
from ramet.store.catalog import leases
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.database import Address, Database
from ramet.store.catalog.leases import Leases
from ramet.store.catalog.schema import leases as table
from ramet.store.folder import Store
from tests.interrupts import stopped_at_each_point
from tests.store.examples import again, in_a_thread, run_in_child


@pytest.fixture
def catalog(store: Store) -> Catalog:
    return store.catalog


def change(catalog: Catalog, **values: Any) -> None:
    """Make the lease somebody else's."""
    with catalog.database.writing() as connection:
        connection.execute(update(table).values(**values))


def test_a_task_has_one_holder_and_another_task_another(catalog: Catalog) -> None:
    with catalog.leases.hold("digits") as lease:
        lease.ensure()
        with pytest.raises(Busy, match=f"'digits' is being worked on by process {os.getpid()} on {lease.host} since"):
            in_a_thread(lambda: catalog.leases.hold("digits").__enter__())
        with catalog.leases.hold("beans"):
            lease.ensure()
    with catalog.leases.hold("digits"):
        pass


def test_a_lease_is_given_back_whatever_happens(catalog: Catalog) -> None:
    with pytest.raises(ZeroDivisionError), catalog.leases.hold("digits"):
        raise ZeroDivisionError
    assert catalog.leases.oldest() is None
    assert not [thread for thread in threading.enumerate() if "_keep" in thread.name]


def test_ctrl_c_at_any_point_leaves_a_lease_that_the_same_thread_may_take(catalog: Catalog) -> None:
    def hold() -> None:
        with catalog.leases.hold("digits") as lease:
            lease.ensure()

    points = 0
    for error in stopped_at_each_point(hold, leases, inside=False):  # the error holds on to the block
        points += 1
        assert KeyboardInterrupt in (type(error), type(error.__context__))  # threading makes another error of it
        with catalog.leases.hold("digits") as lease:
            lease.ensure()
            with pytest.raises(Busy):
                in_a_thread(lambda: catalog.leases.hold("digits").__enter__())
        assert catalog.leases.oldest() is None
        assert in_a_thread(lambda: catalog.leases.hold("digits").__enter__()).branch == "main"
        with catalog.database.writing() as connection:
            connection.execute(table.delete())
    assert points > 30


def test_who_takes_a_lease_that_its_thread_left_makes_the_first_one_lost(catalog: Catalog) -> None:
    left = catalog.leases.hold("digits")
    first = left.__enter__()
    with catalog.leases.hold("digits") as second:
        second.ensure()
        with pytest.raises(Busy):
            first.ensure()
        left.__exit__(None, None, None)
        with pytest.raises(Busy):
            in_a_thread(lambda: catalog.leases.hold("digits").__enter__())


def test_a_block_that_nobody_holds_on_to_gives_its_lease_back(catalog: Catalog) -> None:
    catalog.leases.hold("digits", seconds=0.03).__enter__()
    while catalog.leases.oldest() is not None:
        time.sleep(0.01)


def test_one_that_cannot_be_given_back_does_not_hide_why_the_block_ended(
    new_address: Callable[[], Address],
) -> None:
    address = new_address()
    Catalog.create(address).close()
    catalog, other = Catalog(address, wait=0.05), Database(address)
    busy = ExitStack()

    def stop() -> None:
        with catalog.leases.hold("digits"):
            busy.enter_context(other.writing())
            raise KeyboardInterrupt

    with busy, pytest.raises(KeyboardInterrupt):
        stop()
    with other.reading() as connection:
        assert connection.execute(table.select()).one().task == "digits", "other processes wait for its end"
    with catalog.leases.hold("digits") as lease:
        lease.ensure()
    catalog.close()
    other.close()


def test_another_process_is_told_who_holds_it(store: Store) -> None:
    def take() -> None:
        with pytest.raises(Busy, match=f"process {os.getppid()} "):
            again(store.catalog).leases.hold("digits").__enter__()

    with store.catalog.leases.hold("digits"):
        assert run_in_child(take) == 0


def test_the_lease_of_a_dead_process_is_taken_over(store: Store) -> None:
    def die_with_it() -> None:
        again(store.catalog).leases.hold("digits").__enter__()
        os._exit(9)

    assert os.waitstatus_to_exitcode(run_in_child(die_with_it)) == 9
    assert store.catalog.leases.oldest() is None
    with store.catalog.leases.hold("digits") as lease:
        lease.ensure()


@pytest.mark.parametrize(
    ("holder", "free"),
    [
        ({"host": "elsewhere", "pid": 1}, False),
        ({"host": "elsewhere", "pid": 1, "expires": 0.0}, True),
        ({"pid": 2**22 + 1}, True),
        ({"pid": 1}, False),
        ({"expires": 0.0}, True),
    ],
    ids=["another machine", "another machine, ended", "dead", "alive", "ended"],
)
def test_when_a_lease_may_be_taken_over(catalog: Catalog, holder: dict[str, Any], free: bool) -> None:
    with catalog.leases.hold("digits"):
        change(catalog, token="another", **holder)
        assert (catalog.leases.oldest() is None) == free
        if free:
            with catalog.leases.hold("digits"):
                pass
        else:
            with pytest.raises(Busy):
                catalog.leases.hold("digits").__enter__()


def test_of_many_takers_of_a_dead_lease_one_gets_it(store: Store) -> None:
    ready, tried = threading.Barrier(6), threading.Barrier(6)

    def take(_: int) -> bool:
        catalog = again(store.catalog)
        ready.wait(20)
        try:
            with catalog.leases.hold("digits"):
                tried.wait(20)
                return True
        except Busy:
            tried.wait(20)
            return False

    with store.catalog.leases.hold("digits"):
        change(store.catalog, token="dead", pid=2**22 + 1)
        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(take, range(6))) == 1


def test_the_holder_puts_the_end_off(catalog: Catalog) -> None:
    renewed = threading.Event()
    times = iter(range(1000, 9999))

    def clock() -> float:
        now = float(next(times))
        if now > 1006:
            renewed.set()
        return now

    with Leases(catalog.database, clock).hold("digits", seconds=0.06) as lease:
        assert renewed.wait(10)
        lease.ensure()
        with catalog.database.reading() as connection:
            assert connection.execute(table.select()).one().expires > 1003


def test_a_holder_that_stood_still_notices_that_it_lost_the_lease(catalog: Catalog) -> None:
    with catalog.leases.hold("digits", seconds=0.06) as lease:
        change(catalog, token="another")
        assert lease.lost.wait(10)
        with pytest.raises(Busy, match="lost to another process"):
            lease.ensure()
    with catalog.database.reading() as connection:
        assert connection.execute(table.select()).one().token == "another", "another's lease is not given back"


def test_a_busy_catalog_is_asked_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    writing = Database.writing

    def busy(database: Database) -> Any:
        if threading.current_thread() is not threading.main_thread() and not asked.is_set():
            asked.set()
            raise StoreError("locked")
        return writing(database)

    monkeypatch.setattr(Database, "writing", busy)
    with store.catalog.leases.hold("digits", seconds=0.06) as lease:
        assert asked.wait(10)
        change(store.catalog, token="another")
        assert lease.lost.wait(10)


def test_since_when_somebody_works(new_address: Callable[[], Address]) -> None:
    now = iter(range(100, 200))
    catalog = Catalog.create(new_address(), clock=lambda: float(next(now)))
    assert catalog.leases.oldest() is None
    with catalog.leases.hold("digits"), catalog.leases.hold("beans"):
        first = catalog.leases.oldest()
        assert first is not None
        assert 100 < first < 106
