"""Patterns of component names, by which clone rules say what they are about."""

import re
from fnmatch import fnmatchcase

from ramet.vit import kinds
from ramet.vit.spec import STEM, component_names, index, kind

EXAMPLES = (*STEM, "norm", "head", "block.*", "adapter.*", "lora.*", "block[3:]", "block[-2:]")

_SLICE = re.compile(r"([a-z][a-z0-9_]*)\[(-?\d+)?:(-?\d+)?\]")
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
    return kind(name) == found[1] and "." in name and index(name) in range(layers)[first:last]


def possible(pattern: str) -> bool:
    """Return True where a pattern matches any component of any path."""
    for installed in (False, True):  # packages are imported only where what is there does not do
        known = (kind.name for kind in kinds.known(installed=installed) if kind.place in kinds.INSERTED)
        names = component_names(_DEEP, frozenset(f"{name}.{i}" for name in known for i in range(_DEEP)))
        if any(matches(pattern, name, _DEEP) for name in names):
            return True
    return False
