"""Migrations of a catalog's tables, by Alembic: each is one transaction, so it is done wholly or not at all.

A migration is never changed after it was released. A new catalog is made by schema.py at once.
"""

from pathlib import Path

from sqlalchemy import select

from ramet.store.catalog.database import Database
from ramet.store.catalog.schema import commits

FOLDER = Path(__file__).parent


def upgrade(database: Database) -> None:
    """Bring a catalog's tables to the last migration, from wherever they are; one that leaves damage is given up.

    Raises:
        StoreError: there is no catalog, or it is damaged or cannot be written.
    """
    from alembic import command
    from alembic.config import Config

    with database.reading() as connection:
        connection.execute(select(commits.c.id).limit(1))  # an empty file is none
    with database.altering() as connection:
        config = Config(attributes={"connection": connection, "damage": database.damage})
        config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
        command.upgrade(config, "head")
