"""Format 2: commits know their author and code; tags; agents are counted a branch, and outlive it.

A branch's first publication copies all that it publishes, so these rows refer to none that must be looked up.
"""

from alembic import op
from sqlalchemy import Column, ForeignKey

from ramet.store.catalog.schema import Text

revision = "0002"
down_revision = "0001"

# What the unnamed constraints of SQLite are called here, so that they can be dropped.
_NAMES = {"uq": "uq_%(table_name)s_%(column_0_N_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s"}


def upgrade() -> None:
    """Go there from format 1."""
    for name in ("author", "code"):
        op.add_column("commits", Column(name, Text, nullable=False, server_default=""))
    op.create_table(
        "tags",
        Column("name", Text, primary_key=True),
        Column("commit", Text, ForeignKey("commits.id"), nullable=False),
        Column("message", Text, nullable=False),
        Column("time", Text, nullable=False),
    )
    with op.batch_alter_table("branch_state", naming_convention=_NAMES) as state:
        state.drop_constraint("fk_branch_state_task", type_="foreignkey")
        state.drop_constraint("fk_branch_state_path", type_="foreignkey")
    with op.batch_alter_table("agents", naming_convention=_NAMES) as agents:
        agents.drop_constraint("fk_agents_branch", type_="foreignkey")
        agents.drop_constraint("uq_agents_task_number", type_="unique")
        agents.create_unique_constraint("agent_number", ["branch", "task", "number"])
