"""What every room stands on: records and their ids, errors, randomness, whole files, text for people."""

__version__ = "0.1.0"
"""That of ramet, for those parts of it that must not import the whole."""
