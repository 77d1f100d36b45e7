"""How Alembic runs the migrations of the catalog that `upgrade` hands it."""

from typing import Any

from alembic import context

from ramet.base.errors import StoreError
from ramet.store.catalog.schema import metadata

_given = context.config.attributes


def _ensure_sound(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    """Give a migration up that would leave damage, or that met some."""
    if found := _given["damage"](_given["connection"]):
        raise StoreError(f"the catalog is damaged: {found[0]}", "bring it back from a copy of the system")


context.configure(
    connection=_given["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
    transactional_ddl=True,
    transaction_per_migration=True,
    on_version_apply=_ensure_sound,
)
with context.begin_transaction():
    context.run_migrations()
