"""Leases: one process at a time evolves a task.

A lease is a row with its holder and the time it ends; the holder puts the end off while it lives. A lease that ended,
or whose process is gone from this machine, may be taken by the next one.
"""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from ramet.base.errors import Busy, StoreError
from ramet.base.interrupt import held_back
from ramet.store.catalog.database import Database
from ramet.store.catalog.schema import leases
from ramet.store.versions.commits import MAIN

Clock = Callable[[], float]
"""Seconds since 1970."""

LEASE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that this process holds, unless it was lost: a process that stood still for too long loses it."""

    branch: str
    task: str
    token: str
    host: str
    pid: int
    since: float
    lost: threading.Event = field(default_factory=threading.Event)

    def ensure(self) -> None:
        """Make sure that the lease is still held.

        Raises:
            Busy: it is not; what was done under it must not be recorded.
        """
        if self.lost.is_set():
            raise Busy(f"the lease of task {self.task!r} was lost to another process", "let that one finish")


class Leases:
    """A catalog's leases."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def hold(self, task: str, *, branch: str = MAIN, seconds: float = LEASE_SECONDS) -> Iterator[Lease]:
        """Hold the right to work on a task during a `with` block; a thread renews it.

        Args:
            task: its name.
            branch: the branch it is worked on.
            seconds: how long the lease outlives a holder that dies on another machine; one that dies on this machine
                loses it at once.

        Raises:
            Busy: another process holds it (on entering the block).
        """
        now = self._clock()
        lease = Lease(branch, task, secrets.token_hex(16), socket.gethostname(), os.getpid(), now)
        ended = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(lease, seconds, ended), daemon=True)
        with ExitStack() as at_the_end:
            with self._database.writing() as connection:  # Ctrl-C waits for its end, so a lease taken is given back
                _take(connection, lease, now + seconds, now)
                keeper.start()
                at_the_end.callback(self._give_back, lease, keeper, ended)
            yield lease

    def branches(self, task: str) -> list[str]:
        """Return the branches on which somebody holds the lease of a task, by name."""
        with self._database.reading() as connection:
            found = connection.execute(select(leases).where(leases.c.task == task).order_by(leases.c.branch))
            return [row.branch for row in found if _alive(row, self._clock())]

    def oldest(self) -> float | None:
        """Return since when the oldest living lease is held (seconds since 1970), or None if there is none."""
        with self._database.reading() as connection:
            found = connection.execute(select(leases))
            return min((row.since for row in found if _alive(row, self._clock())), default=None)

    def _give_back(self, lease: Lease, keeper: threading.Thread, ended: threading.Event) -> None:
        try:
            with held_back():
                ended.set()
                keeper.join()
        finally:
            # What the block was left by matters more than a lease that nobody can give back: it ends by itself.
            with suppress(StoreError), self._database.writing() as connection:
                connection.execute(delete(leases).where(leases.c.token == lease.token))

    def _keep(self, lease: Lease, seconds: float, ended: threading.Event) -> None:
        """Put the lease's end off until the block ends; notice when somebody else has taken it."""
        while not ended.wait(seconds / 3):
            try:
                with self._database.writing() as connection:
                    own = leases.c.token == lease.token
                    expires = self._clock() + seconds
                    kept = connection.execute(update(leases).where(own).values(expires=expires)).rowcount
            except StoreError:  # the catalog is busy: there is time for another attempt
                continue
            if not kept:
                lease.lost.set()
                return


def ensure_none(connection: Connection, now: float, branches: Collection[str] | None = None) -> None:
    """Make sure that nobody works on the system, or on some branches of it.

    Raises:
        Busy: somebody does.
    """
    for row in connection.execute(select(leases).order_by(leases.c.since)):
        if (branches is None or row.branch in branches) and _alive(row, now):
            raise _busy(row)


def _take(connection: Connection, lease: Lease, expires: float, now: float) -> None:
    of_task = (leases.c.branch == lease.branch) & (leases.c.task == lease.task)
    row = connection.execute(select(leases).where(of_task)).one_or_none()
    if row is not None and _alive(row, now):
        raise _busy(row)
    connection.execute(delete(leases).where(of_task))
    values = {"branch": lease.branch, "task": lease.task, "token": lease.token, "host": lease.host, "pid": lease.pid}
    connection.execute(insert(leases).values(**values, since=lease.since, expires=expires))


def _busy(row: Row[Any]) -> Busy:
    since = datetime.fromtimestamp(row.since).astimezone().isoformat(" ", "seconds")
    return Busy(
        f"task {row.task!r} is being worked on by process {row.pid} on {row.host} since {since}",
        "wait for it to finish, or stop it, and run the same command again",
    )


def _alive(row: Row[Any], now: float) -> bool:
    if row.expires <= now:
        return False
    return row.host != socket.gethostname() or _runs(row.pid)


def _runs(pid: int) -> bool:
    """Whether a process of this machine runs."""
    if os.name == "nt":  # no signal there asks without acting; the lease's end decides
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True
