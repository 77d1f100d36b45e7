"""YAML text with the lines of its fields, for errors."""

from collections.abc import Iterator
from typing import Any

import yaml

from ramet.base.errors import InvalidValue


class Lines:
    """A YAML text's value, and where each of its fields is.

    Args:
        file: what the text is called in an error.
        text: the text.

    Raises:
        InvalidValue: it is no YAML, or says a key twice.
    """

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        try:
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            self.value: Any = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
            mark = getattr(error, "problem_mark", None)
            where = f"{file}:{mark.line + 1}" if mark else file
            reason = " ".join(str(getattr(error, "problem", error)).split())
            raise InvalidValue(f"{where}: not YAML: {reason}", "quote texts that hold any of : { } [ ] # *") from error
        for key in _repeated(self._root):
            raise InvalidValue(f"{file}:{key.start_mark.line + 1}: {key.value!r} is there twice", "leave one")

    def at(self, *field: str | int) -> str:
        """The file with the line of a field; of the nearest one around it where it is not there."""
        node, line = self._root, 0
        for name in field:
            found = _inside(node, name)
            if found is None:
                break
            line, node = found
        return f"{self._file}:{line + 1}"


def _inside(node: yaml.Node | None, name: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == str(name)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(name, int) and name < len(node.value):
        return node.value[name].start_mark.line, node.value[name]
    return None


def _repeated(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """The keys of mappings that were there before."""
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value]
        yield from (key for i, (key, _) in enumerate(node.value) if key.value in names[:i])
        for _, value in node.value:
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)
