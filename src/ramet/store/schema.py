"""The tables of a catalog.

Records are kept whole, as JSON, beside the columns that queries need. Rows are only added, but for the state of what
moves: branches with their current state, running agents with their population, leases, a path's measurements.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

metadata = MetaData()

tasks = Table(
    "tasks",
    metadata,
    Column("name", String, primary_key=True),
    Column("record", JSON, nullable=False),
    # A removed task's row stays: its history refers to it.
    Column("removed", Boolean, nullable=False),
)

paths = Table(
    "paths",
    metadata,
    Column("id", String, primary_key=True),
    Column("task", ForeignKey("tasks.name"), index=True),
    Column("parent", ForeignKey("paths.id"), index=True),
    Column("record", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("path", ForeignKey("paths.id"), primary_key=True),
    Column("digest", String, primary_key=True, index=True),
    sqlite_with_rowid=False,  # the largest table; its key is all there is of it
)

roots = Table(
    "roots",
    metadata,
    Column("name", String, primary_key=True),
    Column("path", ForeignKey("paths.id"), nullable=False),
)

commits = Table(
    "commits",
    metadata,
    Column("id", String, primary_key=True),
    Column("message", String, nullable=False),
    Column("method", String, nullable=False),
    Column("time", String, nullable=False),
    Column("author", String, nullable=False, server_default=""),
    Column("code", String, nullable=False, server_default=""),
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
    Column("name", String, primary_key=True),
    Column("commit", ForeignKey("commits.id"), nullable=False),
)

tags = Table(
    "tags",
    metadata,
    Column("name", String, primary_key=True),
    Column("commit", ForeignKey("commits.id"), nullable=False),
    Column("message", String, nullable=False),
    Column("time", String, nullable=False),
)

# What the commits of a branch add up to, so that reading it costs nothing of its history.
branch_state = Table(
    "branch_state",
    metadata,
    Column("branch", ForeignKey("branches.name"), primary_key=True),
    Column("task", ForeignKey("tasks.name"), primary_key=True),
    Column("path", ForeignKey("paths.id"), nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("id", String, primary_key=True),
    Column("task", ForeignKey("tasks.name"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("branch", ForeignKey("branches.name"), nullable=False),
    Column("method", JSON, nullable=False),
    Column("label", String, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("cycles", Integer, nullable=False),
    Column("samples", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("base", ForeignKey("commits.id"), nullable=False),
    UniqueConstraint("branch", "task", "number"),
)

Index("one_running_agent", agents.c.branch, agents.c.task, unique=True, sqlite_where=text("state = 'running'"))

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

# A generation without a child is one too, so what is done is not read off the children.
generations = Table(
    "generations",
    metadata,
    Column("agent", ForeignKey("agents.id"), primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("generation", Integer, primary_key=True),
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
    Column("branch", String, primary_key=True),
    Column("task", String, primary_key=True),
    Column("token", String, nullable=False),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("since", Float, nullable=False),
    Column("expires", Float, nullable=False),
)
