"""Libraries that only some users need: imported where they are used, and named in the error where they are missing."""

from importlib import import_module
from typing import Any

from ramet.base.errors import DataError


def extra(module: str, name: str) -> Any:
    """Import a module that comes with an optional extra of ramet.

    Raises:
        DataError: it is not installed; the error names the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DataError(f"this needs the library {error.name or module}", f'pip install "ramet[{name}]"') from error
