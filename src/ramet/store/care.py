"""Care of a system's objects: which are needed and for what, deleting the others, checking and mending every one.

Needed are the objects of living paths. A path lives while it is a root, in the population of a running agent, or
published at a commit that a branch, a tag or the base of a running agent leads to.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Column, CompoundSelect, Connection, Select, String, Table, cast, select, union

from ramet.base.errors import ObjectError, StoreError
from ramet.base.progress import QUIET, Progress
from ramet.store.catalog import rows, schema
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.codec import loads, path_of, read_child, task_of
from ramet.store.catalog.database import Clock
from ramet.store.catalog.schema import agents, branches, commit_changes, holds, paths, roots, tags
from ramet.store.objects import Objects
from ramet.store.versions import commits as versions
from ramet.store.versions.refs import reached

GRACE_SECONDS = 3600.0
"""By how much the clocks of two machines that share a system may differ."""


@dataclass(frozen=True, slots=True)
class Need:
    """The tasks and the roots that need an object."""

    tasks: set[str] = field(default_factory=set)
    roots: set[str] = field(default_factory=set)


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


def needed(catalog: Catalog) -> dict[str, Need]:
    """Return the objects that the system needs, by digest, and what needs them."""
    needs: defaultdict[str, Need] = defaultdict(Need)
    held = select(holds.c.digest, paths.c.task).join(paths).where(paths.c.id.in_(_living()), paths.c.task.is_not(None))
    of_roots = select(holds.c.digest, roots.c.name).join(roots, roots.c.path == holds.c.path)
    with catalog.database.reading() as connection:
        for digest, task in connection.execute(held.distinct()):
            needs[digest].tasks.add(task)
        for digest, name in connection.execute(of_roots):
            needs[digest].roots.add(name)
    return dict(needs)


def unheld(catalog: Catalog, digests: Collection[str]) -> list[str]:
    """Return those of some objects that no path on record holds."""
    with catalog.database.reading() as connection:
        held = rows.there(connection, holds.c.digest, digests)
    return [digest for digest in digests if digest not in held]


def gc(
    catalog: Catalog, objects: Objects, *, delete: bool = False, grace: float = GRACE_SECONDS, clock: Clock = time.time
) -> GcReport:
    """Find the objects that nothing needs, and delete them if asked to.

    What was put since the oldest lease began stays, because the lease's holder may be about to record it; who holds no
    lease puts no objects. So objects are deleted at once while nobody works on a task. One that is killed on the way
    has deleted nothing that is needed, and the next one goes on. grace: seconds by which the lease's clock and the
    objects' may differ.
    """
    begun, since = clock(), catalog.leases.oldest()
    before = begun if since is None else since - grace
    if delete:
        objects.sweep(before=before)
    # Listed before asking what is needed: what is put and recorded in between is not in the list.
    there = {entry.name: entry for entry in objects.entries()}
    old = {digest for digest in there.keys() - needed(catalog).keys() if there[digest].modified < before}
    if delete:
        old = {digest for digest in sorted(old) if objects.delete(digest, before=before)}
    gone, total = (sum(there[digest].size for digest in digests) for digests in (old, there))
    return GcReport(len(old), gone, len(there) - len(old), total - gone)


def verify(catalog: Catalog, objects: Objects, progress: Progress = QUIET) -> list[Fault]:
    """Check every object against its name, and the catalog against itself; progress is told after each object.

    Returns:
        The faults, those of the catalog first, then by digest; none if the system is as it was written. A fault of an
        object that nothing needs names no task: `gc` takes it away.
    """
    needs = needed(catalog)
    digests = sorted(needs.keys() | set(objects.digests()))
    faults = [Fault(problem) for problem in check(catalog)]
    # Hashing lets go of the interpreter's lock, so threads share the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(partial(_problem, objects), digests)
        for done, (digest, problem) in enumerate(zip(digests, problems, strict=True), 1):
            if problem:
                faults.append(_fault(catalog, digest, problem, needs.get(digest, Need())))
            progress.advanced("checking objects", done, len(digests))
    return faults


def repair(faults: Sequence[Fault], objects: Objects, source: Objects) -> list[Fault]:
    """Bring back the objects that faults of verify name, where another place has whole copies of them.

    Returns:
        The faults, each repaired or with the reason why not. What nothing needs, and the catalog, are left as they are.
    """

    def repaired(fault: Fault) -> Fault:
        if fault.digest is None or not (fault.tasks or fault.roots):
            return fault
        try:
            objects.write(source.read(fault.digest))
        except ObjectError as error:
            return replace(fault, problem=f"{fault.problem}; not repaired: {error.problem}")
        return replace(fault, repaired=True)

    return [repaired(fault) for fault in faults]


def check(catalog: Catalog) -> list[str]:
    """Return what is wrong with the database and with the records in it."""
    with catalog.database.reading() as connection:
        found = catalog.database.damage(connection)
        return [*found, *_wrong_paths(connection), *_undecodable(connection), *_untrue_states(connection)]


def _problem(objects: Objects, digest: str) -> str | None:
    try:
        objects.read(digest)
    except ObjectError as error:
        return error.problem
    return None


def _fault(catalog: Catalog, digest: str, problem: str, need: Need) -> Fault:
    """Return the fault of an object, with the branches, tags and commits at which paths that hold it are published."""
    holders = select(holds.c.path).where(holds.c.digest == digest)
    held = commit_changes.c.path.in_(holders)
    by = select(commit_changes.c.commit).where(held, commit_changes.c.commit.in_(_reached()))

    def holding(refs: Table) -> Iterator[str]:
        for ref in connection.execute(select(refs.c.name, refs.c.commit).order_by(refs.c.name)).all():
            now = versions.state(connection, ref.commit)
            if connection.execute(select(now.c.path).where(now.c.path.in_(holders)).limit(1)).first():
                yield ref.name

    with catalog.database.reading() as connection:
        commits = sorted(connection.execute(by.distinct()).scalars())
        at = (tuple(holding(branches)), tuple(holding(tags)), tuple(commits))
    return Fault(problem, tuple(sorted(need.tasks)), tuple(sorted(need.roots)), digest, *at)


def _wrong_paths(connection: Connection) -> Iterator[str]:
    """Yield the paths that cannot be read, were altered, or of which the tables say another thing than their record."""
    living = set(connection.execute(_living()).scalars())
    held: defaultdict[str, set[str]] = defaultdict(set)
    for id, digest in connection.execute(select(holds.c.path, holds.c.digest)):
        held[id].add(digest)
    for row in connection.execute(select(*rows.columns, paths.c.task, paths.c.parent).order_by(paths.c.id)):
        of = f"the record of path {row.id} of task {row.task!r}"
        try:
            path = path_of(row.record, row.metrics)
        except StoreError as error:
            yield f"{of}: {error.problem}"
            continue
        if row.id in living and path.identified().id != row.id:
            yield f"{of} was altered"
        same = held[row.id] == rows.kept_objects(path)
        if not same or (path.id, path.task, path.parent) != (row.id, row.task, row.parent):
            yield f"{of} says other than the tables"


def _undecodable(connection: Connection) -> Iterator[str]:
    """Yield the tasks, children, runs and experiments whose records cannot be read."""
    chosen: tuple[tuple[str, Column[Any], Column[Any], Callable[[str], object]], ...] = (
        ("task", schema.tasks.c.name, schema.tasks.c.record, task_of),
        ("run", agents.c.id, agents.c.method, loads),
        ("experiment", schema.experiments.c.name, schema.experiments.c.design, loads),
        ("child", schema.children.c.sequence, schema.children.c.record, lambda text: read_child(loads(text))),
    )
    for kind, name, column, read in chosen:
        for row in connection.execute(select(name.label("name"), cast(column, String).label("text"))):
            try:
                read(row.text)
            except StoreError as error:
                yield f"the record of {kind} {row.name!r}: {error.problem}"


def _untrue_states(connection: Connection) -> Iterator[str]:
    """Yield the branches whose kept state is not what their commits add up to."""
    for branch in connection.execute(select(branches).order_by(branches.c.name)).all():
        tables = versions.kept_state(branch.name), versions.replayed(branch.commit)
        kept, told = (versions.as_dict(connection, table) for table in tables)
        if kept and kept != told:
            yield f"what branch {branch.name!r} publishes is not what its commits say"


def _living() -> CompoundSelect[str]:
    published = (commit_changes.c.commit.in_(_reached()), commit_changes.c.path.is_not(None))
    return union(
        select(schema.branch_state.c.path),
        select(commit_changes.c.path).where(*published),
        select(roots.c.path),
        select(schema.population.c.path),
    )


def _reached() -> Select[str]:
    return reached(select(agents.c.base).where(agents.c.state == "running"))
