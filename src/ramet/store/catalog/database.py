"""Connections to a catalog's database: transactions that are whole or not at all, and errors that a user can act on.

A writer has the database for itself from the beginning of its transaction; a reader sees one state of it.
"""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from ramet.base.errors import RametError, StoreError
from ramet.base.interrupt import held_back
from ramet.store.catalog import postgres, sqlite

Address = Path | str
"""Where a catalog is: the file of SQLite, or the URL of PostgreSQL."""


class _Kind(Protocol):
    """What sqlite and postgres do each in its own way."""

    WRITER: Mapping[str, Any]

    def unchecked(self, connection: Connection) -> None: ...
    def damage(self, connection: Connection) -> list[str]: ...
    def remedy(self, error: BaseException | None) -> str: ...


class Database:
    """A catalog's database.

    Args:
        address: where it is.
        wait: seconds that a writer waits for another one.
    """

    def __init__(self, address: Address, *, wait: float = 30.0) -> None:
        self.address = address
        self._kind: _Kind = sqlite if isinstance(address, Path) else postgres
        self._engine = sqlite.engine(address, wait) if isinstance(address, Path) else postgres.engine(address, wait)
        self._writer = self._engine.execution_options(**self._kind.WRITER)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the catalog.

        Raises:
            StoreError: the catalog cannot be read.
        """
        with self._transaction(self._engine) as connection, uncollected():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection whose changes are all there when the block ends, or none if it raises.

        Raises:
            StoreError: the catalog cannot be written.
        """
        with self._transaction(self._writer) as connection:
            yield connection

    @contextmanager
    def altering(self) -> Iterator[Connection]:
        """A connection for changes of the tables themselves, in transactions that the block begins and commits.

        SQLite does not check references meanwhile: `damage` says which ones lead nowhere.

        Raises:
            StoreError: the catalog cannot be written.
        """
        with self._connected(self._writer) as connection:
            self._kind.unchecked(connection)
            yield connection

    def damage(self, connection: Connection) -> list[str]:
        """What is wrong with the database itself."""
        return self._kind.damage(connection)

    def close(self) -> None:
        """Close the connections; using the database again opens new ones."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        with self._connected(engine) as connection, connection.begin():
            yield connection

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        with self._explained():
            connection = engine.connect()
            # A transaction that Ctrl-C cut off would stay open, and nobody else could write.
            with held_back(), connection:
                yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:  # a caller's mistake, not the disk's
            raise
        except DBAPIError as error:
            cause = " ".join(str(error.orig).split())
            raise StoreError(f"the catalog {self.address} refuses: {cause}", self._kind.remedy(error.orig)) from error
        except StatementError as error:
            if isinstance(error.orig, RametError):  # of the JSON serializer
                raise error.orig from None
            raise


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector: records refer to no one in a circle, and it would look through them all again."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
