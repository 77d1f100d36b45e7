"""Migrations, by an example: the next format adds a table and a column, and takes a constraint away."""

import json
import os
import shutil
import sqlite3
from pathlib import Path as FilePath
from typing import Any

import pytest
from sqlalchemy import inspect

from ramet.base.errors import Busy, StoreError
from ramet.store import folder as module
from ramet.store.catalog import migrations
from ramet.store.catalog.database import Database
from ramet.store.catalog.schema import REVISION
from ramet.store.folder import FORMAT, migrate, open_store
from tests.store.examples import a_child, a_path, dies_at, make_system, start

MOST = 100
NEXT = FORMAT + 1

EXAMPLE = f"""
from alembic import op
from sqlalchemy import Column, Integer, String

revision = "next"
down_revision = "{REVISION}"


def upgrade():
    op.add_column("commits", Column("signature", String, nullable=False, server_default=""))
    op.create_table("notes", Column("number", Integer, primary_key=True), Column("text", String, nullable=False))
    with op.batch_alter_table("agents") as agents:  # SQLite makes the table anew
        agents.drop_constraint("agent_number", type_="unique")
        agents.alter_column("label", new_column_name="called")
"""


def rows(folder: FilePath) -> dict[str, list[Any]]:
    connection = sqlite3.connect(folder / "catalog.sqlite")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
    connection.close()
    return found


def mark(folder: FilePath) -> Any:
    return json.loads((folder / "ramet.json").read_text())


def change(folder: FilePath, statement: str) -> None:
    connection = sqlite3.connect(folder / "catalog.sqlite")
    with connection:
        connection.execute(statement)
    connection.close()


@pytest.fixture
def colony(tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch) -> FilePath:
    """A system of this format, as the ramet of the next one meets it."""
    store = make_system(tmp_path / "colony", ("digits", "beans"))
    agent = start(store.catalog, cycles=1)
    path = a_path(digests=(next(store.objects.digests()),), agent=agent.id)
    store.catalog.agents.record_generation(agent.id, 0, 0, [a_child(path)], [path.id])
    store.catalog.versions.publish([path], message="digits", method="m/1", close_cycle=agent)
    start(store.catalog, "beans")
    store.catalog.close()
    scripts = shutil.copytree(migrations.FOLDER, tmp_path / "100 % scripts")
    (scripts / "versions" / "example.py").write_text(EXAMPLE)
    monkeypatch.setattr(migrations, "FOLDER", scripts)
    monkeypatch.setattr(module, "FORMAT", NEXT)
    return tmp_path / "colony"


def test_an_older_system_says_what_to_do_and_then_has_the_next_format(colony: FilePath) -> None:
    before, created = rows(colony), mark(colony)
    with pytest.raises(StoreError, match=f"format {FORMAT}, this ramet reads {NEXT}") as error:
        open_store(colony)
    assert error.value.remedy == f"run `ramet -C {colony} migrate`"
    assert migrate(colony) == FORMAT
    assert mark(colony) == {**created, "format": NEXT}
    after = rows(colony)
    assert after.pop("alembic_version") == [("next",)]
    assert before.pop("alembic_version") == [(REVISION,)]
    assert after.pop("notes") == []
    assert after.pop("commits") == [(*commit, "") for commit in before.pop("commits")]
    assert after == before
    assert all(after[table] for table in ("tasks", "paths", "holds", "agents", "children", "branch_state"))
    database = Database(colony / "catalog.sqlite")
    with database.reading() as connection:
        found = inspect(connection)
        assert "called" in {column["name"] for column in found.get_columns("agents")}
        assert "agent_number" not in {key["name"] for key in found.get_unique_constraints("agents")}
        assert database.damage(connection) == []
    database.close()
    assert migrate(colony) == NEXT
    assert open_store(colony).catalog.versions.log()[0].message == "digits"


def test_a_system_of_this_format_stays_as_it_is(tmp_path: FilePath) -> None:
    make_system(tmp_path).catalog.close()
    before = rows(tmp_path)
    assert migrate(tmp_path) == FORMAT
    assert rows(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_at_any_write_leaves_what_the_same_call_finishes(colony: FilePath) -> None:
    first = shutil.copytree(colony, colony.with_name("first"))
    migrate(colony)
    finished = rows(colony), mark(colony)
    for point in range(MOST):
        shutil.rmtree(colony)
        shutil.copytree(first, colony)
        died = dies_at(point, lambda: migrate(colony))
        if mark(colony)["format"] == NEXT:
            assert rows(colony) == finished[0]
        migrate(colony)
        assert (rows(colony), mark(colony)) == finished
        if not died:
            break
    assert 5 < point < MOST


def test_nothing_is_migrated_that_somebody_works_on(colony: FilePath) -> None:
    change(colony, "INSERT INTO leases VALUES ('main', 'digits', 'x', 'elsewhere', 1, 0, 9e9)")
    with pytest.raises(Busy, match="'digits' is being worked on by process 1 on elsewhere"):
        migrate(colony)
    assert "notes" not in rows(colony)


def test_what_is_damaged_is_not_migrated(colony: FilePath) -> None:
    change(colony, "DELETE FROM paths WHERE id IN (SELECT path FROM commit_changes)")
    before = rows(colony)
    with pytest.raises(StoreError, match="refers to a missing paths"):
        migrate(colony)
    assert rows(colony) == before
    with pytest.raises(StoreError, match=f"format {FORMAT}"):
        open_store(colony)


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ('{"format": 3, "name": "colony", "created": ""}', "format 3, this ramet reads 2", "newer ramet"),
        ("[]", "is damaged", "copy of the system"),
    ],
)
def test_what_cannot_be_migrated_says_why(colony: FilePath, text: str, problem: str, remedy: str) -> None:
    (colony / "ramet.json").write_text(text)
    with pytest.raises(StoreError, match=problem) as error:
        migrate(colony)
    assert remedy in error.value.remedy


def test_an_empty_file_is_no_catalog(colony: FilePath) -> None:
    (colony / "catalog.sqlite").write_bytes(b"")
    with pytest.raises(StoreError, match="no such table"):
        migrate(colony)
