"""The tables of format 1."""

from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    UniqueConstraint,
    text,
)

from ramet.store.catalog.schema import Text

revision = "0001"
down_revision = None

_RUNNING = text("state = 'running'")


def _key(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, primary_key=True)


def _value(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _refers(
    name: str, to: str, *, key: bool = False, nullable: bool = False, constraint: str | None = None
) -> Column[Any]:
    return Column(name, Text, ForeignKey(to, name=constraint), primary_key=key, nullable=nullable)


def upgrade() -> None:
    """Make them."""
    _tasks_and_paths()
    _versions()
    _agents()
    of_lease = [
        _value("token"),
        _value("host"),
        _value("pid", Integer),
        _value("since", Float),
        _value("expires", Float),
    ]
    op.create_table("leases", _key("branch"), _key("task"), *of_lease)


def _tasks_and_paths() -> None:
    op.create_table("tasks", _key("name"), _value("record", JSON), _value("removed", Boolean))
    relations = [_refers("task", "tasks.name", nullable=True), _refers("parent", "paths.id", nullable=True)]
    op.create_table("paths", _key("id"), *relations, _value("record", JSON), _value("metrics", JSON))
    _index("paths", "task")
    _index("paths", "parent")
    op.create_table("holds", _refers("path", "paths.id", key=True), _key("digest"), sqlite_with_rowid=False)
    _index("holds", "digest")
    op.create_table("roots", _key("name"), _refers("path", "paths.id"))


def _versions() -> None:
    op.create_table("commits", _key("id"), _value("message"), _value("method"), _value("time"))
    follows = [_key("position", Integer), _refers("parent", "commits.id")]
    op.create_table("commit_parents", _refers("commit", "commits.id", key=True), *follows)
    _index("commit_parents", "parent")
    changed = [_refers("task", "tasks.name", key=True), _refers("path", "paths.id", nullable=True)]
    op.create_table("commit_changes", _refers("commit", "commits.id", key=True), *changed)
    op.create_table("branches", _key("name"), _refers("commit", "commits.id"))
    op.create_table(
        "branch_state",
        _refers("branch", "branches.name", key=True),
        _refers("task", "tasks.name", key=True, constraint="fk_branch_state_task"),
        _refers("path", "paths.id", constraint="fk_branch_state_path"),
    )


def _agents() -> None:
    op.create_table(
        "agents",
        _key("id"),
        _refers("task", "tasks.name"),
        _value("number", Integer),
        _refers("branch", "branches.name", constraint="fk_agents_branch"),
        _value("method", JSON),
        _value("label"),
        _value("seed", BigInteger),
        _value("cycles", Integer),
        _value("samples", Integer),
        _value("state"),
        _value("cycle", Integer),
        _refers("base", "commits.id"),
        UniqueConstraint("task", "number", name="uq_agents_task_number"),
    )
    op.create_index(
        "one_running_agent",
        "agents",
        ["branch", "task"],
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    place = [_value("cycle", Integer), _value("generation", Integer), _value("number", Integer)]
    op.create_table(
        "children",
        Column("sequence", Integer, primary_key=True, autoincrement=True),
        _refers("agent", "agents.id"),
        *place,
        _refers("path", "paths.id"),
        _value("record", JSON),
        UniqueConstraint("agent", "cycle", "generation", "number"),
    )
    _index("children", "path")
    number = [_key("cycle", Integer), _key("generation", Integer)]
    op.create_table("generations", _refers("agent", "agents.id", key=True), *number)
    alive = [_key("position", Integer), _refers("path", "paths.id")]
    op.create_table("population", _refers("agent", "agents.id", key=True), *alive)


def _index(table: str, column: str) -> None:
    op.create_index(f"ix_{table}_{column}", table, [column])
