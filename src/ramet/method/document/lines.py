"""The line of a YAML text that a problem is about."""

import re
from collections.abc import Iterator

import yaml

_KEY = re.compile(r"[\w.:-]*\w")
_MISSING = re.compile(r"(\S+) has no '([^']+)'")


def line_of(text: str, problem: str) -> int | None:
    """The line, counted from 1, of the field that a problem names first; None where it names none."""
    try:
        lines = dict(_keys(yaml.compose(text), ""))
    except (yaml.YAMLError, ValueError):
        return None
    said = [".".join(match.groups()) for match in _MISSING.finditer(problem)] + _KEY.findall(problem)
    holders = [key.rsplit(".", up)[0] for up in (1, 2) for key in said]
    for candidates in (said, holders):
        found = next((key for key in candidates if key in lines), None)
        if found is not None:
            return lines[found]
    return None


def _keys(node: yaml.Node | None, at: str) -> Iterator[tuple[str, int]]:
    """Every dotted key of a mapping, with its line."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = f"{at}.{key.value}" if at else str(key.value)
        yield name, key.start_mark.line + 1
        yield from _keys(value, name)
