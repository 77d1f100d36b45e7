"""Migrations of a catalog's tables, by Alembic: each is one transaction, so it is done wholly or not at all.

A migration is never changed after it was released. A new catalog is made by schema.py at once, which tests compare.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, inspect, select

from ramet.store.catalog.database import Database
from ramet.store.catalog.schema import commits, revision

if TYPE_CHECKING:
    from alembic.config import Config

_FIRST = "0001"
"""What catalogs are at that were made before migrations were counted."""


def upgrade(database: Database) -> None:
    """Bring a catalog's tables to the last migration, from wherever they are.

    Raises:
        StoreError: there is no catalog, or it is damaged or cannot be written.
    """
    from alembic import command

    with database.writing() as connection:
        connection.execute(select(commits.c.id).limit(1))  # an empty file is none
        if not inspect(connection).has_table(revision.name):
            revision.create(connection)
            connection.execute(insert(revision).values(version_num=_FIRST))
    with database.altering() as connection:
        command.upgrade(configuration(connection, database.damage), "head")


def configuration(connection: Connection, damage: Callable[[Connection], list[str]]) -> "Config":
    """Alembic's settings for a connection; a migration is given up where `damage` finds some after it."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "damage": damage})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
