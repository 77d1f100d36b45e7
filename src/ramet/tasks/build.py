"""Makes a task's cache and record out of its source in one pass, which reads, hashes and decodes every image once.

The size that all images are kept in, and which of them are equal and so must share a split, show only at the end. So
an image is first written where it probably belongs, at its own size if that is small enough; only where this turns out
to be wrong are the written images put in order.
"""

import hashlib
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from itertools import combinations, islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from ramet.base.errors import DataError, InvalidValue, StoreError
from ramet.base.progress import Progress
from ramet.base.randomness import seed_of
from ramet.base.records import Task
from ramet.tasks.cache import Rows, write_record
from ramet.tasks.images import BadImage, Content, Pixels, bytes_of, fitted, now_reading, resized
from ramet.tasks.sources.base import SPLITS, Example, Source, without

T = TypeVar("T")
R = TypeVar("R")

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


def build(
    folder: Path, name: str, source: Source, reading: Reading, probable: Mapping[str, Sequence[str]], progress: Progress
) -> Task:
    """Decode a source's images into a folder, and return the task's record.

    probable is what `assign` returns while it is not known which images are equal, and which cannot be decoded.

    The record's options say how the data was read, and what was found: `size` (height, width), `bad_images` (how many
    were left out) and `skipped` (why, of the first), `passed_over`, `columns`, `classes_without_images`,
    `classes_without_validation`, `classes_without_test`, and `duplicates` (by pair of splits: images of the second that
    equal one of the first).

    Raises:
        DataError: images cannot be decoded, or not be split.
        StoreError: the disk is full.
        OSError: it is not to be written to.
    """
    places = [to for split in source.splits for to in probable[split]]
    digests: list[bytes] = []
    images: dict[str, _Image] = {}
    bad: dict[str, str] = {}
    with ExitStack() as stack:
        rows = {s: Rows(stack.enter_context((folder / f"{s}.images.npy").open("w+b"))) for s in SPLITS}
        for to, (example, digest, pixels, alike) in zip(places, _decoded(source, reading.max_side), strict=True):
            digests.append(digest)
            if isinstance(pixels, BadImage):
                bad[example.identifier] = str(pixels)
            else:
                if not images:
                    _check_space(folder, len(places), (pixels.shape[0], pixels.shape[1]))
                images[example.identifier] = _Image(to, len(rows[to].sizes), alike)
                rows[to].append(pixels)
            progress.advanced(f"decoding {name}", len(digests), len(places))
        usable = _usable(source, bad, reading)
        equal = {identifier: image.digest for identifier, image in images.items()}
        assigned = assign(usable.splits, validation=reading.validation, test=reading.test, images=equal)
        members: dict[str, list[Example]] = {split: [] for split in SPLITS}
        for split, examples in usable.splits.items():
            for example, to in zip(examples, assigned[split], strict=True):
                members[to].append(example)
        wanted = {split: [images[example.identifier] for example in examples] for split, examples in members.items()}
        sizes = {size for some in rows.values() for size in some.sizes}
        side = max((max(size) for size in sizes), default=1)
        size = next(iter(sizes)) if len(sizes) == 1 else (side, side)
        _arrange(folder, name, rows, wanted, size, progress)
    for split, examples in members.items():
        if (arranged := folder / f"{split}.arranged").exists():
            arranged.replace(folder / f"{split}.images.npy")
        np.save(folder / f"{split}.labels.npy", np.asarray([e.label for e in examples], dtype=np.int64))
    labels = {split: {example.label for example in examples} for split, examples in members.items()}
    found = {split: {image.digest for image in some} for split, some in wanted.items()}
    task = Task(
        name=name,
        source=source.uri,
        classes=usable.classes,
        splits={split: len(examples) for split, examples in members.items()},
        fingerprint=_digest(source.classes, b"".join(sorted(digests))).hex(),
        options={
            **asdict(reading),
            "size": list(size),
            "bad_images": len(bad),
            "skipped": dict(list(bad.items())[:SKIPPED_NAMED]),
            "passed_over": dict(usable.passed_over),
            "columns": dict(usable.columns),
            **_lacking(usable, labels),
            "duplicates": {
                f"{a}-{b}": sum(i.digest in found[a] for i in wanted[b]) for a, b in combinations(SPLITS, 2)
            },
        },
    )
    write_record(folder, task, bad)
    return task


def fingerprint_of(source: Source) -> str:
    """Return the SHA-256 over the class names and, whatever their order, every example's identifier, split, class and
    bytes: equal data has an equal fingerprint on every machine.
    """  # fmt: skip
    digests = ordered_map(lambda item: _digest(item[1], bytes_of(item[2])), _all(source))
    return _digest(source.classes, b"".join(sorted(digests))).hex()


def _decoded(source: Source, max_side: int) -> Iterator[tuple[Example, bytes, Pixels | BadImage, bytes]]:
    """Yield every example with the digest of its content, its pixels (or why there are none) and a hash of these."""

    def look(item: tuple[Example, Sequence[str], Content]) -> tuple[Example, bytes, Pixels | BadImage, bytes]:
        example, named, content = item
        whole = bytes_of(content)
        digest = _digest(named, whole)
        now_reading.set(f"{example.identifier} of {source.uri}")
        try:
            pixels = fitted(content if isinstance(content, np.ndarray) else whole, max_side)
        except BadImage as reason:
            return example, digest, reason, b""
        return example, digest, pixels, hashlib.blake2b(bytes_of(pixels), digest_size=16).digest()

    return ordered_map(look, _all(source))


def _all(source: Source) -> Iterator[tuple[Example, Sequence[str], Content]]:
    """Yield every example with its identifier, split and class, and its image."""
    for split, examples in source.splits.items():
        for example, content in zip(examples, source.contents(split), strict=True):
            yield example, (example.identifier, split, source.classes[example.label]), content


def _digest(named: Sequence[str], content: bytes) -> bytes:
    parts = (json.dumps(named).encode(), content)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def ordered_map(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield function of every item, in the order of the items; what it raises is raised here.

    It runs in threads: Pillow and hashlib let others run while they work. Items are taken, in this thread, at most a
    few chunks before their results are asked for, so that streams of any length fit in memory.
    """
    workers, source = min(16, os.cpu_count() or 1), iter(items)
    running: deque[Future[list[R]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="images") as pool:
        while chunk := list(islice(source, 16)):
            running.append(pool.submit(lambda some: [function(item) for item in some], chunk))
            if len(running) > workers:
                yield from running.popleft().result()
        while running:
            yield from running.popleft().result()


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


def _arrange(
    folder: Path, name: str, rows: Mapping[str, Rows], wanted: Mapping[str, Sequence[_Image]], size: Size,
    progress: Progress,
) -> None:  # fmt: skip
    """Make each split's array of the images wanted: of the rows as they are, unless some are elsewhere or smaller."""
    as_written = all(image.split == split for split, some in wanted.items() for image in some)
    if as_written and all(found == size for some in rows.values() for found in some.sizes):
        for some in rows.values():
            some.finish(size)
        return
    done, total = 0, sum(map(len, wanted.values()))
    _check_space(folder, total, size)
    for split, images in wanted.items():
        with (folder / f"{split}.arranged").open("w+b") as file:
            arranged = Rows(file)
            written = (rows[image.split].read(image.row) for image in images)
            for pixels in ordered_map(lambda pixels: resized(Image.fromarray(pixels), size), written):
                arranged.append(pixels)
                progress.advanced(f"resizing {name}", done := done + 1, total)
            arranged.finish(size)


def _check_space(folder: Path, images: int, size: tuple[int, int]) -> None:
    """Raise StoreError if that many images do not fit on the disk of a folder."""
    needed, free = images * (3 * size[0] * size[1] + 8), shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{images} images of {size[0]}x{size[1]} need {needed / 1e9:.3g} GB, "
            f"and {folder.parent} has {free / 1e9:.3g} GB left",
            "free some space, or lower max_side",
        )


def _lacking(source: Source, labels: Mapping[str, set[int]]) -> dict[str, list[str]]:
    """Return the names of the classes that have no image at all, none to validate and none to test on."""
    everywhere = set().union(*labels.values())

    def named(found: set[int]) -> list[str]:
        return [source.classes[label] for label in sorted(found)]

    return {
        "classes_without_images": [*named(set(range(len(source.classes))) - everywhere), *source.empty_classes],
        "classes_without_validation": named(everywhere - labels["validation"]),
        "classes_without_test": named(everywhere - labels["test"]),
    }


def assign(
    splits: Mapping[str, Sequence[Example]],
    *,
    validation: float | None = None,
    test: float | None = None,
    images: Mapping[str, Hashable] | None = None,
) -> dict[str, list[str]]:
    """Return the split that each example of a source's splits goes to.

    A missing test split, then a missing validation split, takes its fraction of train (None is 5 %); train keeps the
    rest. Every class gives its share. An example's place depends on its identifier, not on where it stands: data sorted
    by class, or listed in another order, is split as well as any. Examples whose images are equal stay together: images
    has a value for each identifier to compare, and without it all are taken as different.

    Raises:
        InvalidValue: a fraction is not between 0 and 1, both leave nothing to train on, or the source has that split.
        DataError: the classes are too small to be split.
    """
    asked = {"test": test, "validation": validation}
    for split, fraction in asked.items():
        if fraction is not None and not 0 < fraction < 1:
            raise InvalidValue(
                f"{split} = {fraction} is not a fraction of the data", "take a number between 0 and 1, such as 0.1"
            )
        if fraction is not None and split in splits:
            raise InvalidValue(
                f"{split} = {fraction} asks for a {split} split that the source already has", "leave it out"
            )
    fractions = {s: 0.05 if f is None else f for s, f in asked.items() if s not in splits}
    if sum(fractions.values()) >= 1:
        raise InvalidValue(f"fractions of {test} and {validation} leave no image to train on", "take smaller fractions")
    assigned = {split: [split] * len(examples) for split, examples in splits.items()}
    for groups in _by_class(splits["train"], images or {}):
        number, start = sum(map(len, groups)), 0
        for later, (split, fraction) in zip(reversed(range(len(fractions))), fractions.items(), strict=True):
            # Its share rounded, at least one of 3 groups; a group is left for each of the others.
            wanted = max(round(number * fraction), int(len(groups) >= 3))
            while wanted > 0 and start < len(groups) - later - 1:
                for position in groups[start]:
                    assigned["train"][position] = split
                wanted -= len(groups[start])
                start += 1
    for split in fractions:
        if split not in assigned["train"]:
            raise DataError(
                f"no class has enough images to give one to the {split} split",
                "add images: 3 different ones of a class give one to each",
            )
    return assigned


def _by_class(examples: Sequence[Example], images: Mapping[str, Hashable]) -> Iterable[list[list[int]]]:
    """Return each class's examples by position, in an order drawn by their identifiers; equal images in one group.

    A group is of the class of its first example.
    """
    drawn = sorted((seed_of("split", example.identifier), example.identifier, i) for i, example in enumerate(examples))
    groups: dict[Hashable, list[int]] = {}
    for _, identifier, position in drawn:
        groups.setdefault(images.get(identifier, identifier), []).append(position)
    classes: dict[int, list[list[int]]] = {}
    for group in groups.values():
        classes.setdefault(examples[group[0]].label, []).append(group)
    return classes.values()
