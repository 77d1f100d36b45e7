"""The catalog of a system, in SQL: its tasks, paths, agents, leases, versions and experiments, as transactions.

Every method of its parts is one transaction: done wholly or not at all. All may be called from several threads and
processes at once. Names that are not there raise UnknownName; a database that cannot be used raises StoreError.
"""

import time

from sqlalchemy import insert

from ramet.store.catalog.agents import Agents
from ramet.store.catalog.database import Address, Clock, Database
from ramet.store.catalog.experiments import Experiments
from ramet.store.catalog.leases import Leases
from ramet.store.catalog.rows import Paths, Tasks
from ramet.store.catalog.schema import REVISION, branches, metadata, revision
from ramet.store.versions.commits import MAIN, put
from ramet.store.versions.history import Versions


class Catalog:
    """A system's catalog in a SQLite file or a PostgreSQL database, where it must be there (see create).

    clock is for the times of commits and leases. A write waits `wait` seconds for another process's.
    """

    def __init__(self, address: Address, *, clock: Clock = time.time, wait: float = 30.0) -> None:
        self.database = database = Database(address, wait=wait)
        self.versions = Versions(database, clock)
        self.tasks = Tasks(database)
        self.paths = Paths(database)
        self.agents = Agents(database)
        self.leases = Leases(database, clock)
        self.experiments = Experiments(database, clock)

    @classmethod
    def create(cls, address: Address, *, clock: Clock = time.time) -> "Catalog":
        """Make a new catalog with the branch `main`, where nothing is published.

        Raises:
            StoreError: there is one already, or it cannot be made.
        """
        catalog = cls(address, clock=clock)
        first = catalog.versions.new_commit((), {}, "a new system", "")
        with catalog.database.writing() as connection:
            metadata.create_all(connection, checkfirst=False)
            connection.execute(insert(revision).values(version_num=REVISION))
            put(connection, first)
            connection.execute(insert(branches).values(name=MAIN, commit=first.id))
        return catalog

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
