"""Objects behind a URL: S3-compatible storage, memory, or whatever else fsspec reads."""
# ruff: noqa: D102 (the contract says what the methods do)

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ramet.base.errors import ObjectError
from ramet.base.files import TEMPORARY
from ramet.store.objects.objects import (
    ALWAYS,
    SUFFIX,
    Entry,
    FolderObjects,
    Objects,
    compared,
    digest_of,
    file_name,
    is_digest,
    missing,
    serialized,
)
from ramet.store.objects.place import Place

if TYPE_CHECKING:
    from torch import Tensor

DELETING = ".deleting"
"""How the name of the mark ends that stands beside an object while somebody judges whether it goes."""

_STALE_SECONDS = 60.0
"""After how long a mark is that of somebody who died."""


class FsspecObjects(Objects):
    """Objects as files `ab/abcd....safetensors` below a URL.

    Tensors are mapped from a folder of copies, which is filled by what is got and put, and may be emptied at any time.

    Object stores have no step that judges and deletes. So who deletes puts a mark beside the object first, and who
    puts looks for the mark afterwards, and puts again once it is gone: as long as what was written is what is read next
    (S3 promises it), nothing that was put is lost. What cannot be promised: somebody who stands still for more than a
    minute between judging and deleting counts as dead, and may then delete what was put meanwhile. Where the backend
    tells times in whole seconds, an object is kept if it may be from the second in question.

    Args:
        place: where the objects are.
        copies: the local folder of copies.
    """

    def __init__(self, place: Place, copies: Path) -> None:
        self.place = place
        self._copies = FolderObjects(copies)

    def put(self, tensors: "Mapping[str, Tensor]") -> str:
        data = serialized(tensors)
        self._copies.write(data)
        return self.write(data)

    def get(self, digest: str) -> "dict[str, Tensor]":
        try:
            return self._copies.get(digest)
        except ObjectError:  # there is no copy yet, or a damaged one
            self._copies.write(self.read(digest))
            return self._copies.get(digest)

    def write(self, data: bytes) -> str:
        digest = digest_of(data)
        name = file_name(digest)
        self.place.write(name, data)
        while (mark := self.place.file(name + DELETING)) is not None:
            time.sleep(0.05)
            if time.time() - mark.modified > _STALE_SECONDS:
                self.place.delete(mark.name)
            self.place.write(name, data)
        return digest

    def read(self, digest: str) -> bytes:
        name = file_name(digest)
        data = self.place.read(name)
        if data is None:
            raise missing(digest, self.place.at(name))
        return compared(digest, data, self.place.at(name))

    def renew(self, digest: str) -> bool:
        try:
            self.write(self.read(digest))
        except ObjectError:
            return False
        return True

    def __contains__(self, digest: str) -> bool:
        return self.place.file(file_name(digest)) is not None

    def entries(self) -> Iterator[Entry]:
        for file in self.place.files():
            digest = file.name[3:].removesuffix(SUFFIX)
            if is_digest(digest) and file.name == file_name(digest):
                yield Entry(digest, file.size, file.modified)

    def delete(self, digest: str, *, before: float = ALWAYS) -> bool:
        name = file_name(digest)
        mark = name + DELETING
        self.place.write(mark, b"")
        try:
            file = self.place.file(name)
            if file is None or _latest(file.modified) > before:
                return False
            gone = self.place.delete(name)
        finally:
            self.place.delete(mark)
        self._copies.delete(digest)
        return gone

    def sweep(self, *, before: float = ALWAYS) -> int:
        unfinished = (file for file in self.place.files() if file.name.endswith((TEMPORARY, DELETING)))
        old = [file for file in unfinished if file.modified < before]
        return sum(file.size for file in old if self.place.delete(file.name)) + self._copies.sweep(before=before)


def _latest(modified: float) -> float:
    """Return the end of the moment that a backend's time stands for: a whole second, or the time itself."""
    return modified + 1 if modified == math.floor(modified) else math.nextafter(modified, ALWAYS)
