"""What a benchmark measured, with what and on which machine: as JSON, and as a table of docs/benchmarks.md."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ramet.report import document

Row = Mapping[str, str | int | float | None]
"""The cells of a row by the titles of their columns; None where there is nothing to say."""

Say = Callable[[str], None]
"""Told what is going on."""


@dataclass(frozen=True)
class Report:
    """A benchmark's result; note says what a reader must know to read the rows."""

    benchmark: str
    measures: str
    note: str
    rows: Sequence[Row]
    command: str
    date: str
    versions: Mapping[str, str]
    machine: Mapping[str, str | int | float]

    def to_json(self) -> str:
        """As text that from_json reads."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str) -> "Report":
        """The report that to_json wrote."""
        return Report(**json.loads(text))

    def to_markdown(self) -> str:
        """The rows as a table, then what they were measured with."""
        columns = list(self.rows[0])
        numbers = {c for c in columns if any(isinstance(row[c], int | float) for row in self.rows)}
        lines = [
            columns,
            ["---:" if column in numbers else "---" for column in columns],
            *([cell(row[column]) for column in columns] for row in self.rows),
        ]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{table}\n\n{self.note}\n\n{self.origin}\n"

    @property
    def origin(self) -> str:
        """Where the figures come from, in one sentence."""
        machine, versions = self.machine, ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"`{self.command}`, {self.date}: {versions}; {machine['cpu']}, {machine['cores']} cores, "
            f"{machine['memory, GB']} GB of memory, load {machine['load']} when it began."
        )


def cell(value: str | int | float | None) -> str:
    """A value as a table shows it."""
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def filled(text: str, report: Report) -> str:
    """A Markdown text with the report's table in the place of its benchmark.

    Raises:
        InvalidValue: the text has no such place.
    """
    return document.filled(text, report.benchmark, report.to_markdown())
