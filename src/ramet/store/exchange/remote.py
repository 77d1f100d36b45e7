"""Remotes: where a system's branches are pushed to and pulled from.

A remote is another system's folder, or a plain place behind a URL, which needs no database:

objects/ab/abcd....safetensors   objects, as in a system
records/ab/abcd....json          a parcel of records, named by the SHA-256 of its bytes; it never changes
refs/branches/NAME.json          the commit that a branch is at, and the parcel that tells of it
refs/tags/NAME.json              the same of a tag

A parcel names those that were there before it, so that pushing again adds one file of records. Refs are written last:
whatever is cut off before leaves files that nothing speaks of yet, and the same command goes on from there.
"""
# ruff: noqa: D102 (PlainRemote says what the methods do)

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from ramet.base.errors import Conflict, StoreError, UnknownName
from ramet.store.care import needed
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.codec import dumps
from ramet.store.exchange.parcel import Parcel, merged, parcel_json, parcel_of, read_parcel, receive
from ramet.store.folder import Store, is_system, open_store
from ramet.store.objects import Objects, digest_of, objects_at
from ramet.store.objects.fsspec import Place
from ramet.store.versions.refs import Tag

FORMAT = 1
"""The version of the plain layout that this ramet writes and reads."""

Known = Callable[[Collection[str]], set[str]]
"""Says which of some commits are known."""

_BRANCHES, _TAGS = "refs/branches", "refs/tags"


class PlainRemote:
    """A plain place behind a URL (its layout is at the head of this module). Nothing is ever deleted from it.

    url is what the user calls a remote by, folder a system's, objects where its tensors are.
    """

    def __init__(self, url: str, copies: FilePath) -> None:
        self.url = url
        self.folder: FilePath | None = None
        self._place = Place(url)
        self.objects = objects_at(f"{self._place.url}/objects", copies)

    def branches(self) -> dict[str, str]:
        """Return the commits that its branches are at."""
        return {name: ref.commit for name, ref in self._refs(_BRANCHES).items()}

    def tags(self) -> list[Tag]:
        """Return its tags, by name."""
        return [Tag(name, ref.commit, ref.message, ref.time) for name, ref in self._refs(_TAGS).items()]

    def fetch(self, tip: str, known: Known) -> Parcel:
        """Return the records that one of its branches' commits leads to, as far as they are not known."""
        waiting = [ref.records for ref in self._refs(_BRANCHES).values() if ref.commit == tip][:1]
        parcels: dict[str, Parcel] = {}
        while waiting:
            name = waiting.pop()
            if name not in parcels:
                parcels[name], before = self._parcel(name)
                there = known(before.keys())
                waiting.extend(records for commit, records in before.items() if commit not in there)
        parcel = merged(list(parcels.values())[::-1])
        here = known(parcel.commits.keys())
        new = {id: commit for id, commit in parcel.commits.items() if id not in here}
        return replace(parcel, commits=new).limited_to(tip)

    def has(self, digests: Collection[str]) -> set[str]:
        """Return those of these objects that are there and stay."""
        return {digest for digest in digests if digest in self.objects}

    def working(self, branch: str) -> AbstractContextManager[object]:
        """Return a block in which objects that are put stay, though no record speaks of them yet."""
        return nullcontext()

    def receive(self, parcel: Parcel, branch: str, tip: str, *, old: str | None, new_tags: Sequence[Tag]) -> None:
        """Take in records whose objects are there, and then move a branch (see parcel.receive).

        Raises:
            Conflict: the branch is not at `old` by now.
        """
        name = f"{_BRANCHES}/{quote(branch, safe='')}.json"
        before = self._place.read(name)
        ref = None if before is None else _read(before, name)
        if (ref and ref.commit) != old:
            raise _moved(branch)
        if ref and old == tip:
            records = ref.records
        else:
            records = self._write(parcel)
            if not self._place.swap(name, before, _text({"commit": tip, "records": records})):
                raise _moved(branch)
        for tag in new_tags:
            content = {"commit": tag.commit, "records": records, "message": tag.message, "time": tag.time}
            self._place.swap(f"{_TAGS}/{quote(tag.name, safe='')}.json", None, _text(content))

    def close(self) -> None:
        """Let go of it."""

    def _write(self, parcel: Parcel) -> str:
        """Write a parcel, and return its name."""
        refs = (*self._refs(_BRANCHES).values(), *self._refs(_TAGS).values())
        previous = {ref.commit: ref.records for ref in refs}
        content = {
            "format": FORMAT,
            "previous": [{"commit": commit, "records": previous[commit]} for commit in sorted(previous)],
            **parcel_json(parcel),
        }
        data = dumps(content).encode()
        digest = digest_of(data)
        self._place.write(_parcel_file(digest), data)
        return digest

    def _parcel(self, name: str) -> tuple[Parcel, dict[str, str]]:
        """Return a parcel, and the commits before it with the names of their parcels."""
        file = _parcel_file(name)
        data = self._place.read(file)
        if data is None or digest_of(data) != name:
            problem = f"{self._place.at(file)} is {'missing' if data is None else 'damaged'}"
            raise StoreError(problem, "bring the remote back from a copy of it")
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT:
            raise StoreError(f"{self.url} has format {head.format}, this ramet reads {FORMAT}", "use a newer ramet")
        return read_parcel(data), {ref.commit: ref.records for ref in head.previous}

    def _refs(self, below: str) -> "dict[str, _Ref]":
        """Return the refs of a folder, by name."""
        found = {}
        for file in self._place.files(below):
            last = file.name.rpartition("/")[2]
            if last.endswith(".json") and not last.startswith("."):
                ref = _read(self._place.read(file.name), self._place.at(file.name))
                found[unquote(last.removesuffix(".json"))] = ref
        return found


class SystemRemote:
    """Another system, in its folder; see PlainRemote for what the methods do."""

    def __init__(self, url: str, store: Store) -> None:
        self.url = url
        self.folder: FilePath | None = store.folder
        self.objects = store.objects
        self._catalog: Catalog = store.catalog

    def branches(self) -> dict[str, str]:
        return {branch.name: branch.commit for branch in self._catalog.versions.branches()}

    def tags(self) -> list[Tag]:
        return self._catalog.versions.tags()

    def fetch(self, tip: str, known: Known) -> Parcel:
        return parcel_of(self._catalog, tip, known([commit.id for commit in self._catalog.versions.log(tip)]))

    def has(self, digests: Collection[str]) -> set[str]:
        return present(self._catalog, self.objects, digests)

    def working(self, branch: str) -> AbstractContextManager[object]:
        return self._catalog.leases.hold("(push)", branch=branch)

    def receive(self, parcel: Parcel, branch: str, tip: str, *, old: str | None, new_tags: Sequence[Tag]) -> None:
        receive(self._catalog, parcel, branch, tip, old=old, new_tags=new_tags)

    def close(self) -> None:
        self._catalog.close()


Remote = PlainRemote | SystemRemote
"""A place that branches are pushed to and pulled from."""


def open_remote(name: str, copies: FilePath) -> Remote:
    """Return the remote of a name: a system's folder, a folder that was pushed to by its URL, or a URL.

    copies is a folder for copies of objects.

    Raises:
        UnknownName: there is no such remote.
    """
    if "://" in name:
        return PlainRemote(name, copies)
    folder = FilePath(name).expanduser().resolve()
    if is_system(folder):
        return SystemRemote(name, open_store(folder))
    if (folder / _BRANCHES).is_dir():
        return PlainRemote(folder.as_uri(), copies)
    raise UnknownName(
        f"no remote is called {name!r}: there is no system in {folder}",
        f"name a system's folder, or a URL to push to, such as {folder.as_uri()} or s3://bucket/prefix",
    )


def short_name(url: str) -> str:
    """Return a remote's name in the names of branches: the last part of its URL."""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2] or urlsplit(url).netloc
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in last).strip("._-")
    return kept or "remote"


class _Ref(msgspec.Struct):
    """What a file below refs/ holds; a branch's has no message and no time."""

    commit: str
    records: str
    message: str = ""
    time: str = ""


class _Head(msgspec.Struct):
    """The beginning of a parcel's file, which is read first."""

    format: Any = None
    previous: list[_Ref] = []


def present(catalog: Catalog, objects: Objects, digests: Collection[str]) -> set[str]:
    """Return those of these objects that a system has and keeps: needed ones, and others that now count as new."""
    needs = needed(catalog)
    return {digest for digest in digests if (digest in objects if digest in needs else objects.renew(digest))}


def _parcel_file(digest: str) -> str:
    return f"records/{digest[:2]}/{digest}.json"


def _text(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def _read(data: bytes | None, where: str) -> _Ref:
    try:
        return msgspec.json.decode(data or b"", type=_Ref)
    except ValueError as error:
        remedy = "bring the file back, or delete it and push the branch again"
        raise StoreError(f"{where} is damaged", remedy) from error


def _moved(branch: str) -> Conflict:
    problem = f"branch {branch!r} of the remote has just been moved by somebody else"
    return Conflict(problem, "run the same command again", ())
