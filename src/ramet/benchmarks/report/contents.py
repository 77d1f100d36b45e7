"""What a report says: its parts, one a question. A document takes those that it needs."""

from collections.abc import Callable

from ramet.benchmarks.report.parts import cost, provenance, quality, relations
from ramet.benchmarks.report.parts.common import Blocks
from ramet.benchmarks.report.summary import Summary
from ramet.report.tables import Part

PARTS: dict[str, tuple[str, Callable[[Summary], Blocks]]] = {
    "overview": ("Overview", quality.overview),
    "comparison": ("Compared with the reference", quality.comparison),
    "frontier": ("Quality against size and compute", quality.frontier),
    "accuracy": ("Test accuracy", quality.accuracy),
    "validation": ("Validation accuracy", quality.validation),
    "published": ("Published accuracies", quality.published),
    "size": ("Parameters", cost.size),
    "cost": ("Cost", cost.cost),
    "transfer": ("Transfer", relations.transfer),
    "matrix": ("Shared components", relations.matrix),
    "tasks": ("Data", provenance.tasks),
    "faults": ("Faults", provenance.faults),
    "origin": ("Origin", provenance.origin),
}
"""The parts by name: their titles, and what makes them."""


def parts(summary: Summary) -> tuple[Part, ...]:
    """The whole report."""
    return tuple(Part(name, title, make(summary)) for name, (title, make) in PARTS.items())
