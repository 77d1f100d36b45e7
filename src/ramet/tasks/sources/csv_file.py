"""A .csv file with a header `path,label` or `path,label,split`; paths are relative to the file."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ramet.base.errors import DataError
from ramet.tasks.sources.base import SPLITS, Content, Example, split_named, stamp


@dataclass(frozen=True, slots=True)
class _Row:
    path: str
    label: str
    split: str


@dataclass(frozen=True)
class CsvSource:
    """Images listed in a table; an image's identifier is its path as the table has it."""

    uri: str
    classes: tuple[str, ...]
    splits: Mapping[str, Sequence[Example]]
    table: Path

    @classmethod
    def open(cls, path: str) -> "CsvSource":
        """Reads the table; rows without a split are for training. Classes are its labels in alphabetical order."""
        table = Path(path).expanduser().absolute()
        rows = _read(table)
        classes = tuple(sorted({row.label for row in rows}))
        label = {name: i for i, name in enumerate(classes)}
        splits = {s: [Example(r.path, label[r.label]) for r in rows if r.split == s] for s in SPLITS}
        if not splits["train"]:
            raise DataError(f"{table} lists no training image", "give some rows the split 'train', or none")
        return cls(f"csv:{table}", classes, {split: found for split, found in splits.items() if found}, table)

    def contents(self, split: str) -> Iterator[Content]:
        """The image files of a split."""
        yield from (self.table.parent / example.identifier for example in self.splits[split])

    def stamps(self) -> Mapping[str, str]:
        """Size and time of the table and of every image in it."""
        paths = [example.identifier for examples in self.splits.values() for example in examples]
        return {path: stamp(self.table.parent / path) for path in [self.table.name, *paths]}


def _read(table: Path) -> list[_Row]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = {name.strip().lower(): name for name in reader.fieldnames or ()}
            if not {"path", "label"} <= columns.keys():
                raise DataError(
                    f"{table} has the columns {', '.join(columns) or '(none)'}",
                    "its first line must be path,label[,split]",
                )
            return [_row(table, reader.line_num, {c: record[n] for c, n in columns.items()}) for record in reader]
    except FileNotFoundError:
        raise DataError(f"{table} does not exist", "name a .csv file with a header path,label[,split]") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} cannot be read as a table: {error}", "save it as a UTF-8 .csv file") from error


def _row(table: Path, line: int, record: Mapping[str, str | None]) -> _Row:
    where = f"line {line} of {table}"
    path, label, split = ((record.get(column) or "").strip() for column in ("path", "label", "split"))
    if not path or not label:
        raise DataError(f"{where} has no {'path' if not path else 'label'}", "give every row a path and a label")
    name = split_named(split or "train")
    if name is None:
        raise DataError(f"{where} has the split {split!r}", f"use {', '.join(SPLITS)}, or leave it empty for train")
    if not (table.parent / path).is_file():
        raise DataError(f"{where} names {path!r}, which is not there", "paths are relative to the .csv file")
    return _Row(path, label, name)
