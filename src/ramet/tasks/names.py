"""Task names: what may be a name of a task, in every place where one is written (files, refs, URLs)."""

import re

from ramet.base.errors import InvalidValue

MAX_NAME = 100

_PART = re.compile(r"[A-Za-z0-9._-]+")


def check_name(name: str) -> str:
    """Return the name if it can be a task's: parts of letters, digits, `.`, `_`, `-`, joined by `/` (cmaterdb/bangla).

    Raises:
        InvalidValue: the name is empty, too long, starts with something else than a letter or digit, or has a part that
            is empty, `.` or `..`, or another character.
    """
    parts = name.split("/")
    well_formed = all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)
    if not well_formed or not name[0].isalnum() or len(name) > MAX_NAME:
        raise InvalidValue(
            f"{name!r} cannot be the name of a task",
            f"use letters, digits, '.', '_', '-' (and '/' between parts), starting with a letter or digit, "
            f"at most {MAX_NAME} characters",
        )
    return name
