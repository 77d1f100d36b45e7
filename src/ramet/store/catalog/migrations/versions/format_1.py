"""Format 1, the first: schema.py makes its tables."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: no catalog is older."""
