"""Tables and parts of a report, as Markdown."""

import os
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows, the first `left` columns flush left and the others flush right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1

    def markdown(self) -> str:
        """Return it as GitHub renders it."""
        rule = ["---" if i < self.left else "---:" for i in range(len(self.columns))]
        lines = [[escape(cell) for cell in self.columns], rule, *([escape(cell) for cell in row] for row in self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def turned(self) -> "Table":
        """Return its rows as columns."""
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
        """Return what a document shows of it, figures being in a folder: the title is left to the document."""
        where = Path(os.path.relpath(figures, document.parent)).as_posix()

        def text(block: str | Table | Picture) -> str:
            if isinstance(block, Picture):
                return f"![{block.caption}]({where}/{block.name}.svg)"
            return block.markdown() if isinstance(block, Table) else block

        return "\n\n".join(map(text, self.blocks)) + "\n"


def escape(cell: str) -> str:
    """Return a text that ends no cell and begins no tag."""
    return re.sub(r"\s+", " ", cell).replace("|", "\\|").replace("<", "&lt;")
