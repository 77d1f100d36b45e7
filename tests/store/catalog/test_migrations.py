"""A system of format 1 becomes one of this format, whole at every moment."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, inspect

from ramet.base.errors import Busy, StoreError
from ramet.store.catalog import schema
from ramet.store.catalog.database import Address, Database
from ramet.store.catalog.migrations import configuration, upgrade
from ramet.store.folder import FORMAT, migrate, open_store
from tests.store.examples import a_task, dies_at, of_format_1, start

MOST = 100


def rows(file: FilePath) -> dict[str, list[Any]]:
    connection = sqlite3.connect(file)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
    connection.close()
    return found


def index(found: Any) -> tuple[Any, ...]:
    options = sorted((name, str(value)) for name, value in found.get("dialect_options", {}).items())
    return found["name"], found["column_names"], bool(found["unique"]), options


def shape(database: Database) -> dict[str, Any]:
    """All that a database says of its tables, but for the names of constraints that have none of their own."""
    with database.reading() as connection:
        found = inspect(connection)
        return {
            name: {
                "columns": [{**column, "type": str(column["type"])} for column in found.get_columns(name)],
                "key": found.get_pk_constraint(name)["constrained_columns"],
                "unique": sorted(key["column_names"] for key in found.get_unique_constraints(name)),
                "indexes": sorted(map(index, found.get_indexes(name))),
                "references": sorted(
                    (key["constrained_columns"], key["referred_table"], key["referred_columns"])
                    for key in found.get_foreign_keys(name)
                ),
            }
            for name in found.get_table_names()
        }


def named_anew(folder: FilePath) -> bool:
    """Whether the folder says that it is migrated."""
    return bool(json.loads((folder / "ramet.json").read_text())["format"] == FORMAT)


def to(connection: Connection, revision: str) -> None:
    """Run the migrations on any tables, none included."""
    command.upgrade(configuration(connection, lambda _: []), revision)


def upgrade_to_2(database: Database) -> None:
    """Make of a catalog of format 1 what ramet did when format 2 was the last one."""
    with database.writing() as connection:
        schema.revision.create(connection)
        connection.execute(schema.revision.insert().values(version_num="0001"))
    with database.altering() as connection:
        to(connection, "0002")


def change(folder: FilePath, statement: str) -> None:
    connection = sqlite3.connect(folder / "catalog.sqlite")
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_system_of_format_1_says_what_to_do_and_then_is_used_again(tmp_path: FilePath) -> None:
    folder = of_format_1(tmp_path / "colony")
    before = rows(folder / "catalog.sqlite")
    with pytest.raises(StoreError, match="format 1, this ramet reads 3") as error:
        open_store(folder)
    assert error.value.remedy == f"run `ramet -C {folder} migrate`"
    assert migrate(folder) == 1
    mark = json.loads((folder / "ramet.json").read_text())
    assert mark == {"format": 3, "name": "colony", "created": "1970-01-01T00:00:00+00:00"}
    assert sorted(file.name for file in folder.iterdir()) == ["catalog.sqlite", "objects", "ramet.json"]

    after = rows(folder / "catalog.sqlite")
    assert after.pop("alembic_version") == [("0003",)]
    assert [after.pop(table) for table in ("tags", "experiments", "trials", "cycles")] == [[]] * 4
    after["generations"] = [row[:3] for row in after["generations"]]
    assert after.pop("commits") == [(*commit, "", "") for commit in before.pop("commits")]
    assert after == before
    assert all(before.values()), "a table that the test says nothing of"

    catalog = open_store(folder).catalog
    assert catalog.care.check() == []
    assert [commit.message for commit in catalog.versions.log()] == ["beans: 1 of 2", "digits: 1 of 1", "a new system"]
    assert {task: path.metrics for task, path in catalog.versions.published().items()} == {
        "beans": {"quality": 0.25},
        "digits": {"quality": 0.5},
    }
    assert [(agent.task, agent.number, agent.state) for agent in catalog.agents.all()] == [
        ("beans", 0, "running"),
        ("digits", 0, "done"),
        ("digits", 1, "running"),
    ]
    catalog.tasks.add(a_task("letters"))
    assert start(catalog, "letters").number == 0
    catalog.close()
    assert migrate(folder) == FORMAT


def test_migrated_tables_are_those_of_a_new_system(new_address: Callable[[], Address]) -> None:
    made, migrated = Database(new_address()), Database(new_address())
    with made.writing() as connection:
        schema.metadata.create_all(connection)
    with migrated.altering() as connection:
        to(connection, "head")
    assert shape(migrated) == shape(made)
    made.close()
    migrated.close()


def test_the_first_migration_makes_the_tables_of_format_1(tmp_path: FilePath) -> None:
    real = Database(of_format_1(tmp_path / "colony") / "catalog.sqlite")
    made = Database(tmp_path / "made.sqlite")
    with made.altering() as connection:
        to(connection, "0001")
    tables = shape(made)
    del tables["alembic_version"]
    assert tables == shape(real)
    upgrade(real)
    upgrade(made)
    assert shape(real) == shape(made)


def test_a_system_of_format_2_keeps_all_that_it_has(tmp_path: FilePath) -> None:
    folder = of_format_1(tmp_path / "colony")
    database = Database(folder / "catalog.sqlite")
    upgrade_to_2(database)
    database.close()
    mark = json.loads((folder / "ramet.json").read_text())
    (folder / "ramet.json").write_text(json.dumps({**mark, "format": 2}))
    before = rows(folder / "catalog.sqlite")
    with pytest.raises(StoreError, match="format 2, this ramet reads 3"):
        open_store(folder)
    assert migrate(folder) == 2
    after = rows(folder / "catalog.sqlite")
    assert [after.pop(table) for table in ("experiments", "trials", "cycles")] == [[]] * 3
    after["generations"] = [row[:3] for row in after["generations"]]
    assert (before.pop("alembic_version"), after.pop("alembic_version")) == ([("0002",)], [("0003",)])
    assert after == before
    assert open_store(folder).catalog.experiments.all() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_at_any_write_leaves_what_the_same_call_finishes(tmp_path: FilePath) -> None:
    whole = of_format_1(tmp_path / "whole")
    migrate(whole)
    finished = rows(whole / "catalog.sqlite"), (whole / "ramet.json").read_text()
    folder = tmp_path / "colony"
    for point in range(MOST):
        of_format_1(folder)
        died = dies_at(point, lambda: migrate(folder))
        if named_anew(folder):
            assert rows(folder / "catalog.sqlite") == finished[0]
        migrate(folder)
        assert (rows(folder / "catalog.sqlite"), (folder / "ramet.json").read_text()) == finished
        shutil.rmtree(folder)
        if not died:
            break
    assert 10 < point < MOST


def test_nothing_is_migrated_that_somebody_works_on(tmp_path: FilePath) -> None:
    folder = of_format_1(tmp_path / "colony")
    change(folder, "UPDATE leases SET expires = 9e9")
    with pytest.raises(Busy, match="'digits' is being worked on by process 1 on elsewhere"):
        migrate(folder)
    assert "tags" not in rows(folder / "catalog.sqlite")


def test_what_is_damaged_is_not_migrated(tmp_path: FilePath) -> None:
    folder = of_format_1(tmp_path / "colony")
    change(folder, "DELETE FROM paths WHERE id IN (SELECT path FROM commit_changes)")
    before = rows(folder / "catalog.sqlite")
    with pytest.raises(StoreError, match="refers to a missing paths"):
        migrate(folder)
    after = rows(folder / "catalog.sqlite")
    assert after.pop("alembic_version") == [("0001",)]
    assert after == before
    with pytest.raises(StoreError, match="format 1"):
        open_store(folder)


@pytest.mark.parametrize(
    ("mark", "problem", "remedy"),
    [
        ('{"format": 4, "name": "colony", "created": ""}', "format 4, this ramet reads 3", "newer ramet"),
        ("[]", "is damaged", "copy of the system"),
    ],
)
def test_what_cannot_be_migrated_says_why(tmp_path: FilePath, mark: str, problem: str, remedy: str) -> None:
    folder = of_format_1(tmp_path / "colony")
    (folder / "ramet.json").write_text(mark)
    with pytest.raises(StoreError, match=problem) as error:
        migrate(folder)
    assert remedy in error.value.remedy


def test_an_empty_file_is_no_catalog(tmp_path: FilePath) -> None:
    folder = of_format_1(tmp_path / "colony")
    (folder / "catalog.sqlite").write_bytes(b"")
    with pytest.raises(StoreError, match="no such table"):
        migrate(folder)
