"""The tables of a catalog.

Records are kept whole, as JSON, beside the columns that queries need. Rows are only added, but for the state of what
moves: branches with their current state, running agents with their population, leases, a path's measurements.
"""

from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.event import listen
from sqlalchemy.types import UserDefinedType

metadata = MetaData()


class _Bytewise(UserDefinedType[str]):
    """PostgreSQL's text in the order of SQLite's: by the numbers of its characters."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return 'VARCHAR COLLATE "C"'


Text = String().with_variant(_Bytewise(), "postgresql")

REVISION = "0001"
"""The last one in migrations/versions, whose tables these are."""

# Alembic's own table: the migration that the tables are at.
revision = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))

tasks = Table(
    "tasks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("record", JSON, nullable=False),
    # A removed task's row stays: its history refers to it.
    Column("removed", Boolean, nullable=False),
)

paths = Table(
    "paths",
    metadata,
    Column("id", Text, primary_key=True),
    Column("task", ForeignKey("tasks.name"), index=True),
    Column("parent", ForeignKey("paths.id"), index=True),
    Column("record", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("path", ForeignKey("paths.id"), primary_key=True),
    Column("digest", Text, primary_key=True, index=True),
    sqlite_with_rowid=False,  # the largest table; its key is all there is of it
)

roots = Table(
    "roots",
    metadata,
    Column("name", Text, primary_key=True),
    Column("path", ForeignKey("paths.id"), nullable=False),
)

commits = Table(
    "commits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("message", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("code", Text, nullable=False),
)

# The changes of a commit are against its first parent (position 0).
commit_parents = Table(
    "commit_parents",
    metadata,
    Column("commit", ForeignKey("commits.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("parent", ForeignKey("commits.id"), nullable=False, index=True),
)

commit_changes = Table(
    "commit_changes",
    metadata,
    Column("commit", ForeignKey("commits.id"), primary_key=True),
    Column("task", ForeignKey("tasks.name"), primary_key=True),
    Column("path", ForeignKey("paths.id")),
)

branches = Table(
    "branches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("commit", ForeignKey("commits.id"), nullable=False),
)

tags = Table(
    "tags",
    metadata,
    Column("name", Text, primary_key=True),
    Column("commit", ForeignKey("commits.id"), nullable=False),
    Column("message", Text, nullable=False),
    Column("time", Text, nullable=False),
)

# What the commits of a branch add up to, so that reading it costs nothing of its history. A branch has no rows until
# something is published on it; then all are copied, which keys to tasks and paths would double the cost of. verify
# compares them with the commits.
branch_state = Table(
    "branch_state",
    metadata,
    Column("branch", ForeignKey("branches.name"), primary_key=True),
    Column("task", Text, primary_key=True),
    Column("path", Text, nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("task", ForeignKey("tasks.name"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("branch", Text, nullable=False),  # no foreign key: the branch may be deleted, its agents stay on record
    Column("method", JSON, nullable=False),
    Column("label", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("cycles", Integer, nullable=False),
    Column("samples", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("base", ForeignKey("commits.id"), nullable=False),
    UniqueConstraint("branch", "task", "number", name="agent_number"),
)

# As text, which both databases read: SQLAlchemy's own would load PostgreSQL's dialect for everybody.
listen(
    agents,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]
        "CREATE UNIQUE INDEX one_running_agent ON agents (branch, task) WHERE state = 'running'"
    ),
)

# The order of the rows (sequence) is the order in which the children were recorded.
children = Table(
    "children",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("agent", ForeignKey("agents.id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("path", ForeignKey("paths.id"), nullable=False, index=True),
    Column("record", JSON, nullable=False),
    UniqueConstraint("agent", "cycle", "generation", "number"),
)

# What a cycle saw: the commit whose state was published when it began, and the ids of the roots there were.
cycles = Table(
    "cycles",
    metadata,
    Column("agent", ForeignKey("agents.id"), primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("base", ForeignKey("commits.id"), nullable=False),
    Column("roots", JSON, nullable=False),
)

# A generation without a child is one too, so what is done is not read off the children. Its children trained for so
# many rounds of so many steps of so many examples; place says where, as their bytes may depend on it.
generations = Table(
    "generations",
    metadata,
    Column("agent", ForeignKey("agents.id"), primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("rounds", Integer, nullable=False, server_default="0"),
    Column("steps", Integer, nullable=False, server_default="0"),
    Column("batch", Integer, nullable=False, server_default="0"),
    Column("place", Text, nullable=False, server_default=""),
)

population = Table(
    "population",
    metadata,
    Column("agent", ForeignKey("agents.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("path", ForeignKey("paths.id"), nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("branch", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("since", Float, nullable=False),
    Column("expires", Float, nullable=False),
)

# A row never changes. The design is the whole one: its methods with all their fields.
experiments = Table(
    "experiments",
    metadata,
    Column("name", Text, primary_key=True),
    Column("design", JSON, nullable=False),
    Column("base", ForeignKey("commits.id"), nullable=False),
    Column("time", Text, nullable=False),
)

# A variant with a seed that has come to its end, well (no problem) or not; the branch may be deleted afterwards.
trials = Table(
    "trials",
    metadata,
    Column("experiment", ForeignKey("experiments.name"), primary_key=True),
    Column("branch", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("commit", ForeignKey("commits.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("details", JSON, nullable=False),
)
