"""What a task source must keep: opened twice it is equal, and its images can be decoded, in the order of its examples.

ramet.testing.check_source(lambda: MySource.open("somewhere"))
"""

from collections.abc import Callable

import numpy as np

from ramet.tasks.images import BadImage, bytes_of, decode
from ramet.tasks.sources import Source, open_source
from ramet.tasks.sources.base import SPLITS, checked, untrained_labels
from ramet.testing.steady import Broken, accepted, holds

SIZE = (8, 8)


def check_source(opened: Callable[[], Source], *, reopens: bool = True) -> None:
    """Run all checks of a source.

    Args:
        opened: opens it; it is called several times.
        reopens: its uri is what `open_source` opens it by again; not so where its kind is not registered.

    Raises:
        Broken: it does not keep one of them.
    """
    one = opened()
    can_make_a_task(one)
    gives_its_examples_images(one)
    is_the_same_again(one, opened(), "opened twice")
    if reopens:
        is_the_same_again(one, open_source(one.uri), f"opened by {one.uri!r}")


def can_make_a_task(source: Source) -> None:
    """Its splits have ramet's names and are not empty, labels are of its classes, and no name comes twice."""
    holds(set(source.splits) <= {*SPLITS}, f"its splits are {sorted(source.splits)}, and may be {', '.join(SPLITS)}")
    holds("train" in source.splits, "it has no train split")
    with accepted():
        checked(source, untrained_labels(source))


def gives_its_examples_images(source: Source) -> None:
    """It yields an image an example, each stays valid after the next ones, and can be decoded."""
    for split, examples in source.splits.items():
        held, before = [], []
        for content in source.contents(split):
            held.append(content)
            before.append(bytes_of(content))
        holds(len(held) == len(examples), f"{split} has {len(examples)} examples, and {len(held)} images are yielded")
        for example, content, was in zip(examples, held, before, strict=True):
            holds(bytes_of(content) == was, f"the image of {example.identifier} changes when the next is asked for")
            try:
                pixels = decode(content, SIZE)
            except BadImage as error:
                raise Broken(f"the image of {example.identifier} cannot be decoded: {error}") from error
            holds(pixels.dtype == np.uint8 and pixels.shape == (*SIZE, 3), f"{example.identifier} gives no RGB pixels")


def is_the_same_again(one: Source, other: Source, when: str) -> None:
    """Equal data gives equal classes, examples, contents and stamps in equal order."""
    for what in ("uri", "classes", "passed_over", "empty_classes", "columns"):
        a, b = getattr(one, what), getattr(other, what)
        holds(a == b, f"{when}, its {what} are {b!r}, which were {a!r}")
    holds(
        {s: list(e) for s, e in one.splits.items()} == {s: list(e) for s, e in other.splits.items()},
        f"{when}, it has other examples, or others' order",
    )
    holds(dict(one.stamps()) == dict(other.stamps()), f"{when}, its stamps are others, and nothing was written")
    for split in one.splits:
        pairs = zip(map(bytes_of, one.contents(split)), map(bytes_of, other.contents(split)), strict=True)
        holds(all(a == b for a, b in pairs), f"{when}, its images of {split} are others")
