"""The tables of a catalog.

Records are kept whole, as JSON, beside the columns that queries need. Rows are only added, but for the state of what
moves: branches with their current state, running agents with their population, leases, a path's measurements.
"""

from functools import partial
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

_key = partial(Column, primary_key=True)
_column = partial(Column, nullable=False)


def _texts(*names: str) -> list[Column[str]]:
    return [_column(name, Text) for name in names]


def _numbers(*names: str, **options: Any) -> list[Column[int]]:
    return [_column(name, Integer, **options) for name in names]


# Alembic's own table: the migration that the tables are at.
revision = Table("alembic_version", metadata, _key("version_num", String(32)))

# A removed task's row stays: its history refers to it.
tasks = Table("tasks", metadata, _key("name", Text), _column("record", JSON), _column("removed", Boolean))

paths = Table(
    "paths",
    metadata,
    _key("id", Text),
    Column("task", ForeignKey("tasks.name"), index=True),
    Column("parent", ForeignKey("paths.id"), index=True),
    _column("record", JSON),
    _column("metrics", JSON),
)

# The largest table; its key is all there is of it.
holds = Table(
    "holds", metadata, _key("path", ForeignKey("paths.id")), _key("digest", Text, index=True), sqlite_with_rowid=False
)

roots = Table("roots", metadata, _key("name", Text), _column("path", ForeignKey("paths.id")))

commits = Table("commits", metadata, _key("id", Text), *_texts("message", "method", "time", "author", "code"))

# The changes of a commit are against its first parent (position 0).
commit_parents = Table(
    "commit_parents",
    metadata,
    _key("commit", ForeignKey("commits.id")),
    _key("position", Integer),
    _column("parent", ForeignKey("commits.id"), index=True),
)

commit_changes = Table(
    "commit_changes",
    metadata,
    _key("commit", ForeignKey("commits.id")),
    _key("task", ForeignKey("tasks.name")),
    Column("path", ForeignKey("paths.id")),
)

branches = Table("branches", metadata, _key("name", Text), _column("commit", ForeignKey("commits.id")))

tags = Table(
    "tags", metadata, _key("name", Text), _column("commit", ForeignKey("commits.id")), *_texts("message", "time")
)

# What the commits of a branch add up to, so that reading it costs nothing of its history. A branch has no rows until
# something is published on it; then all are copied, which keys to tasks and paths would double the cost of. verify
# compares them with the commits.
branch_state = Table(
    "branch_state", metadata, _key("branch", ForeignKey("branches.name")), _key("task", Text), _column("path", Text)
)

# No foreign key to the branch: it may be deleted, its agents stay on record.
agents = Table(
    "agents",
    metadata,
    _key("id", Text),
    _column("task", ForeignKey("tasks.name")),
    *_numbers("number"),
    *_texts("branch"),
    _column("method", JSON),
    *_texts("label"),
    _column("seed", BigInteger),
    *_numbers("cycles", "samples"),
    *_texts("state"),
    *_numbers("cycle"),
    _column("base", ForeignKey("commits.id")),
    UniqueConstraint("branch", "task", "number", name="agent_number"),
)

# As text, which both databases read: SQLAlchemy's own would load PostgreSQL's dialect for everybody.
_ONE_RUNNING = "CREATE UNIQUE INDEX one_running_agent ON agents (branch, task) WHERE state = 'running'"
listen(agents, "after_create", DDL(_ONE_RUNNING))  # type: ignore[no-untyped-call]

# The order of the rows (sequence) is the order in which the children were recorded.
children = Table(
    "children",
    metadata,
    _key("sequence", Integer, autoincrement=True),
    _column("agent", ForeignKey("agents.id")),
    *_numbers("cycle", "generation", "number"),
    _column("path", ForeignKey("paths.id"), index=True),
    _column("record", JSON),
    UniqueConstraint("agent", "cycle", "generation", "number"),
)

# What a cycle saw: the commit whose state was published when it began, and the ids of the roots there were.
cycles = Table(
    "cycles",
    metadata,
    _key("agent", ForeignKey("agents.id")),
    _key("cycle", Integer),
    _column("base", ForeignKey("commits.id")),
    _column("roots", JSON),
)

# A generation without a child is one too, so what is done is not read off the children. Its children trained for so
# many rounds of so many steps of so many examples; place says where, as their bytes may depend on it.
generations = Table(
    "generations",
    metadata,
    _key("agent", ForeignKey("agents.id")),
    _key("cycle", Integer),
    _key("generation", Integer),
    *_numbers("rounds", "steps", "batch", server_default="0"),
    _column("place", Text, server_default=""),
)

population = Table(
    "population",
    metadata,
    _key("agent", ForeignKey("agents.id")),
    _key("position", Integer),
    _column("path", ForeignKey("paths.id")),
)

leases = Table(
    "leases",
    metadata,
    _key("branch", Text),
    _key("task", Text),
    *_texts("token", "host"),
    *_numbers("pid"),
    _column("since", Float),
    _column("expires", Float),
)

# A row never changes. The design is the whole one: its methods with all their fields.
experiments = Table(
    "experiments",
    metadata,
    _key("name", Text),
    _column("design", JSON),
    _column("base", ForeignKey("commits.id")),
    *_texts("time"),
)

# A variant with a seed that has come to its end, well (no problem) or not; the branch may be deleted afterwards.
trials = Table(
    "trials",
    metadata,
    _key("experiment", ForeignKey("experiments.name")),
    _key("branch", Text),
    _key("task", Text),
    *_numbers("number"),
    _column("commit", ForeignKey("commits.id")),
    *_texts("state", "problem"),
    _column("details", JSON),
)
