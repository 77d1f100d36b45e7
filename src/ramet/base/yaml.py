"""The one reader of YAML: a value with the lines of its fields, so that an error in somebody's file names its line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ramet.base.errors import InvalidValue, RametError

Field = Sequence[str | int]
"""The way to a field: keys of mappings and places in lists, from the outside in."""


class Yaml:
    """A YAML text's value, and where each of its fields is.

    Args:
        text: the text.
        name: what the text is called in an error: its file, or `the value of 'opt.lr'`.

    Raises:
        InvalidValue: it is no YAML, or says a key twice.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        try:
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            self.value: Any = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
            mark = getattr(error, "problem_mark", None)
            where = f"{name}:{mark.line + 1}" if mark else name
            reason = " ".join(str(getattr(error, "problem", error)).split())
            raise InvalidValue(f"{where}: not YAML: {reason}", "quote texts that hold any of : { } [ ] # *") from error
        for key in _repeated(self._root):
            raise InvalidValue(f"{name}:{key.start_mark.line + 1}: {key.value!r} is there twice", "leave one")

    def at(self, field: Field) -> str:
        """Return the text's name with the line of a field, or of the nearest one around it where it is not there."""
        node, line = self._root, 0
        for name in field:
            found = _inside(node, name)
            if found is None:
                break
            line, node = found
        return f"{self.name}:{line + 1}"

    @contextmanager
    def located(self, below: Field = ()) -> Iterator[None]:
        """Put the file and line of its field before every RametError raised inside that has one (see RametError.field).

        Args:
            below: where in this text the document stands that the errors' fields are fields of.
        """
        try:
            yield
        except RametError as error:
            if not error.field:
                raise
            field = (*below, *error.field)
            raise type(error)(f"{self.at(field)}: {error.problem}", error.remedy, field=field) from error


def read_yaml(file: Path, what: str) -> Yaml:
    """Return what a file holds, which is to be `what`, as an error says it: `the method`.

    Raises:
        InvalidValue: it cannot be read, or is no YAML.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidValue(f"cannot read {what} {file}: {reason}", "name a YAML file") from error
    return Yaml(text, str(file))


def _inside(node: yaml.Node | None, name: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == str(name)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(name, int) and name < len(node.value):
        return node.value[name].start_mark.line, node.value[name]
    return None


def _repeated(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield the keys of mappings that were there before."""
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value]
        yield from (key for i, (key, _) in enumerate(node.value) if key.value in names[:i])
        for _, value in node.value:
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)
