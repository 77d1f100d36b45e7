"""Push and pull: a branch, with all that it needs, goes from one system to another.

Only what the other side has not travels. Objects go first, each compared with its name where it is read and whole where
it is written; then records, and refs last. So what was cut off is invisible, and the same command finishes it.
"""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from ramet.base.errors import Conflict, ObjectError, UnknownName
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Task
from ramet.store.catalog.catalog import Catalog
from ramet.store.exchange.parcel import Parcel, kept, known, led_to, parcel_of, receive
from ramet.store.exchange.remote import Remote, present, short_name
from ramet.store.folder import Store
from ramet.store.objects import Objects
from ramet.store.versions.refs import Tag

Outcome = Literal["made", "moved", "even", "behind", "apart"]
"""What became of the branch where it was brought: made, or moved ahead; both sides were even; or what was to be brought
is behind, and all of it was there. apart: both sides have commits that the other has not."""

CONNECTIONS = 8
"""Objects that travel at once: each waits for the network most of the time."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """The outcome of a push or a pull: its branch, what became of that, and what travelled.

    The first commit of a system is not counted: it publishes nothing, and is the same in all of them.
    """

    remote: str
    branch: str
    commit: str
    outcome: Outcome
    commits: int = 0
    objects: int = 0
    bytes: int = 0
    tags: tuple[str, ...] = ()


def push(store: Store, remote: Remote, branch: str, progress: Progress = QUIET) -> Transfer:
    """Bring a branch of a system to a remote, and the tags of its commits; progress is told after each object.

    Raises:
        Conflict: the branch has commits there that this one has not.
    """
    catalog = store.catalog
    tip, there = catalog.versions.head(branch).id, remote.branches()
    old = there.get(branch)
    if old is not None and old != tip and _is_ahead(catalog, remote, branch, old, tip):
        return Transfer(remote.url, branch, old, "behind")
    tags = _new_tags(catalog.versions.tags(), {tag.name for tag in remote.tags()} | there.keys())
    ours = led_to(catalog, tip, [tag.commit for tag in tags])
    tags = [tag for tag in tags if tag.commit in ours]
    parcel = Parcel() if old == tip else parcel_of(catalog, tip, known(catalog, there.values()))
    with remote.working(branch):
        missing = parcel.digests() - remote.has(parcel.digests())
        size = copy(store.objects, remote.objects, missing, progress)
        if old != tip or tags:
            remote.receive(parcel, branch, tip, old=old, new_tags=tags)
    outcome: Outcome = "made" if old is None else "even" if old == tip else "moved"
    return _transfer(remote, branch, tip, outcome, parcel, len(missing), size, tags)


def pull(
    store: Store, remote: Remote, branch: str, *, accept: Callable[[Task], object], progress: Progress = QUIET
) -> Transfer:
    """Bring a branch of a remote to a system, and the tags of its commits.

    A branch that is not here is made, and one that has nothing of its own is moved ahead. Where both sides have commits
    that the other has not, what came is on the branch REMOTE/BRANCH, to be merged. accept raises for a task that may
    not be one here; progress is told after each object.

    Raises:
        UnknownName: the remote has no such branch.
        InvalidValue: a task here is another one than that of the same name there.
        Conflict: both sides have commits that the other has not, and so does the branch REMOTE/BRANCH.
    """
    catalog, there = store.catalog, remote.branches()
    if branch not in there:
        has = f"it has {', '.join(sorted(there))}" if there else "nothing was pushed to it yet"
        raise UnknownName(f"{remote.url} has no branch {branch!r}", has)
    tip = there[branch]
    with catalog.leases.hold("(pull)", branch=branch):
        parcel = Parcel() if kept(catalog, [tip]) else remote.fetch(tip, partial(kept, catalog))
        parcel.check()
        for task in parcel.tasks.values():
            accept(task)
        missing = parcel.digests() - present(catalog, store.objects, parcel.digests())
        size = copy(remote.objects, store.objects, missing, progress)
        outcome, at, tags = _arrive(catalog, remote, branch, tip, parcel)
    return _transfer(remote, at, tip, outcome, parcel, len(missing), size, tags)


def _transfer(
    remote: Remote, at: str, tip: str, outcome: Outcome, parcel: Parcel, objects: int, size: int, tags: Collection[Tag]
) -> Transfer:
    commits = sum(bool(commit.parents) for commit in parcel.commits.values())
    return Transfer(remote.url, at, tip, outcome, commits, objects, size, tuple(tag.name for tag in tags))


def copy(source: Objects, target: Objects, digests: Collection[str], progress: Progress = QUIET) -> int:
    """Copy objects, each compared with its name, and return their bytes."""
    size = 0
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            for done, copied in enumerate(pool.map(partial(_copy, source, target), sorted(digests)), 1):
                size += copied
                progress.advanced("objects", done, len(digests))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return size


def _copy(source: Objects, target: Objects, digest: str) -> int:
    data = source.read(digest)
    if target.write(data) != digest:
        raise ObjectError(f"object {digest} changed on its way", "run the same command again")
    return len(data)


def _is_ahead(catalog: Catalog, remote: Remote, branch: str, there: str, here: str) -> bool:
    """Say whether a remote's branch has all of ours and more.

    Raises:
        Conflict: both have commits that the other has not.
    """
    if known(catalog, [there]):
        if led_to(catalog, there, [here]):
            return True
        if led_to(catalog, here, [there]):
            return False
    apart = f"{short_name(remote.url)}/{branch}"
    raise Conflict(
        f"branch {branch!r} of {remote.url} has commits that it has not here",
        f"pull and merge them first: `ramet pull {remote.url} {branch}`, then `ramet merge {apart}` if it says so",
        (),
    )


def _arrive(catalog: Catalog, remote: Remote, branch: str, tip: str, parcel: Parcel) -> tuple[Outcome, str, list[Tag]]:
    """Record what has come, and say what became of which branch, and what tags are new."""
    here = {known.name: known.commit for known in catalog.versions.branches()}
    at, outcome = branch, _outcome(catalog, here.get(branch), tip, parcel)
    step = outcome
    if outcome == "apart":
        at = f"{short_name(remote.url)}/{branch}"
        step = _outcome(catalog, here.get(at), tip, parcel)
        if step == "apart":
            raise Conflict(
                f"what came cannot be put on the branch {at!r}, which has commits of its own",
                f"merge it (`ramet merge {at}`), delete it (`ramet branch --delete {at}`), and pull again",
                (),
            )
    tags = _new_tags(remote.tags(), {tag.name for tag in catalog.versions.tags()} | here.keys() | {at})
    arrived = kept(catalog, [tag.commit for tag in tags]) | parcel.commits.keys()
    tags = [tag for tag in tags if tag.commit in arrived]
    stays = step in ("even", "behind")
    if not stays or tags:
        old = here.get(at)
        receive(catalog, parcel, at, old if stays and old else tip, old=old, new_tags=tags)
    return outcome, at, tags


def _outcome(catalog: Catalog, old: str | None, tip: str, parcel: Parcel) -> Outcome:
    if old is None:
        return "made"
    if old == tip:
        return "even"
    if led_to(catalog, old, [tip]):
        return "behind"
    met = parcel.boundary() or {tip}
    return "moved" if any(led_to(catalog, commit, [old]) for commit in met) else "apart"


def _new_tags(tags: Collection[Tag], taken: Collection[str]) -> list[Tag]:
    return [tag for tag in tags if tag.name not in taken]
