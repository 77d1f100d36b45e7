"""`ramet migrate`: a system of an older format becomes one of this ramet's."""

from pathlib import Path

from ramet.cli.options import Folder
from ramet.cli.output import show


def migrate(folder: Folder = None) -> None:
    """Bring a system that an older ramet made to this one's format; may be stopped and run again."""
    from ramet.store.folder import FORMAT, migrate

    where = (folder or Path()).expanduser().resolve()
    before = migrate(where)
    show(f"{where}: format {FORMAT}" + ("" if before == FORMAT else f", was {before}"))
