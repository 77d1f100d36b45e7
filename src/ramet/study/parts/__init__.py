"""What a report says: its parts, one a question, in sentences, tables and figures made of the summary's numbers.

A document takes those that it needs; a whole report has those for which there is something to say.
"""

from collections.abc import Callable

from ramet.report.tables import Part
from ramet.study.parts import cost, origin, quality, relations, search
from ramet.study.parts.common import Blocks
from ramet.study.summary import Summary

PARTS: dict[str, tuple[str, Callable[[Summary], Blocks]]] = {
    "verdict": ("Verdict", quality.verdict),
    "overview": ("Overview", quality.overview),
    "differences": ("Differences to the control", quality.differences),
    "frontier": ("Quality against size and compute", quality.frontier),
    "score": ("Score", quality.score),
    "validation": ("Validation accuracy", quality.validation),
    "accuracy": ("Test accuracy", quality.accuracy),
    "published": ("Published accuracies", quality.published),
    "size": ("Parameters", cost.size),
    "cost": ("Cost", cost.cost),
    "curves": ("Learning curves", search.curves),
    "mutations": ("Mutations that survived", search.mutations),
    "mu": ("Learned mutation probabilities", search.mu),
    "transfer": ("Transfer", relations.transfer),
    "matrix": ("Shared components", relations.matrix),
    "tasks": ("Data", origin.tasks),
    "faults": ("Faults", origin.faults),
    "origin": ("Origin", origin.origin),
}
"""The parts by name: their titles, and what makes them."""

NOTHING_YET = "There is nothing to tell of this."


def parts(summary: Summary) -> tuple[Part, ...]:
    """Return the parts for which there is something to say."""
    return tuple(part for name in PARTS if (part := part_of(summary, name)).blocks)


def part_of(summary: Summary, name: str) -> Part:
    """Return the part of a name; it has no blocks where there is nothing to say."""
    title, make = PARTS[name]
    return Part(name, title, make(summary))
