"""What every kind of object store keeps to, and how tensors become an object's bytes.

An object is the tensors of one component (or of the optimiser's momentum for it) as safetensors, never pickle. torch is
imported only where tensors are handled, so that listing, hashing, copying and deleting stay light.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ramet.base.errors import ObjectError

if TYPE_CHECKING:
    from torch import Tensor

ALWAYS = float("inf")
"""A time that everything is older than."""

SUFFIX = ".safetensors"
RESTORE = "`ramet verify` names what it affects, `ramet verify --from REMOTE` brings it back from a copy"

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as a listing shows it: its name, its bytes, and when it was last put (seconds since 1970)."""

    digest: str
    size: int
    modified: float


class Objects(Protocol):
    """A place for tensors.

    An object never changes: its name is the SHA-256 of its bytes, so equal tensors are one object, and what is read
    under a name is what was put under it. An object is there wholly or not at all, whatever happened to who put it.
    All methods may be called from several threads and processes at once.

    Who puts objects holds a lease of the catalog (or makes a new system) until a path that holds them is recorded
    there: until then nothing else keeps them from `gc`.
    """

    def put(self, tensors: "Mapping[str, Tensor]") -> str:
        """Keep tensors and return their digest. Putting again what is there only makes it count as new.

        The order of the names, strides, the device and shared memory make no difference to the digest.

        Raises:
            StoreError: the tensors could not be written (full or read-only disk); nothing of them is left.
        """
        ...

    def get(self, digest: str) -> "dict[str, Tensor]":
        """Return the tensors of an object, on the CPU, mapped into memory that all share: never write to them.

        The bytes are compared with the digest the first time in a process.

        Raises:
            ObjectError: there is no such object, or it is damaged.
        """
        ...

    def write(self, data: bytes) -> str:
        """Keep an object's bytes and return their digest, as `put` does; a damaged copy that is there is replaced."""
        ...

    def read(self, digest: str) -> bytes:
        """Return the bytes of an object, compared with its name.

        Raises:
            ObjectError: it is missing, truncated or altered.
        """
        ...

    def renew(self, digest: str) -> bool:
        """Make an object count as new, as putting it again would, and say whether it is there and whole."""
        ...

    def __contains__(self, digest: str) -> bool:
        """Say whether there is such an object; its bytes are not looked at."""
        ...

    def size(self, digest: str) -> int:
        """Return bytes that an object takes.

        Raises:
            ObjectError: there is no such object.
        """
        ...

    def modified(self, digest: str) -> float:
        """When an object was last put, in seconds since 1970.

        Raises:
            ObjectError: there is no such object.
        """
        ...

    def entries(self) -> Iterator[Entry]:
        """Return all objects, in the order of their names."""
        ...

    def digests(self) -> Iterator[str]:
        """Return the names of all objects, in order."""
        ...

    def check(self, digest: str) -> None:
        """Read an object anew and compare its bytes with its name.

        Raises:
            ObjectError: it is missing, truncated or altered.
        """
        ...

    def delete(self, digest: str, *, before: float = ALWAYS) -> bool:
        """Delete an object that was last put before a time (seconds since 1970), and say whether it went.

        Judging and deleting are one step: an object that another process puts again meanwhile stays.
        """
        ...

    def sweep(self, *, before: float = ALWAYS) -> int:
        """Delete what writers that died before a time left half written, and return the bytes that this freed."""
        ...


def digest_of(data: bytes) -> str:
    """Return the name of an object of these bytes."""
    return hashlib.sha256(data).hexdigest()


def is_digest(text: str) -> bool:
    """Say whether a text has the form of an object's name."""
    return bool(_DIGEST.fullmatch(text))


def file_name(digest: str) -> str:
    """Return an object's name below the place of all: `ab/abcd....safetensors`.

    Raises:
        ObjectError: this is no object's name.
    """
    if not is_digest(digest):
        raise ObjectError(f"{digest!r} is no digest", "give the 64 hexadecimal digits of a SHA-256")
    return f"{digest[:2]}/{digest}{SUFFIX}"


def serialized(tensors: "Mapping[str, Tensor]") -> bytes:
    """Return the bytes of an object: they depend on the tensors alone (metadata would be written in any order)."""
    import torch
    from safetensors.torch import save

    return save(
        {name: tensors[name].detach().cpu().clone(memory_format=torch.contiguous_format) for name in sorted(tensors)}
    )
