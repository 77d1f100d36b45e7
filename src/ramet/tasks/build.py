"""Makes a task's cache and record out of its source in one pass, which reads, hashes and decodes every image once.

The size that all images are kept in, and which of them are equal and so must share a split, show only at the end. So
an image is first written where it probably belongs, at its own size if that is small enough; only where this turns out
to be wrong are the written images put in order.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ramet.base.errors import DataError, InvalidValue
from ramet.base.progress import Progress
from ramet.base.records import Task
from ramet.tasks import cache
from ramet.tasks.cache import Rows
from ramet.tasks.images import BadImage, Content, Pixels, bytes_of, fitted, now_reading, resized
from ramet.tasks.parallel import ordered_map
from ramet.tasks.sources.base import SPLITS, Example, Source, without
from ramet.tasks.splits import assign

SKIPPED_NAMED = 20
"""So many of the images that were left out are named in the record; skipped.json in the cache names all."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """The way a task's data is read: kept in Task.options, so that the cache can be made again.

    max_side is the largest side of a cached image; validation and test the fractions of train that the user asked for;
    source the source's own options.
    """

    max_side: int
    validation: float | None
    test: float | None
    skip_bad_images: bool
    source: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.max_side < 1:
            raise InvalidValue(f"max_side = {self.max_side} leaves no image", "take 1 or more pixels, such as 224")

    @classmethod
    def of(cls, task: Task) -> "Reading":
        """Return how a task's data was read."""
        return cls(**{field.name: task.options[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class _Image:
    """A decoded image: its place among the rows of a split, and a hash that equal images share."""

    split: str
    row: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Pass:
    """The findings of the pass over a source: its fingerprint, the images by identifier, the reasons of bad ones."""

    fingerprint: str
    images: Mapping[str, _Image]
    bad: Mapping[str, str]


def build(folder: Path, name: str, source: Source, reading: Reading, progress: Progress) -> Task:
    """Decode a source's images into a folder, and return the task's record.

    The record's options say how the data was read, and what was found: `size` (height, width), `bad_images` (how many
    were left out) and `skipped` (why, of the first), `passed_over`, `columns`, `classes_without_images`,
    `classes_without_validation`, `classes_without_test`, and `duplicates` (by pair of splits: images of the second that
    equal one of the first).

    Raises:
        DataError: images cannot be decoded, or not be split.
        StoreError: the disk is full.
        OSError: it is not to be written to.
    """
    probable = assign(source.splits, validation=reading.validation, test=reading.test)
    with ExitStack() as stack:
        rows = {s: Rows(stack.enter_context((folder / f"{s}.images.npy").open("w+b"))) for s in SPLITS}
        found = _read_all(folder, name, source, reading, probable, rows, progress)
        usable = _usable(source, found.bad, reading)
        alike = {identifier: image.digest for identifier, image in found.images.items()}
        assigned = assign(usable.splits, validation=reading.validation, test=reading.test, images=alike)
        size = _common_size({size for some in rows.values() for size in some.sizes})
        members: dict[str, list[Example]] = {split: [] for split in SPLITS}
        for split, examples in usable.splits.items():
            for example, to in zip(examples, assigned[split], strict=True):
                members[to].append(example)
        _arrange(folder, name, rows, found.images, members, size, progress)
    for split, examples in members.items():
        if (arranged := folder / f"{split}.arranged").exists():
            arranged.replace(folder / f"{split}.images.npy")
        np.save(folder / f"{split}.labels.npy", np.asarray([e.label for e in examples], dtype=np.int64))
    task = Task(
        name=name,
        source=source.uri,
        classes=usable.classes,
        splits={split: len(examples) for split, examples in members.items()},
        fingerprint=found.fingerprint,
        options={**asdict(reading), "size": list(size), **_findings(usable, found, members)},
    )
    cache.write_record(folder, task, source.stamps(), found.bad)
    return task


def fingerprint_of(source: Source) -> str:
    """Return the SHA-256 over the class names and, whatever their order, every example's identifier, split, class and
    bytes: equal data has an equal fingerprint on every machine.
    """  # fmt: skip

    def hashed(item: tuple[str, Example, Content]) -> bytes:
        split, example, content = item
        return _example_digest(source, split, example, bytes_of(content))

    return _fingerprint(source, list(ordered_map(hashed, _all(source))))


def _read_all(
    folder: Path, name: str, source: Source, reading: Reading, probable: Mapping[str, Sequence[str]],
    rows: Mapping[str, Rows], progress: Progress,
) -> _Pass:  # fmt: skip
    """Read, hash and decode every image, and write it to the rows of the split that it probably goes to."""

    def look(item: tuple[str, Example, Content]) -> tuple[Example, bytes, Pixels | BadImage, bytes]:
        split, example, content = item
        whole = bytes_of(content)
        digest = _example_digest(source, split, example, whole)
        now_reading.set(f"{example.identifier} of {source.uri}")
        try:
            pixels = fitted(content if isinstance(content, np.ndarray) else whole, reading.max_side)
        except BadImage as reason:
            return example, digest, reason, b""
        return example, digest, pixels, hashlib.blake2b(bytes_of(pixels), digest_size=16).digest()

    digests: list[bytes] = []
    images: dict[str, _Image] = {}
    bad: dict[str, str] = {}
    places = [to for split in source.splits for to in probable[split]]
    for to, (example, digest, pixels, alike) in zip(places, ordered_map(look, _all(source)), strict=True):
        digests.append(digest)
        if isinstance(pixels, BadImage):
            bad[example.identifier] = str(pixels)
        else:
            if not images:
                cache.check_space(folder, len(places), (pixels.shape[0], pixels.shape[1]))
            images[example.identifier] = _Image(to, len(rows[to].sizes), alike)
            rows[to].append(pixels)
        progress.advanced(f"decoding {name}", len(digests), len(places))
    return _Pass(_fingerprint(source, digests), images, bad)


def _arrange(
    folder: Path, name: str, rows: Mapping[str, Rows], images: Mapping[str, _Image],
    members: Mapping[str, Sequence[Example]], size: Size, progress: Progress,
) -> None:  # fmt: skip
    """Make each split's array of its members' images: of the rows as they are, unless some are elsewhere or smaller."""
    wanted = {split: [images[example.identifier] for example in examples] for split, examples in members.items()}
    as_written = all(image.split == split for split, some in wanted.items() for image in some)
    if as_written and all(found == size for some in rows.values() for found in some.sizes):
        for some in rows.values():
            some.finish(size)
        return
    cache.check_space(folder, len(images), size)

    def of_size(pixels: Pixels) -> Pixels:
        return resized(Image.fromarray(pixels), size)

    done = 0
    for split, found in wanted.items():
        with (folder / f"{split}.arranged").open("w+b") as file:
            arranged = Rows(file)
            for pixels in ordered_map(of_size, (rows[image.split].read(image.row) for image in found)):
                arranged.append(pixels)
                progress.advanced(f"resizing {name}", done := done + 1, len(images))
            arranged.finish(size)


def _common_size(sizes: set[Size]) -> Size:
    """Return the (height, width) that a task's images are kept in: their own if it is one, else the largest square."""
    side = max((max(size) for size in sizes), default=1)
    return next(iter(sizes)) if len(sizes) == 1 else (side, side)


def _usable(source: Source, bad: Mapping[str, str], reading: Reading) -> Source:
    if not bad:
        return source
    if not reading.skip_bad_images:
        identifier, reason = next(iter(bad.items()))
        others = f" (nor can {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise DataError(
            f"{identifier} of {source.uri} cannot be decoded{others}: {reason}",
            "repair it, take it out, or add the task with skip_bad_images (--skip-bad-images)",
        )
    return without(source, bad)


def _findings(source: Source, found: _Pass, members: Mapping[str, Sequence[Example]]) -> dict[str, Any]:
    """Return what people should know of a task's data, for Task.options."""
    labels = {split: {example.label for example in examples} for split, examples in members.items()}
    digests = {split: [found.images[example.identifier].digest for example in some] for split, some in members.items()}
    known = {split: set(some) for split, some in digests.items()}

    def named(found: set[int]) -> list[str]:
        return [source.classes[label] for label in sorted(found)]

    everywhere = set().union(*labels.values())
    return {
        "bad_images": len(found.bad),
        "skipped": dict(list(found.bad.items())[:SKIPPED_NAMED]),
        "passed_over": dict(source.passed_over),
        "columns": dict(source.columns),
        "classes_without_images": [*named(set(range(len(source.classes))) - everywhere), *source.empty_classes],
        "classes_without_validation": named(everywhere - labels["validation"]),
        "classes_without_test": named(everywhere - labels["test"]),
        "duplicates": {f"{a}-{b}": sum(d in known[a] for d in digests[b]) for a, b in combinations(SPLITS, 2)},
    }


def _all(source: Source) -> Iterator[tuple[str, Example, Content]]:
    """Yield every example with its split and image."""
    for split, examples in source.splits.items():
        for example, content in zip(examples, source.contents(split), strict=True):
            yield split, example, content


def _example_digest(source: Source, split: str, example: Example, content: bytes) -> bytes:
    return _digest(json.dumps([example.identifier, split, source.classes[example.label]]), content)


def _fingerprint(source: Source, digests: Sequence[bytes]) -> str:
    return _digest(json.dumps(source.classes), b"".join(sorted(digests))).hex()


def _digest(name: str, content: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(name.encode()).digest() + hashlib.sha256(content).digest()).digest()
