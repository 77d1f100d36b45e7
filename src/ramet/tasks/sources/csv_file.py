"""A .csv file with a header such as `path,label` or `path,label,split`; paths are relative to the file."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ramet.base.errors import DataError, InvalidValue
from ramet.base.text import did_you_mean, listed
from ramet.tasks.sources.base import SPLITS, Content, Example, Source, split_named, stamp

NAMES = {
    "path": ("path", "filename", "file", "file_name", "filepath", "image", "image_path", "img"),
    "label": ("label", "class", "class_name", "category", "target"),
    "split": ("split", "subset", "partition"),
}
"""What a column may be called where no option names it, the likeliest first; in any case of letters."""


@dataclass(frozen=True, kw_only=True)
class CsvSource(Source):
    """Images listed in a table; an image's identifier is its path as the table has it."""

    table: Path

    @classmethod
    def open(
        cls, file: str, path: str | None = None, label: str | None = None, split: str | None = None
    ) -> "CsvSource":
        """Read the table; rows without a split are for training. Classes are its labels in alphabetical order.

        Args:
            file: the table.
            path: the column of the images' paths; else `path`, or a name like it.
            label: the column of the labels; else `label`, or a name like it.
            split: the column of the splits; else `split`, or a name like it, if there is one.
        """
        table = Path(file).expanduser().absolute()
        lines = _lines(table)
        header = lines[0][1] if lines else []
        asked = {"path": path, "label": label, "split": split}
        columns = {what: name for what, wanted in asked.items() if (name := _column(table, what, wanted, header))}
        places = [header.index(columns[what]) if what in columns else len(header) for what in asked]
        rows = [_row(table, number, cells, len(header), places) for number, cells in lines[1:]]
        classes = tuple(sorted({label for _, label, _ in rows}))
        number_of = {name: i for i, name in enumerate(classes)}
        splits = {s: [Example(path, number_of[label]) for path, label, split in rows if split == s] for s in SPLITS}
        if not splits["train"]:
            raise DataError(f"{table} lists no training image", "give some rows the split 'train', or none")
        found = {split: examples for split, examples in splits.items() if examples}
        return cls(uri=f"csv:{table}", classes=classes, splits=found, columns=columns, table=table)

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the image files of a split."""
        yield from (self.table.parent / example.identifier for example in self.splits[split])

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of the table and of every image in it."""
        paths = [example.identifier for examples in self.splits.values() for example in examples]
        return {path: stamp(self.table.parent / path) for path in [self.table.name, *paths]}


def _lines(table: Path) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank, each with the number of its first line."""
    found: list[tuple[int, list[str]]] = []
    first = 1
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if any(stripped := [cell.strip() for cell in cells]):
                    found.append((first, stripped))
                first = reader.line_num + 1
    except FileNotFoundError:
        raise DataError(f"{table} does not exist", "name a .csv file with a header path,label[,split]") from None
    except csv.Error as error:
        raise DataError(
            f"{table} cannot be read as a table: {error}, in what begins on line {first}",
            "close every quote, and double a quote inside quotes",
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{table} cannot be read as a table: {error}", "save it as a UTF-8 .csv file") from error
    except OSError as error:
        raise DataError(f"{table} cannot be read: {error.strerror}", "make it readable for your user") from error
    return found


def _column(table: Path, what: str, asked: str | None, header: Sequence[str]) -> str | None:
    """Return the name of the column of paths, labels or splits; None where there is none of splits."""
    if asked is not None:
        if asked not in header:
            raise InvalidValue(
                f"{table} has no column {asked!r}", did_you_mean(asked, header, "its first line is empty")
            )
        return asked
    known = [name for name in header if name.lower() in NAMES[what]]
    exact = [name for name in known if name.lower() == what]
    if len(known) > 1 and len(exact) != 1:
        raise DataError(
            f"{table} has the columns {listed(known)}, each of which may be the {what}", f"choose by the option {what}"
        )
    if not known and what != "split":
        raise DataError(
            f"{table} has the columns {', '.join(header) or '(none)'}, and none is called {what}",
            f"its first line must be path,label[,split], or the option {what} names the column (--option {what}=NAME)",
        )
    return next(iter(exact or known), None)


def _row(table: Path, number: int, cells: Sequence[str], width: int, places: Sequence[int]) -> tuple[str, str, str]:
    """Return an image's path, its label and its split."""
    where = f"line {number} of {table}"
    if len(cells) > width:
        raise DataError(
            f"{where} has {len(cells)} cells under {width} columns",
            'put a cell with a comma in it in quotes: "oak, white"',
        )
    path, label, split = (cells[place] if place < len(cells) else "" for place in places)
    if not path or not label:
        raise DataError(f"{where} has no {'path' if not path else 'label'}", "give every row a path and a label")
    name = split_named(split or "train")
    if name is None:
        raise DataError(f"{where} has the split {split!r}", f"use {', '.join(SPLITS)}, or leave it empty for train")
    if "://" in path:
        raise DataError(f"{where} names the URL {path!r}", "ramet loads no images: download them, and name the files")
    # As the table has it, else with the backslashes of Windows turned, else with the home folder for ~.
    for candidate in dict.fromkeys((path, path.replace("\\", "/"), str(Path(path).expanduser()))):
        try:
            if (table.parent / candidate).is_file():
                return candidate, label, name
        except (OSError, ValueError) as error:
            raise DataError(f"{where} names {path!r}, which cannot be read: {error}", "correct the path") from error
    raise DataError(f"{where} names {path!r}, which is not there", "paths are relative to the .csv file")
