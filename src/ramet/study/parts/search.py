"""Parts on how the search went: its curves, and which mutations led anywhere."""

from ramet.base.text import NOTHING
from ramet.report.tables import Picture, Table
from ramet.study.parts.common import Blocks
from ramet.study.summary import Summary


def curves(summary: Summary) -> Blocks:
    """Return the best score so far, by what was spent."""
    if not any(record.tried for record in summary.done):
        return ()
    return (
        Picture("curves", "The best score so far, by what was spent on training: every seed, and their mean in bold"),
    )


def mutations(summary: Summary) -> Blocks:
    """Return how often an action was drawn and how often it led to a published path."""
    drawn: dict[str, int] = {}
    for variant in summary.variants:
        for m in variant.mutations:
            drawn[m.action] = drawn.get(m.action, 0) + m.drawn
    found = {v.label: {m.action: f"{m.drawn:,} → {m.survived:,}" for m in v.mutations} for v in summary.variants}
    rows = tuple(
        (action, *(found[variant].get(action, NOTHING) for variant in found))
        for action in sorted(drawn, key=lambda action: (-drawn[action], action))
    )
    if not rows:
        return ()
    return (
        "How often an action was drawn in all children, and how often it is among the mutations that led to a "
        "published path.",
        Table(("action", *found), rows),
    )


def mu(summary: Summary) -> Blocks:
    """Return the learned probability of every action."""
    learned = [variant for variant in summary.variants if variant.mu]
    if not learned:
        return ()
    actions = sorted({moved.action for variant in learned for moved in variant.mu})
    found = {v.label: {m.action: f"{m.start:.3f} → {m.end:.3f}" for m in v.mu} for v in learned}
    rows = tuple((action, *(found[variant].get(action, NOTHING) for variant in found)) for action in actions)
    return (
        "The probability of every action where the run began and in the published path: means over the published "
        "paths that have it.",
        Table(("action", *found), rows),
        Picture("mu", "From where the run began (open) to the published path (filled)"),
    )
