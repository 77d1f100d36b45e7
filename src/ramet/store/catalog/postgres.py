"""A catalog in a PostgreSQL database, or in a schema of one.

One writer works at a time, as in SQLite: it holds a lock from the beginning of its transaction, for which the others
wait. Readers see one state and wait for nobody.
"""

from typing import Any

from sqlalchemy import URL, Connection, Engine, Pool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from ramet.base.errors import InvalidValue, StoreError
from ramet.store.catalog.codec import dumps, loads

# The options of a writer's connection. One that waited for another writer reads what that one wrote.
WRITER = {"writing": True, "isolation_level": "READ COMMITTED"}

_REACH = "check that the server runs, the URL in ramet.json, and the password in PGPASSWORD or ~/.pgpass"
_LOST = "tables are missing: bring the database back from a backup"
# By SQLSTATE, since the messages are in the server's language.
_REMEDIES = {
    "55P03": "another process keeps it busy: wait for it and run the same command again",
    "53100": "free some space on the server (`ramet gc` drops only objects) and run the same command again",
    "53300": "the server has no connection left: wait for other programs and run the same command again",
    "25006": "the server only reads, or your user may only read: connect to one that may write",
    "42501": "have your user of the database granted the right to it",
    "42P07": "it holds a catalog already: name another database, or another schema by ?options=-csearch_path%3DNAME",
    "3F000": "make the schema that the URL names",
    "42P01": _LOST,
    "42703": _LOST,
}

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('ramet ' || current_schema(), 0))"


def catalog_url(text: str) -> str:
    """Return a URL as a system keeps it.

    Raises:
        InvalidValue: it is none of PostgreSQL, or it has a password, which a system does not keep.
    """
    url = _parsed(text)
    if url.password is not None or "password" in url.query:
        raise InvalidValue("the catalog's URL has a password", "leave it out: set PGPASSWORD or write it to ~/.pgpass")
    return url.set(drivername="postgresql").render_as_string()


def engine(url: str, wait: float, pool: type[Pool]) -> Engine:
    """Return what connects to a database, where a writer waits `wait` seconds for another one."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        problem = "a catalog in PostgreSQL needs psycopg"
        raise StoreError(problem, "install it: pip install 'ramet[postgres]'") from error
    made = create_engine(
        _parsed(url),
        poolclass=pool,
        pool_pre_ping=True,  # an agent that trained for hours may find its connection gone
        isolation_level="REPEATABLE READ",
        json_serializer=dumps,
        json_deserializer=loads,
    )

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writing"):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait * 1000)}; {_LOCK}")

    return made


def end(driver: Any) -> None:
    """Close the driver's connection, which rolls back."""
    driver.close()


def unchecked(_connection: Connection) -> None:
    """Nothing: PostgreSQL changes a table in its place."""


def damage(_connection: Connection) -> list[str]:
    """Nothing: PostgreSQL keeps its references itself and cannot be asked for more."""
    return []


def remedy(error: BaseException | None, _url: str) -> str:
    """Return what to do about an error of the driver."""
    return _REMEDIES.get(getattr(error, "sqlstate", None) or "", _REACH)


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres"):
        raise InvalidValue(f"the catalog {text!r} is no URL of PostgreSQL", "write it as postgresql://USER@HOST/NAME")
    return url.set(drivername="postgresql+psycopg")
