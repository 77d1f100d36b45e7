"""Which example is for training, validation and testing, where the data itself does not say.

A missing test split, then a missing validation split, takes the next 5 % of train each, or the fractions that the user
asks for; train keeps the rest. Every class gives its share. An example's place depends on its identifier, not on where
it stands: data sorted by class, or listed in another order, is split as well as any.
"""

from collections.abc import Iterable, Mapping, Sequence

from ramet.base.errors import DataError, InvalidValue
from ramet.base.randomness import seed_of
from ramet.tasks.sources.base import Example

DEFAULT_FRACTION = 0.05


def assign(
    splits: Mapping[str, Sequence[Example]], *, validation: float | None = None, test: float | None = None
) -> dict[str, list[str]]:
    """The split that each example of a source's splits goes to.

    Args:
        splits: the examples of "train", and of "validation" and "test" where the source has them.
        validation: the fraction of the source's train split that becomes the validation split; None for 5 %.
        test: the same for the test split.

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
    for members in _by_class(splits["train"]):
        for split, positions in _shares(members, fractions):
            for position in positions:
                assigned["train"][position] = split
    for split in fractions:
        if split not in assigned["train"]:
            raise DataError(
                f"no class has enough images to give one to the {split} split",
                "add images: 3 of a class give one to each",
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


def _by_class(examples: Sequence[Example]) -> Iterable[list[int]]:
    """The positions of each class's examples, in an order drawn by their identifiers."""
    classes: dict[int, list[int]] = {}
    order = sorted(
        range(len(examples)), key=lambda i: (seed_of("split", examples[i].identifier), examples[i].identifier)
    )
    for position in order:
        classes.setdefault(examples[position].label, []).append(position)
    return classes.values()


def _shares(members: Sequence[int], fractions: Mapping[str, float]) -> Iterable[tuple[str, Sequence[int]]]:
    """A class's members for each split: its share rounded, at least one if it has 3, one left for every other."""
    start = 0
    for later, (split, fraction) in zip(reversed(range(len(fractions))), fractions.items(), strict=True):
        wanted = max(round(len(members) * fraction), int(len(members) >= 3))
        count = max(0, min(wanted, len(members) - start - later - 1))
        yield split, members[start : start + count]
        start += count
