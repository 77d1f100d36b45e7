"""Text for people: how numbers and lists look, and what a mistyped name may have meant."""

import math
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

NOTHING = "–"


def share(value: float) -> str:
    """Return an accuracy as `.853`."""
    return re.sub(r"^(−?)0", r"\1", f"{value:.3f}".replace("-", "−"))


def percent(value: float | None) -> str:
    """A quality in per cent: `87.5%`."""
    return NOTHING if value is None or not math.isfinite(value) else f"{100 * value:.1f}%"


def difference(value: float) -> str:
    """Return a difference of accuracies with its sign, `+.012`; only 0 is written without one."""
    return f"+{share(value)}" if value > 0 else share(value)


def count(value: float | None) -> str:
    """Return a count in three digits: `950`, `1.48 M`, `15.0 M`."""
    if value is None:
        return NOTHING
    scale, unit = next(((s, u) for s, u in _UNITS if abs(value) >= 0.9995 * s), (1.0, ""))
    digits = 2 - int(math.log10(abs(value) / scale) + 1e-3) if abs(value) >= 999.5 else 0
    return f"{value / scale:.{max(0, digits)}f} {unit}".strip()


_UNITS = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def duration(seconds: float | None) -> str:
    """Return a time as hours, minutes and seconds: `1:12:04`."""
    if seconds is None or not math.isfinite(seconds):
        return "-:--:--"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def listed(names: Sequence[object]) -> str:
    """Return names in a row: `a, b and c`."""
    words = [str(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def plural(number: int, noun: str, many: str = "") -> str:
    """Return a number with its noun: `1 image`, `2,400 images`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the remedy for a mistyped name: the closest ones known, else what `otherwise` says, else all of them."""
    options = list(dict.fromkeys(known))
    close = get_close_matches(name, options, n=2)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return otherwise or f"choose one of {', '.join(options)}"
