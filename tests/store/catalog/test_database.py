import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import nan
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ramet.base.errors import InvalidValue, StoreError
from ramet.store.catalog import database as module
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.database import Address, Database
from ramet.store.catalog.schema import metadata, roots, tasks
from tests.interrupts import stopped_at_each_point


@pytest.fixture
def database(new_address: Callable[[], Address]) -> Iterator[Database]:
    made = Database(new_address(), wait=0.05)
    with made.writing() as connection:
        metadata.create_all(connection)
    yield made
    made.close()


def add(database: Database, name: str, record: object = None) -> None:
    with database.writing() as connection:
        connection.execute(insert(tasks).values(name=name, record=record or {}, removed=False))


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(tasks.c.name)).scalars())


def test_a_block_that_raises_has_changed_nothing(database: Database) -> None:
    add(database, "kept")
    with pytest.raises(IntegrityError), database.writing() as connection:
        connection.execute(insert(tasks), [{"name": n, "record": {}, "removed": False} for n in ("new", "kept")])
    assert names(database) == ["kept"]


@pytest.mark.parametrize("block", ["reading", "writing"])
def test_ctrl_c_at_any_point_costs_only_what_was_under_way(database: Database, block: str) -> None:
    """The error is held on to, as a notebook does, so that nothing is tidied up by its going away."""

    def ask() -> None:
        with getattr(database, block)() as connection:
            connection.execute(select(tasks.c.name)).all()
            if block == "writing":
                rows = [{"name": f"{side} {number}", "record": {}, "removed": False} for side in ("one", "two")]
                connection.execute(insert(tasks), rows)
                connection.execute(delete(tasks).where(tasks.c.name == f"kept {number}"))

    other = Database(database.address, wait=5)
    step = 1 if isinstance(database.address, Path) else 7
    number = 0
    add(other, "kept 0")
    for error in stopped_at_each_point(ask, contextlib, module, step=step):
        assert type(error) is KeyboardInterrupt
        seen = set(names(database))
        assert f"kept {number}" in seen or {f"one {number}", f"two {number}"} <= seen, "before or after"
        assert len(seen & {f"kept {number}", f"one {number}", f"two {number}"}) in (1, 2)
        add(other, f"other {number}")
        number += 1
        add(database, f"kept {number}")
        assert f"kept {number}" in names(other)
    assert number > 50
    other.close()


def test_a_transaction_inside_another_gives_the_outer_one_up(database: Database) -> None:
    def nest() -> None:
        with database.writing() as connection:
            connection.execute(insert(tasks).values(name="outer", record={}, removed=False))
            add(database, "inner")

    with pytest.raises(SQLAlchemyError):
        nest()
    assert names(database) == ["inner"]


def test_connections_are_used_again(database: Database) -> None:
    def driver() -> int:
        with database.reading() as connection:
            return id(connection.connection.dbapi_connection)

    assert len({driver() for _ in range(5)}) == 1
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: driver(), range(100)))) <= 5


def test_while_one_writes_others_read_and_a_second_writer_is_told_to_wait(database: Database) -> None:
    add(database, "before")

    def write() -> None:
        with Database(database.address).writing() as other:
            other.execute(delete(tasks))
            assert names(database) == ["before"]
            with pytest.raises(StoreError, match=r"another process keeps it busy"):
                add(database, "late")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    add(database, "late")
    assert names(database) == ["before", "late"]


def test_a_writer_that_waited_reads_what_the_other_wrote(database: Database) -> None:
    begun = threading.Event()

    def count_them() -> int:
        begun.set()
        with Database(database.address).writing() as connection:
            return len(connection.execute(select(tasks)).all())

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as connection:
            counted = pool.submit(count_them)
            assert begun.wait(20)
            connection.execute(insert(tasks).values(name="first", record={}, removed=False))
        assert counted.result(20) == 1


def test_a_reader_sees_one_state(database: Database) -> None:
    other = Database(database.address)
    with database.reading() as connection:
        assert list(connection.execute(select(tasks.c.name)).scalars()) == []
        add(other, "meanwhile")
        assert list(connection.execute(select(tasks.c.name)).scalars()) == []
    assert names(database) == ["meanwhile"]
    other.close()


def test_references_are_checked(database: Database) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), database.writing() as connection:
        connection.execute(insert(roots).values(name="vit", path="gone"))


def test_a_number_that_json_has_not_is_named(database: Database) -> None:
    with pytest.raises(InvalidValue, match="not finite"):
        add(database, "digits", {"mu": nan})
    assert names(database) == []


def test_it_may_be_used_again_after_closing(database: Database) -> None:
    database.close()
    add(database, "digits")
    assert names(database) == ["digits"]


def test_closing_leaves_one_file(tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "catalog.sqlite")
    assert len(list(tmp_path.iterdir())) > 1
    catalog.close()
    assert [file.name for file in tmp_path.iterdir()] == ["catalog.sqlite"]
