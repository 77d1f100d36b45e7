"""Care of a system's objects: which are needed, dropping those that are not, checking every one."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from ramet.errors import ObjectError
from ramet.store.catalog import Catalog
from ramet.store.leases import Clock
from ramet.store.needs import Need
from ramet.store.objects import Objects

GRACE_SECONDS = 3600.0
"""By how much the clocks of two machines that share a system may differ."""

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""


@dataclass(frozen=True, slots=True)
class GcReport:
    """What was dropped (or would be), and what is left; kept counts what is not needed but may be soon, too."""

    objects: int
    bytes: int
    kept: int
    kept_bytes: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written, and the tasks and roots that it affects."""

    problem: str
    tasks: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    digest: str | None = None


def reachable(catalog: Catalog) -> frozenset[str]:
    """The objects that the system needs: of what is published on a branch, of the roots, and of running agents.

    A running agent needs its population and all that was published where its cycle began.
    """
    return frozenset(catalog.needed())


def gc(
    catalog: Catalog,
    objects: Objects,
    *,
    dry_run: bool = False,
    grace: float = GRACE_SECONDS,
    clock: Clock = time.time,
) -> GcReport:
    """Drop the objects that nothing needs.

    What was put since the oldest lease began stays, because the lease's holder may be about to record it; who holds no
    lease puts no objects. So objects are dropped at once while nobody works on a task.

    Args:
        catalog: says what is needed.
        objects: where they are.
        dry_run: only say what would be dropped.
        grace: seconds by which the lease's clock and the objects' may differ.
        clock: seconds since 1970.
    """
    begun, since = clock(), catalog.leased_since()
    before = begun if since is None else since - grace
    # Listed before asking what is needed: what is put and recorded in between is not in the list.
    sizes = _sizes(objects)
    old = {d for d in sizes.keys() - reachable(catalog) if d in objects and objects.modified(d) < before}
    if not dry_run:
        old = {digest for digest in old if objects.delete(digest, before=before)}
        objects.sweep(before=before)
    gone = sum(sizes[digest] for digest in old)
    return GcReport(len(old), gone, len(sizes) - len(old), sum(sizes.values()) - gone)


def verify(catalog: Catalog, objects: Objects, progress: Progress | None = None) -> list[Fault]:
    """Check every object against its name, and the catalog against itself.

    Args:
        catalog: says which objects must be there and which tasks they affect.
        objects: where they are.
        progress: told after each object.

    Returns:
        The faults, those of the catalog first, then by digest; none if the system is as it was written. A fault of an
        object that nothing needs names no task: `gc` takes it away.
    """
    needed = catalog.needed()
    digests = sorted(needed.keys() | set(objects.digests()))
    faults = [Fault(problem) for problem in catalog.check()]
    # Hashing lets go of the interpreter's lock, so threads share the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(partial(_problem, objects), digests)
        for done, (digest, problem) in enumerate(zip(digests, problems, strict=True), 1):
            if problem:
                need = needed.get(digest, Need())
                faults.append(Fault(problem, tuple(sorted(need.tasks)), tuple(sorted(need.roots)), digest))
            if progress:
                progress(done, len(digests))
    return faults


def _problem(objects: Objects, digest: str) -> str | None:
    try:
        objects.check(digest)
    except ObjectError as error:
        return error.problem
    return None


def _sizes(objects: Objects) -> dict[str, int]:
    sizes = {}
    for digest in objects.digests():
        with suppress(ObjectError):  # another gc was quicker
            sizes[digest] = objects.size(digest)
    return sizes
