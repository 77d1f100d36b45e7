"""The packaged methods, and how a method is read: a name, or YAML that extends one; then overrides."""

from collections.abc import Mapping
from typing import Any

from ramet.method.schema import Method


def load(source: str | Mapping[str, Any], overrides: Mapping[str, str] | None = None) -> Method:
    """The method of a name, or of a document (YAML text or a mapping)."""
    raise NotImplementedError


def names() -> dict[str, str]:
    """Every name that load takes, with a line on what it is."""
    raise NotImplementedError
