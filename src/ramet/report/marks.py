"""The places of a Markdown text that figures are put into: between `<!-- NAME -->` and `<!-- end of NAME -->`."""

import re

from ramet.base.errors import InvalidValue


def filled(text: str, name: str, content: str) -> str:
    """Return a text with the content in the place of that name.

    Raises:
        InvalidValue: the text has no such place.
    """
    start, end = place(text, name)
    return f"{text[:start]}\n{content}{text[end:]}"


def place(text: str, name: str) -> tuple[int, int]:
    """Return where the content of that name is: from behind its first mark up to its last.

    Raises:
        InvalidValue: the text has no such place.
    """
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    found = re.search(f"(?<={re.escape(first)}).*?(?={re.escape(last)})", text, re.DOTALL)
    if found is None:
        raise InvalidValue(f"the text has no place for {name}", f"write {first} and {last} where it shall be")
    return found.span()


def names(text: str, prefix: str) -> list[str]:
    """Return the names with that prefix that the text has first marks of, as they come."""
    return re.findall(rf"<!-- ({re.escape(prefix)}\S*) -->", text)
