"""The terminal: results on stdout as tables or JSON, everything else on stderr; and Ctrl-C.

Ctrl-C is noted when it is pressed, and asked for between steps (what a Progress is told of), so that no step is cut in
the middle. A second one ends the process at once, which a system survives as it survives `kill -9`. Where nothing of a
system is under way (a prompt, a result that is printed), the first one does.
"""

import json
import math
import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from types import FrameType
from typing import Any, TypeVar

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.table import Table

from ramet.base.text import NOTHING, percent
from ramet.base.text import count as in_three_digits

T = TypeVar("T")

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
    """Return a text whose unprintable characters are spelt out, as names may hold any; lines: it may have several."""

    def spelt(found: re.Match[str]) -> str:
        return found[0] if lines and found[0] in "\n\t" else found[0].encode("unicode_escape").decode()

    return _UNPRINTABLE.sub(spelt, text)


def say(text: str) -> None:
    """Print a message on stderr."""
    typer.echo(printable(_with_given(text)), err=True)


_COMMAND = re.compile(r"(`|next: )ramet (?!-|init|demo|method|benchmark|task papers)")
"""The place where another command is named, one that works on a system."""


def _with_given(text: str) -> str:
    return _COMMAND.sub(lambda found: found[0] + _given, text)


def show(*parts: RenderableType) -> None:
    """Print a result on stdout; text is not broken into lines."""
    with at_once():
        for part in parts:
            if isinstance(part, str):
                out.print(printable(_with_given(part)), soft_wrap=True)
            else:
                out.print(part, crop=not isinstance(part, TextTable))


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


class TextTable:
    """A table without rules, that is read as well in a file as on a screen, where what does not fit is folded.

    What need not be folded is put together here: Rich takes seconds for 10,000 rows.

    Args:
        columns: the titles.
        rows: the cells, each of one line.
        right: the titles of the columns that are set flush right.
    """

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        self.columns, self.right = columns, right
        self.rows = [[printable(cell, lines=False) for cell in row] for row in rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines, for Rich."""
        widths = [max(map(cell_len, cells)) for cells in zip(self.columns, *self.rows, strict=True)]
        if console.is_terminal and sum(widths) + len(GAP) * (len(widths) - 1) > options.max_width:
            yield self._folded()
            return
        for row, style in ((self.columns, Style(bold=True)), *((row, None) for row in self.rows)):
            yield Segment(self._line(row, widths), style)
            yield Segment.line()

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        blanks = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = zip(self.columns, row, blanks, strict=True)
        return GAP.join(
            blank + cell if column in self.right else cell + blank for column, cell, blank in cells
        ).rstrip()

    def _folded(self) -> Table:
        made = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="bold")
        for column in self.columns:
            made.add_column(column, justify="right" if column in self.right else "left", overflow="fold")
        for row in self.rows:
            made.add_row(*row)
        return made


def show_all(
    found: Sequence[T],
    as_json: bool,
    columns: Sequence[str],
    row: Callable[[T], Sequence[str]],
    *,
    right: Sequence[str] = (),
    none: str = "",
) -> None:
    """Print records as JSON or as a table, of a row each; where there are none, say what `none` says."""
    if as_json:
        show_json(found)
    elif none and not found:
        say(none)
    else:
        show(TextTable(columns, map(row, found), right=right))


def facts(rows: Mapping[str, str] | Iterable[tuple[str, str]]) -> Table:
    """Return names with their values, one a line."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows.items() if isinstance(rows, Mapping) else rows:
        made.add_row(printable(name, lines=False), printable(value))
    return made


def size(count: int) -> str:
    """Return a number of bytes: `5.87 MB`."""
    text = in_three_digits(count)
    return f"{text}B" if " " in text else f"{text} B"


def last_line(text: str) -> str:
    """Return the last line of a text, as of a traceback."""
    return text.strip().rpartition("\n")[2]


def points(share: float | None) -> str:
    """Return a quality in per cent, without the sign."""
    return percent(share).removesuffix("%")


def score(value: float | None) -> str:
    """Return a score in four digits."""
    return NOTHING if value is None else f"{value:.4f}"


def setting(value: object) -> str:
    """Return a hyperparameter's value as a method's text writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


# Ctrl-C

_pressed = False
_waiting = False


def note_interrupts() -> None:
    """Note Ctrl-C from now on; a process that was started to ignore it goes on ignoring it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _note)


def was_pressed() -> bool:
    """Return whether Ctrl-C was pressed: then the process is to end by that signal."""
    return _pressed


def stop_if_pressed() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed; called where a stop is safe."""
    if _pressed:
        raise KeyboardInterrupt


@contextmanager
def at_once() -> Iterator[None]:
    """Let Ctrl-C take effect at any point of a block, in which nothing of a system is under way."""
    global _waiting
    stop_if_pressed()
    _waiting = True
    try:
        yield
    finally:
        _waiting = False
    stop_if_pressed()  # Python forgets what is raised while it destroys an object


def _note(_signal: int, _frame: FrameType | None) -> None:
    global _pressed
    again, _pressed = _pressed, True
    if _waiting:
        raise KeyboardInterrupt
    if again:
        os.write(2, b"\x1b[?25h\n" if os.isatty(2) else b"")  # a bar hides the cursor
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    os.write(2, b"\nstopping after this step; Ctrl-C again ends at once\n")
