"""The names that titles and headings give: each is looked up in all texts as long as one document gives it."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database, slices


class Names:
    """Rows of (name, document that gives it)."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> set[str]:
        with self._db.read() as connection:
            return set(connection.scalars(sa.select(schema.names.c.name).distinct()))

    def known(self, names: Collection[str]) -> set[str]:
        """Those of the given names that some document gives."""
        table = schema.names
        with self._db.read() as connection:
            return {
                name
                for part in slices(sorted(names))
                for name in connection.scalars(sa.select(table.c.name).distinct().where(table.c.name.in_(part)))
            }

    def count(self) -> int:
        with self._db.read() as connection:
            return connection.scalar(sa.select(sa.func.count(schema.names.c.name.distinct()))) or 0

    def of(self, documents: Collection[str]) -> dict[str, set[str]]:
        """{document: names it gives}."""
        with self._db.read() as connection:
            return _names_of(connection, documents)

    def givers(self, names: Collection[str]) -> dict[str, set[str]]:
        """{name: documents that give it}."""
        table, found = schema.names, {n: set[str]() for n in names}
        with self._db.read() as connection:
            for part in slices(sorted(names)):
                for row in connection.execute(sa.select(table).where(table.c.name.in_(part))):
                    found[row.name].add(row.document_id)
        return found

    def replace(self, connection: sa.Connection, given: Mapping[str, Collection[str]]) -> None:
        """Make the names of these documents exactly these, inside the caller's transaction."""
        table = schema.names
        old = _names_of(connection, given)
        gone = [{"old_name": n, "document": d} for d, names in given.items() for n in sorted(old[d] - set(names))]
        if gone:
            connection.execute(
                sa.delete(table).where(
                    table.c.name == sa.bindparam("old_name"), table.c.document_id == sa.bindparam("document")
                ),
                gone,
            )
        new = [{"name": n, "document_id": d} for d, names in given.items() for n in set(names) - old[d]]
        self._db.write(connection, table, new)


def _names_of(connection: sa.Connection, documents: Collection[str]) -> dict[str, set[str]]:
    table, found = schema.names, {d: set[str]() for d in documents}
    for part in slices(sorted(documents)):
        for row in connection.execute(sa.select(table).where(table.c.document_id.in_(part))):
            found[row.document_id].add(row.name)
    return found
