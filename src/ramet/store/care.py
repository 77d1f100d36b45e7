"""Care of a system's objects: which are needed, deleting those that are not, checking and mending every one."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from ramet.base.errors import ObjectError
from ramet.base.progress import QUIET, Progress
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.leases import Clock
from ramet.store.catalog.needs import Need
from ramet.store.objects import Objects

GRACE_SECONDS = 3600.0
"""By how much the clocks of two machines that share a system may differ."""


@dataclass(frozen=True, slots=True)
class GcReport:
    """The objects deleted (or to be), and those left; kept counts what is not needed but may be soon, too."""

    objects: int
    bytes: int
    kept: int
    kept_bytes: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written, and what it affects.

    tasks and roots hold the object; branches publish it now, tags name a state that has it, commits published it.
    repaired: a whole copy is in its place by now.
    """

    problem: str
    tasks: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    digest: str | None = None
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    repaired: bool = False


def reachable(catalog: Catalog) -> frozenset[str]:
    """Return the objects that the system needs (needs.py says which these are)."""
    return frozenset(catalog.care.needed())


def gc(
    catalog: Catalog,
    objects: Objects,
    *,
    delete: bool = False,
    grace: float = GRACE_SECONDS,
    clock: Clock = time.time,
) -> GcReport:
    """Find the objects that nothing needs, and delete them if asked to.

    What was put since the oldest lease began stays, because the lease's holder may be about to record it; who holds no
    lease puts no objects. So objects are deleted at once while nobody works on a task. One that is killed on the way
    has deleted nothing that is needed, and the next one goes on.

    Args:
        catalog: says what is needed.
        objects: where they are.
        delete: delete them; else only say what would be deleted.
        grace: seconds by which the lease's clock and the objects' may differ.
        clock: seconds since 1970.
    """
    begun, since = clock(), catalog.leases.oldest()
    before = begun if since is None else since - grace
    if delete:
        objects.sweep(before=before)
    # Listed before asking what is needed: what is put and recorded in between is not in the list.
    there = {entry.digest: entry for entry in objects.entries()}
    old = {digest for digest in there.keys() - reachable(catalog) if there[digest].modified < before}
    if delete:
        old = {digest for digest in sorted(old) if objects.delete(digest, before=before)}
    gone, total = (sum(there[digest].size for digest in digests) for digests in (old, there))
    return GcReport(len(old), gone, len(there) - len(old), total - gone)


def verify(catalog: Catalog, objects: Objects, progress: Progress = QUIET) -> list[Fault]:
    """Check every object against its name, and the catalog against itself.

    Args:
        catalog: says which objects must be there and which tasks they affect.
        objects: where they are.
        progress: told after each object.

    Returns:
        The faults, those of the catalog first, then by digest; none if the system is as it was written. A fault of an
        object that nothing needs names no task: `gc` takes it away.
    """
    needed = catalog.care.needed()
    digests = sorted(needed.keys() | set(objects.digests()))
    faults = [Fault(problem) for problem in catalog.care.check()]
    # Hashing lets go of the interpreter's lock, so threads share the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(partial(_problem, objects), digests)
        for done, (digest, problem) in enumerate(zip(digests, problems, strict=True), 1):
            if problem:
                faults.append(_fault(catalog, digest, problem, needed.get(digest, Need())))
            progress.advanced("checking objects", done, len(digests))
    return faults


def repair(faults: Sequence[Fault], objects: Objects, source: Objects) -> list[Fault]:
    """Bring back the objects that faults name, where another place has whole copies of them.

    Args:
        faults: what verify has found.
        objects: where they are brought to; each is written whole.
        source: where they are taken from; each is compared with its name.

    Returns:
        The faults, each repaired or with the reason why not. What nothing needs, and the catalog, are left as they are.
    """
    return [_repaired(fault, objects, source) for fault in faults]


def _repaired(fault: Fault, objects: Objects, source: Objects) -> Fault:
    if fault.digest is None or not (fault.tasks or fault.roots):
        return fault
    try:
        objects.write(source.read(fault.digest))
    except ObjectError as error:
        return replace(fault, problem=f"{fault.problem}; not repaired: {error.problem}")
    return replace(fault, repaired=True)


def _fault(catalog: Catalog, digest: str, problem: str, need: Need) -> Fault:
    users = catalog.care.users(digest)
    return Fault(
        problem,
        tuple(sorted(need.tasks)),
        tuple(sorted(need.roots)),
        digest,
        users.branches,
        users.tags,
        users.commits,
    )


def _problem(objects: Objects, digest: str) -> str | None:
    try:
        objects.read(digest)
    except ObjectError as error:
        return error.problem
    return None
