"""A first look over all images of a source, without decoding: the content hash, the sizes, and what is no image."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ramet.tasks.images import BadImage, bytes_of, size_of
from ramet.tasks.parallel import ordered_map
from ramet.tasks.sources.base import Content, Example, Source

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a source holds: fingerprint of its contents, the (height, width) found, and the reasons of bad images."""

    fingerprint: str
    sizes: frozenset[Size]
    bad: Mapping[str, str]


def survey(source: Source, report: Callable[[int], None]) -> Survey:
    """Reads every image's bytes and header.

    The fingerprint is the SHA-256 over the class names and, whatever their order, every example's identifier, split,
    class and bytes: equal data has an equal fingerprint on every machine.

    Args:
        source: what to look over.
        report: is told the number of images seen.
    """
    digests: list[bytes] = []
    sizes: set[Size] = set()
    bad: dict[str, str] = {}
    for split, examples in source.splits.items():

        def look(item: tuple[Example, Content], split: str = split) -> tuple[str, bytes, Size | BadImage]:
            example, content = item
            digest = _digest(json.dumps([example.identifier, split, source.classes[example.label]]), bytes_of(content))
            return example.identifier, digest, _size_or_reason(content)

        for identifier, digest, size in ordered_map(look, zip(examples, source.contents(split), strict=True)):
            digests.append(digest)
            if isinstance(size, BadImage):
                bad[identifier] = str(size)
            else:
                sizes.add(size)
            report(len(digests))
    return Survey(_digest(json.dumps(source.classes), b"".join(sorted(digests))).hex(), frozenset(sizes), bad)


def common_size(sizes: frozenset[Size], max_side: int) -> Size:
    """The (height, width) that a task's images are kept in.

    Images all of one size stay as they are if no side is over max_side; others become squares, as in the papers, with
    the largest side found, and max_side at most.
    """
    largest = max(max(size) for size in sizes)
    if len(sizes) == 1 and largest <= max_side:
        return next(iter(sizes))
    side = min(max_side, largest)
    return side, side


def _digest(name: str, content: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(name.encode()).digest() + hashlib.sha256(content).digest()).digest()


def _size_or_reason(content: Content) -> Size | BadImage:
    try:
        return size_of(content)
    except BadImage as reason:
        return reason
