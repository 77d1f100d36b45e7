"""Tables and parts of a report, as Markdown; and how its numbers look."""

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ramet.benchmarks.report.statistics import Estimate

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows, the first `left` columns flush left and the others flush right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1

    def markdown(self) -> str:
        """As GitHub renders it."""
        rule = ["---" if i < self.left else "---:" for i in range(len(self.columns))]
        lines = [[escape(cell) for cell in self.columns], rule, *([escape(cell) for cell in row] for row in self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def turned(self) -> "Table":
        """Rows as columns."""
        columns, *rows = zip(self.columns, *self.rows, strict=True)
        return Table(columns, tuple(rows))


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure by the name of its files, with what one sees on it."""

    name: str
    caption: str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a report that stands alone: texts, tables and figures. Texts may hold `code` and **emphasis**."""

    name: str
    title: str
    blocks: tuple[str | Table | Picture, ...]

    def markdown(self, figures: Path, document: Path) -> str:
        """What a document shows of it, figures being in a folder: the title is left to the document."""
        where = Path(os.path.relpath(figures, document.parent)).as_posix()

        def text(block: str | Table | Picture) -> str:
            if isinstance(block, Picture):
                return f"![{block.caption}]({where}/{block.name}.svg)"
            return block.markdown() if isinstance(block, Table) else block

        return "\n\n".join(map(text, self.blocks)) + "\n"


def escape(cell: str) -> str:
    """A text that ends no cell and begins no tag."""
    return re.sub(r"\s+", " ", cell).replace("|", "\\|").replace("<", "&lt;")


def with_interval(show: Callable[[float], str], found: Estimate | None) -> str:
    """A mean with its interval, if it has one and that has a width: `.853 ± .012`."""
    if found is None:
        return NOTHING
    return f"{show(found.mean)} ± {show(found.half).lstrip('+')}" if found.half else show(found.mean)


def share(value: float) -> str:
    """An accuracy: `.853`."""
    return re.sub(r"^(−?)0", r"\1", f"{value:.3f}".replace("-", "−"))


def difference(value: float) -> str:
    """A difference of accuracies, with its sign: `+.012`; nothing but 0 is written without."""
    return f"+{share(value)}" if value > 0 else share(value)


def count(value: float) -> str:
    """A count in three digits: `950`, `1.48 M`, `15.0 M`."""
    scale, unit = next(((s, u) for s, u in _UNITS if abs(value) >= 0.9995 * s), (1.0, ""))
    digits = 2 - int(math.log10(abs(value) / scale) + 1e-3) if abs(value) >= 999.5 else 0
    return f"{value / scale:.{max(0, digits)}f} {unit}".strip()


_UNITS = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def duration(value: float) -> str:
    """A time in hours, minutes and seconds: `1:12:04`."""
    seconds = round(value)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def listed(names: Sequence[object]) -> str:
    """Names in a row: `a, b and c`."""
    words = [str(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def plural(number: int, noun: str) -> str:
    """A number with its noun: `1 task`, `2 tasks`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
