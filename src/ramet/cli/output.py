"""Printing: results on stdout as tables or JSON, everything else on stderr; and values as text."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.table import Table

from ramet.base.text import count as in_three_digits
from ramet.cli.interrupt import at_once

GAP = "  "
STOPPED = 130
"""The exit code of a command that Ctrl-C stopped, as a shell reports it."""

out = Console(markup=False, highlight=False, emoji=False)
err = Console(markup=False, highlight=False, emoji=False, stderr=True)

_given = ""
"""The options before the command as they were typed, so that a hint of another command can be pasted."""


def hint_with(words: str) -> None:
    """Put words such as `-C DIR` behind `ramet` in whatever is said of other commands."""
    global _given
    _given = words


_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that turn the direction of writing, and lone surrogates."""


def printable(text: str, *, lines: bool = True) -> str:
    """Return a text whose unprintable characters are spelt out, as names may hold any.

    Args:
        text: to be printed on a terminal.
        lines: whether it may have several lines.
    """

    def spelt(found: re.Match[str]) -> str:
        return found[0] if lines and found[0] in "\n\t" else found[0].encode("unicode_escape").decode()

    return _UNPRINTABLE.sub(spelt, text)


def say(text: str) -> None:
    """Print a message on stderr."""
    typer.echo(printable(_pasted(text)), err=True)


_COMMAND = re.compile(r"(`|next: )ramet (?!-|init|demo|method|benchmark|task papers)")
"""The place where another command is named, one that works on a system."""


def _pasted(text: str) -> str:
    return _COMMAND.sub(lambda found: found[0] + _given, text)


def show(*parts: RenderableType) -> None:
    """Print a result on stdout; text is not broken into lines."""
    with at_once():
        for part in parts:
            if isinstance(part, str):
                out.print(printable(_pasted(part)), soft_wrap=True)
            else:
                out.print(part, crop=not isinstance(part, Listing))


def show_json(value: Any) -> None:
    """Print a result as JSON on stdout."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    with at_once():
        typer.echo(_UNPRINTABLE.sub(lambda c: c[0] if c[0] == "\n" else f"\\u{ord(c[0]):04x}", text))


def plain(value: Any) -> Any:
    """Return a record as JSON values; what is no number (NaN) or has no end becomes null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class Listing:
    """A table without lines, that is read as well in a file as on a screen, where what does not fit is folded.

    What need not be folded is put together here: Rich takes seconds for 10,000 rows.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines, for Rich."""
        cells = zip(self.columns, *self.rows, strict=True)
        widths = [max(map(cell_len, column)) for column in cells]
        if console.is_terminal and sum(widths) + len(GAP) * (len(widths) - 1) > options.max_width:
            yield self._folded()
            return
        yield Segment(self._line(self.columns, widths), Style(bold=True))
        yield Segment.line()
        for row in self.rows:
            yield Segment(self._line(row, widths))
            yield Segment.line()

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        padded = []
        for column, cell, width in zip(self.columns, row, widths, strict=True):
            blank = " " * (width - cell_len(cell))
            padded.append(blank + cell if column in self.right else cell + blank)
        return GAP.join(padded).rstrip()

    def _folded(self) -> Table:
        made = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="bold")
        for column in self.columns:
            made.add_column(column, justify="right" if column in self.right else "left", overflow="fold")
        for row in self.rows:
            made.add_row(*row)
        return made


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> Listing:
    """Return a table.

    Args:
        columns: the titles.
        rows: the cells, each of one line.
        right: the titles of the columns that are set flush right.
    """
    return Listing(columns, [[printable(cell, lines=False) for cell in row] for row in rows], right)


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names with their values, one a line."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(printable(name, lines=False), printable(value))
    return made


def size(count: int) -> str:
    """Return a number of bytes: `5.87 MB`."""
    text = in_three_digits(count)
    return f"{text}B" if " " in text else f"{text} B"


def setting(value: object) -> str:
    """Return a hyperparameter's value as a method's text writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
