"""A system's tensors: immutable objects, each named by the SHA-256 of its bytes, in a folder or behind a URL."""

from ramet.store.objects.contract import ALWAYS, Entry, Objects, digest_of, is_digest
from ramet.store.objects.folder import FolderObjects
from ramet.store.objects.url import FsspecObjects

__all__ = ["ALWAYS", "Entry", "FolderObjects", "FsspecObjects", "Objects", "digest_of", "is_digest"]
