"""Format 3: experiments and their trials; what a cycle saw, and how much a generation trained."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer

from ramet.store.catalog.schema import Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go there from format 2."""
    op.create_table(
        "experiments",
        Column("name", Text, primary_key=True),
        Column("design", JSON, nullable=False),
        Column("base", Text, ForeignKey("commits.id"), nullable=False),
        Column("time", Text, nullable=False),
    )
    op.create_table(
        "trials",
        Column("experiment", Text, ForeignKey("experiments.name"), primary_key=True),
        Column("branch", Text, primary_key=True),
        Column("task", Text, primary_key=True),
        Column("number", Integer, nullable=False),
        Column("commit", Text, ForeignKey("commits.id"), nullable=False),
        Column("state", Text, nullable=False),
        Column("problem", Text, nullable=False),
        Column("details", JSON, nullable=False),
    )
    op.create_table(
        "cycles",
        Column("agent", Text, ForeignKey("agents.id"), primary_key=True),
        Column("cycle", Integer, primary_key=True),
        Column("base", Text, ForeignKey("commits.id"), nullable=False),
        Column("roots", JSON, nullable=False),
    )
    for name in ("rounds", "steps", "batch"):
        op.add_column("generations", Column(name, Integer, nullable=False, server_default="0"))
    op.add_column("generations", Column("place", Text, nullable=False, server_default=""))
