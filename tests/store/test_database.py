import sqlite3
from math import nan
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from ramet.errors import InvalidValue, StoreError
from ramet.store.database import Database
from ramet.store.schema import metadata, roots, tasks


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path / "catalog.sqlite", wait=0.05)
    with made.writing() as connection:
        metadata.create_all(connection)
    return made


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


def test_while_one_writes_others_read_and_a_second_writer_is_told_to_wait(database: Database) -> None:
    add(database, "before")
    other = sqlite3.connect(database.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert names(database) == ["before"]
    with pytest.raises(StoreError, match=r"locked.*another process keeps it busy"):
        add(database, "late")
    other.rollback()
    add(database, "late")
    assert names(database) == ["before", "late"]


def test_a_reader_sees_one_state(database: Database) -> None:
    with database.reading() as connection:
        assert list(connection.execute(select(tasks.c.name)).scalars()) == []
        add(database, "meanwhile")
        assert list(connection.execute(select(tasks.c.name)).scalars()) == []
    assert names(database) == ["meanwhile"]


def test_references_are_checked(database: Database) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), database.writing() as connection:
        connection.execute(insert(roots).values(name="vit", path="gone"))


def test_a_number_that_json_has_not_is_named(database: Database) -> None:
    with pytest.raises(InvalidValue, match="not finite"):
        add(database, "digits", {"mu": nan})
    assert names(database) == []


def test_it_may_be_used_again_after_closing(database: Database) -> None:
    database.close()
    assert [file.name for file in database.file.parent.iterdir()] == ["catalog.sqlite"]
    add(database, "digits")
    assert names(database) == ["digits"]
