"""What is wrong with a method's text, in a user's words."""

from collections.abc import Iterable

from pydantic import ValidationError

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.base.text import did_you_mean


def in_words(error: ValidationError, known: Iterable[str], at: str = "") -> RametError:
    """The first thing that is wrong, as one line.

    Args:
        error: what pydantic found.
        known: every setting there is, by its dotted name.
        at: the field that holds what was read, if any.
    """
    first = error.errors()[0]
    names = [*([at] if at else []), *(str(part) for part in first["loc"] if isinstance(part, str))]
    key = ".".join(names)
    match first["type"]:
        case "extra_forbidden":
            section = ".".join(names[:-1])
            siblings = [name for name in known if name.rpartition(".")[0] == section]
            remedy = did_you_mean(key, siblings) if siblings else "it has no settings: leave it out"
            return UnknownName(f"{key!r} is no field of a method", remedy)
        case "missing":
            return InvalidValue(f"{key} is missing", "give it, or take it from another method with `extends: NAME`")
        case "model_type":
            return InvalidValue(f"{key} is {first['input']!r}", "write its fields as a mapping")
        case _:
            said = first["msg"].replace("Input should be", "it should be").removeprefix("Value error, ")
            return InvalidValue(f"{key} is {first['input']!r}", " ".join(said.split()))
