"""A system's tensors: immutable objects, each named by the SHA-256 of its bytes, in a folder or behind a URL."""

from pathlib import Path

from ramet.store.objects.fsspec import FsspecObjects, Place
from ramet.store.objects.objects import FolderObjects, Objects, digest_of

__all__ = ["FolderObjects", "FsspecObjects", "Objects", "digest_of", "objects_at"]


def objects_at(url: str, copies: Path) -> Objects:
    """Return the objects below a URL; those of a folder are mapped where they are, of others `copies` are kept."""
    place = Place(url)
    return FsspecObjects(place, copies) if place.folder is None else FolderObjects(place.folder)
