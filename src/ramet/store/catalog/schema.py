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


def _column(name: str, kind: Any, **options: Any) -> Column[Any]:
    """Return a column that always has a value; kind is its type, or the column of another table that it refers to."""
    return Column(name, ForeignKey(kind) if isinstance(kind, str) else kind, **{"nullable": False, **options})


_key = partial(_column, primary_key=True)


def _columns(kind: Any, *names: str, **options: Any) -> list[Column[Any]]:
    return [_column(name, kind, **options) for name in names]


def _table(name: str, *parts: Any, **options: Any) -> Table:
    return Table(name, metadata, *parts, **options)


# Alembic's own table: the migration that the tables are at.
revision = _table("alembic_version", _key("version_num", String(32)))

# A removed task's row stays: its history refers to it.
tasks = _table("tasks", _key("name", Text), _column("record", JSON), _column("removed", Boolean))

paths = _table(
    "paths",
    _key("id", Text),
    _column("task", "tasks.name", nullable=True, index=True),
    _column("parent", "paths.id", nullable=True, index=True),
    *_columns(JSON, "record", "metrics"),
)

# The largest table; its key is all there is of it.
holds = _table("holds", _key("path", "paths.id"), _key("digest", Text, index=True), sqlite_with_rowid=False)

roots = _table("roots", _key("name", Text), _column("path", "paths.id"))

commits = _table("commits", _key("id", Text), *_columns(Text, "message", "method", "time", "author", "code"))

# The changes of a commit are against its first parent (position 0).
commit_parents = _table(
    "commit_parents",
    _key("commit", "commits.id"),
    _key("position", Integer),
    _column("parent", "commits.id", index=True),
)

commit_changes = _table(
    "commit_changes",
    _key("commit", "commits.id"),
    _key("task", "tasks.name"),
    _column("path", "paths.id", nullable=True),
)

branches = _table("branches", _key("name", Text), _column("commit", "commits.id"))

tags = _table("tags", _key("name", Text), _column("commit", "commits.id"), *_columns(Text, "message", "time"))

# What the commits of a branch add up to, so that reading it costs nothing of its history. A branch has no rows until
# something is published on it; then all are copied, which keys to tasks and paths would double the cost of. verify
# compares them with the commits.
branch_state = _table("branch_state", _key("branch", "branches.name"), _key("task", Text), _column("path", Text))

agents = _table(
    "agents",
    _key("id", Text),
    _column("task", "tasks.name"),
    _column("number", Integer),
    _column("branch", Text),  # refers to none: the branch may be deleted, its agents stay on record
    _column("method", JSON),
    _column("label", Text),
    _column("seed", BigInteger),
    *_columns(Integer, "cycles", "samples"),
    _column("state", Text),
    _column("cycle", Integer),
    _column("base", "commits.id"),
    UniqueConstraint("branch", "task", "number", name="agent_number"),
)

# As text, which both databases read: SQLAlchemy's own would load PostgreSQL's dialect for everybody.
_ONE_RUNNING = "CREATE UNIQUE INDEX one_running_agent ON agents (branch, task) WHERE state = 'running'"
listen(agents, "after_create", DDL(_ONE_RUNNING))  # type: ignore[no-untyped-call]

# The order of the rows (sequence) is the order in which the children were recorded.
children = _table(
    "children",
    _key("sequence", Integer, autoincrement=True),
    _column("agent", "agents.id"),
    *_columns(Integer, "cycle", "generation", "number"),
    _column("path", "paths.id", index=True),
    _column("record", JSON),
    UniqueConstraint("agent", "cycle", "generation", "number"),
)

# What a cycle saw: the commit whose state was published when it began, and the ids of the roots there were.
cycles = _table(
    "cycles", _key("agent", "agents.id"), _key("cycle", Integer), _column("base", "commits.id"), _column("roots", JSON)
)

# A generation without a child is one too, so what is done is not read off the children. Its children trained for so
# many rounds of so many steps of so many examples; place says where, as their bytes may depend on it.
generations = _table(
    "generations",
    _key("agent", "agents.id"),
    _key("cycle", Integer),
    _key("generation", Integer),
    *_columns(Integer, "rounds", "steps", "batch", server_default="0"),
    _column("place", Text, server_default=""),
)

population = _table("population", _key("agent", "agents.id"), _key("position", Integer), _column("path", "paths.id"))

leases = _table(
    "leases",
    _key("branch", Text),
    _key("task", Text),
    *_columns(Text, "token", "host"),
    _column("pid", Integer),
    *_columns(Float, "since", "expires"),
)

# A row never changes. The design is the whole one: its methods with all their fields.
experiments = _table(
    "experiments", _key("name", Text), _column("design", JSON), _column("base", "commits.id"), _column("time", Text)
)

# A variant with a seed that has come to its end, well (no problem) or not; the branch may be deleted afterwards.
trials = _table(
    "trials",
    _key("experiment", "experiments.name"),
    _key("branch", Text),
    _key("task", Text),
    _column("number", Integer),
    _column("commit", "commits.id"),
    *_columns(Text, "state", "problem"),
    _column("details", JSON),
)
