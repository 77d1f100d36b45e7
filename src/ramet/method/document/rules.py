"""Patterns of component names, by which clone rules say what they are about."""

import re
from fnmatch import fnmatchcase

from ramet.vit.spec import INSERTED, STEM, component_names, index, kind

EXAMPLES = (*STEM, "norm", "head", "block.*", "adapter.*", "lora.*", "block[3:]", "block[-2:]")

_SLICE = re.compile(r"(adapter|lora|block)\[(-?\d+)?:(-?\d+)?\]")
_DEEP = 1000


def matches(pattern: str, name: str, layers: int) -> bool:
    """Return True where a component's name fits a pattern.

    Args:
        pattern: as of file names (`block.*`), or a slice of layers (`block[3:]`, `block[-2:]`).
        name: the component's name.
        layers: the number of layers of its path.
    """
    found = _SLICE.fullmatch(pattern)
    if found is None:
        return fnmatchcase(name, pattern)
    first, last = (int(end) if end else None for end in found.group(2, 3))
    return kind(name) == found[1] and index(name) in range(layers)[first:last]


def possible(pattern: str) -> bool:
    """Return True where a pattern matches any component of any path."""
    inserted = (f"{k}.{i}" for k in INSERTED for i in range(_DEEP))
    return any(matches(pattern, name, _DEEP) for name in component_names(_DEEP, inserted))
