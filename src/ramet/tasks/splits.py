"""Which example is for training, validation and testing, where the data itself does not say.

A missing test split, then a missing validation split, takes the next 5 % of train each, or the fractions that the user
asks for; train keeps the rest. Every class gives its share. An example's place depends on its identifier, not on where
it stands: data sorted by class, or listed in another order, is split as well as any. Equal images stay together.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence

from ramet.base.errors import DataError, InvalidValue
from ramet.base.randomness import seed_of
from ramet.tasks.sources.base import Example

DEFAULT_FRACTION = 0.05


def assign(
    splits: Mapping[str, Sequence[Example]],
    *,
    validation: float | None = None,
    test: float | None = None,
    images: Mapping[str, Hashable] | None = None,
) -> dict[str, list[str]]:
    """Return the split that each example of a source's splits goes to.

    Args:
        splits: the examples of "train", and of "validation" and "test" where the source has them.
        validation: the fraction of the source's train split that becomes the validation split; None for 5 %.
        test: the same for the test split.
        images: for each identifier a value that is equal for equal images; without it all are taken as different.

    Raises:
        InvalidValue: a fraction is not between 0 and 1, both leave nothing to train on, or the source has that split.
        DataError: the classes are too small to be split.
    """
    asked = {"test": test, "validation": validation}
    for split, fraction in asked.items():
        _check_fraction(split, fraction, split in splits)
    fractions = {s: DEFAULT_FRACTION if f is None else f for s, f in asked.items() if s not in splits}
    if sum(fractions.values()) >= 1:
        raise InvalidValue(f"fractions of {test} and {validation} leave no image to train on", "take smaller fractions")
    assigned = {split: [split] * len(examples) for split, examples in splits.items()}
    for groups in _by_class(splits["train"], images or {}):
        for split, positions in _shares(groups, fractions):
            for position in positions:
                assigned["train"][position] = split
    for split in fractions:
        if split not in assigned["train"]:
            raise DataError(
                f"no class has enough images to give one to the {split} split",
                "add images: 3 different ones of a class give one to each",
            )
    return assigned


def _check_fraction(split: str, fraction: float | None, given: bool) -> None:
    if fraction is None:
        return
    if not 0 < fraction < 1:
        raise InvalidValue(
            f"{split} = {fraction} is not a fraction of the data", "take a number between 0 and 1, such as 0.1"
        )
    if given:
        raise InvalidValue(f"{split} = {fraction} asks for a {split} split that the source already has", "leave it out")


def _by_class(examples: Sequence[Example], images: Mapping[str, Hashable]) -> Iterable[list[list[int]]]:
    """Return each class's examples by position, in an order drawn by their identifiers; equal images in one group.

    A group is of the class of its first example.
    """
    groups: dict[Hashable, list[int]] = {}
    for position in sorted(range(len(examples)), key=lambda i: _drawn(examples[i].identifier)):
        identifier = examples[position].identifier
        groups.setdefault(images.get(identifier, identifier), []).append(position)
    classes: dict[int, list[list[int]]] = {}
    for group in groups.values():
        classes.setdefault(examples[group[0]].label, []).append(group)
    return classes.values()


def _drawn(identifier: str) -> tuple[int, str]:
    return seed_of("split", identifier), identifier


def _shares(groups: Sequence[Sequence[int]], fractions: Mapping[str, float]) -> Iterable[tuple[str, Sequence[int]]]:
    """Yield a class's examples for each split: its share rounded, at least one of 3 groups, a group left for others."""
    images, start = sum(map(len, groups)), 0
    for later, (split, fraction) in zip(reversed(range(len(fractions))), fractions.items(), strict=True):
        wanted = max(round(images * fraction), int(len(groups) >= 3))
        taken: list[int] = []
        while len(taken) < wanted and start < len(groups) - later - 1:
            taken += groups[start]
            start += 1
        yield split, taken
