"""`papers:NAME`: a task of the papers, cut from its data set by their split expressions.

The data set is one that tfds prepared, or an .npz file that holds the same (option `file`). `papers:NAME@PLACE` says
the place of either in the text itself, so that it can be opened again from anywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ramet.base.errors import DataError, InvalidValue
from ramet.tasks.papers import PapersTask, find
from ramet.tasks.slices import Row, Slice, default_row, parse_row
from ramet.tasks.sources.base import Content, Example, Source, numbered
from ramet.tasks.sources.holdings import Holding, arrays, records

_Holdings = Mapping[str | None, Holding]
"""The data sets of a task by the names that slices have for them; None is the task's own."""


@dataclass(frozen=True)
class _Part:
    """Rows of a split of a data set; name is what stands before a row in an image's identifier."""

    holding: Holding
    split: str
    rows: Sequence[int]
    name: str

    @classmethod
    def of(cls, part: Slice, holdings: _Holdings) -> "_Part":
        holding = holdings[part.dataset]
        rows = holding.rows(part.split, part.of(holding.sizes[part.split]))
        return cls(holding, part.split, rows, f"{part.dataset}:{part.split}" if part.dataset else part.split)

    def examples(self) -> Iterator[Example]:
        labels = self.holding.labels(self.split, self.rows)
        return (Example(f"{self.name}/{row}", label) for row, label in zip(self.rows, labels, strict=True))


@dataclass(frozen=True, kw_only=True)
class PapersSource(Source):
    """A task of the papers; an image's identifier is its split and row in the data set, such as `train/17`."""

    holdings: _Holdings
    parts: Mapping[str, Sequence[_Part]]

    @classmethod
    def open(cls, name: str, data_dir: str | None = None, file: str | None = None) -> "PapersSource":
        """Read the labels of a task of the papers.

        Args:
            name: the task, and possibly `@` and its place: an .npz file or a data_dir. A place goes before the options.
            data_dir: where tfds prepared the data set; else TFDS_DATA_DIR, else the default of tfds.
            file: an .npz file (see `NpzSource`) of the same data set, its examples in the order of their numbers.
        """
        name, _, place = name.partition("@")
        entry = find(name)
        if place:
            data_dir, file = (None, place) if place.endswith(".npz") else (place, None)
        else:
            data_dir, file = _options(data_dir, file)
        place = file or data_dir or ""
        uri = f"papers:{name}@{place}" if place else f"papers:{name}"
        holdings, row = _of_file(entry, file) if file else _of_tfds(entry, data_dir)
        parts = {split: [_Part.of(part, holdings) for part in slices] for split, slices in row.items()}
        splits = {split: [example for part in some for example in part.examples()] for split, some in parts.items()}
        labels = [example.label for examples in splits.values() for example in examples]
        classes = holdings[None].classes or numbered([entry.classes - 1] if entry.classes else labels, uri)
        return cls(uri=uri, classes=classes, splits=splits, holdings=holdings, parts=parts)

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the images of a split."""
        for part in self.parts[split]:
            yield from part.holding.contents(part.split, part.rows)

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of the files of the data sets."""
        return {
            f"{name}/{file}" if name else file: text
            for name, holding in self.holdings.items()
            for file, text in holding.stamps().items()
        }


def own_splits(name: str, file: str) -> bool:
    """Return true where an .npz file lacks a split of which the papers make the task.

    Then the splits of the file are used, and results are not comparable with theirs.
    """
    entry = find(name)
    row = parse_row(entry.train, entry.validation, entry.test)
    return row is not None and _lacks(arrays(file), row)


def _options(data_dir: str | None, file: str | None) -> tuple[str | None, str | None]:
    if data_dir and file:
        raise InvalidValue("file and data_dir are two places of one data set", "name only one of them")
    if file and not file.endswith(".npz"):
        raise InvalidValue(f"{file} is no .npz file", "the option file names an .npz archive of the data set")
    return _absolute(data_dir), _absolute(file)


def _absolute(path: str | None) -> str | None:
    return str(Path(path).expanduser().absolute()) if path else None


def _of_file(entry: PapersTask, file: str) -> tuple[_Holdings, Row]:
    found = arrays(file)
    row = parse_row(entry.train, entry.validation, entry.test)
    if row is None or _lacks(found, row):
        row = default_row(found.sizes, found.uri)
    return {None: found}, row


def _lacks(holding: Holding, row: Row) -> bool:
    return any(part.dataset or part.split not in holding.sizes for slices in row.values() for part in slices)


def _of_tfds(entry: PapersTask, data_dir: str | None) -> tuple[_Holdings, Row]:
    own = records(entry.dataset, entry.label, data_dir)
    holdings: dict[str | None, Holding] = {None: own}
    holdings |= {name: records(name, entry.label, data_dir) for name in entry.datasets[1:]}
    row = parse_row(entry.train, entry.validation, entry.test) or default_row(own.sizes, own.uri)
    for part in (part for some in row.values() for part in some):
        _check_part(holdings[part.dataset], part.split, own)
    return holdings, row


def _check_part(holding: Holding, split: str, own: Holding) -> None:
    if split not in holding.sizes:
        raise DataError(
            f"{holding.uri} has no {split} split (its splits: {', '.join(holding.sizes)})",
            "prepare the version that the papers' list names",
        )
    if not _alike(holding.classes, own.classes):
        raise DataError(f"{holding.uri} has other classes than {own.uri}", "prepare both anew, with the same tfds")


def _alike(classes: Sequence[str], others: Sequence[str]) -> bool:
    """Return true for the same classes, where they have names: tfds numbers those of cifar10_1, but names cifar10's."""
    numbers = [str(number) for number in range(len(classes))]
    return len(classes) == len(others) and (classes == others or numbers in ([*classes], [*others]))
