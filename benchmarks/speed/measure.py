"""Runs benchmarks by name and says what they measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.speed import generation, memory, scale, startup
from benchmarks.speed.report import Report, Row, Say

from ramet.study.record import machine, versions

NAMES = ("generation", "memory", "startup", "scale")

TASKS, MODEL = 124, "vit_tiny_patch16"
"""The system that memory, startup and the speed of verify are measured on, unless another is asked for."""


@dataclass(frozen=True)
class Settings:
    """How often to measure, and the made-up system: how many tasks it has, and which random root it grows from."""

    repeats: int = 3
    tasks: int = TASKS
    model: str = MODEL

    def command(self, name: str) -> str:
        """The command that measures again."""
        system = "" if name == "generation" else f" --tasks {self.tasks} --model {self.model}"
        return f"python -m benchmarks.speed {name} --repeats {self.repeats}{system}"


def run(names: Sequence[str], settings: Settings, say: Say) -> Iterator[Report]:
    """Run benchmarks one after the other; a report comes as soon as it is there."""
    with TemporaryDirectory(prefix="ramet-benchmark-") as folder:
        for name in names:
            yield _run(name, settings, Path(folder), say)


def _run(name: str, settings: Settings, folder: Path, say: Say) -> Report:
    found = machine()  # before the benchmark makes a load of its own
    measures, note, rows = _measured(name, settings, folder, say)
    return Report(name, measures, note, rows, settings.command(name), _today(), versions(), found)


def _measured(name: str, settings: Settings, folder: Path, say: Say) -> tuple[str, str, Sequence[Row]]:
    if name == "generation":
        return generation.MEASURES, generation.NOTE, generation.run(settings.repeats, say)
    module = {"memory": memory, "startup": startup, "scale": scale}[name]
    rows, note = module.run(settings.repeats, folder, f"random:{settings.model}", settings.tasks, say)
    return module.MEASURES, note, rows


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
