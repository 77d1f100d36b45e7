"""The paths of a system, and those among them that are its roots."""

from collections.abc import Sequence

from sqlalchemy import insert, literal, select, update

from ramet.base.errors import InvalidValue
from ramet.base.records import Path
from ramet.store.catalog import rows
from ramet.store.catalog.codec import measurement
from ramet.store.catalog.database import Database
from ramet.store.catalog.schema import paths, roots


class Paths:
    """A catalog's paths."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_root(self, name: str, path: Path) -> None:
        """Add a path that others may start from.

        Raises:
            InvalidValue: there is a root of that name.
        """
        with self._database.writing() as connection:
            if connection.execute(select(roots).where(roots.c.name == name)).first():
                raise InvalidValue(f"there is a root {name!r} already", "take another name")
            rows.put_paths(connection, [path])
            connection.execute(insert(roots).values(name=name, path=path.id))

    def roots(self) -> dict[str, Path]:
        """Return all roots by their names."""
        with self._database.reading() as connection:
            return rows.all_roots(connection)

    def get(self, id: str) -> Path:
        """Return the path of an id, or of the start of one that no other id shares."""
        with self._database.reading() as connection:
            return rows.find_path(connection, id)

    def many(self, ids: Sequence[str]) -> list[Path]:
        """Return the paths of these ids, in their order."""
        with self._database.reading() as connection:
            return rows.paths_in_order(connection, ids)

    def ancestors(self, id: str) -> list[Path]:
        """Return a path and those it descends from, nearest first.

        Only a root, a path that was published, or one in a population is sure to have its objects: `gc` may have
        deleted another ancestor's.
        """
        line = select(paths.c.id, literal(0).label("distance")).where(paths.c.id == id).cte("line", recursive=True)
        line = line.union_all(
            select(paths.c.parent, line.c.distance + 1)
            .join(line, paths.c.id == line.c.id)
            .where(paths.c.parent.is_not(None))
        )
        with self._database.reading() as connection:
            chosen = select(*rows.columns).join(line, paths.c.id == line.c.id).order_by(line.c.distance)
            found = rows.read_paths(connection, chosen)
        if not found:
            raise rows.unknown_path(id)
        return found

    def set_metric(self, id: str, name: str, value: float) -> None:
        """Add or replace one measurement of a path."""
        with self._database.writing() as connection:
            same = paths.c.id == id
            row = connection.execute(select(paths.c.metrics).where(same).with_for_update()).one_or_none()
            if row is None:
                raise rows.unknown_path(id)
            merged = {**row.metrics, name: measurement(value)}
            connection.execute(update(paths).where(same).values(metrics=merged))
