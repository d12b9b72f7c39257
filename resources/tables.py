"""The content tables of one index, by name; what a table can do stands in table.py."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from resources import lance, schemas
from resources.schemas import TableSpec
from resources.table import IN_LIST, SCAN, Table, is_in

__all__ = ["IN_LIST", "SCAN", "Table", "Tables", "is_in"]


class Tables:
    """All content tables of one index; nothing is opened before it is used."""

    def __init__(self, uri: str, locks: Path, claim: Callable[[Any], None] = lambda _database: None) -> None:
        """`claim` sees the database before anything else does, and may refuse it."""
        self.uri, self._locks, self._claim = uri, locks, claim
        self._db: Any = None
        self._tables: dict[str, Table] = {}

    def _connect(self) -> Any:
        if self._db is None:
            os.environ.setdefault("RUST_LOG", "error")  # Lance warns about its own defaults on every query
            db = lance.load().connect(self.uri, read_consistency_interval=timedelta(0))
            self._claim(db)
            self._db = db
        return self._db

    def _of(self, spec: TableSpec, name: str | None = None, dimension: int = 0) -> Table:
        name = name or spec.name
        if name not in self._tables:
            self._tables[name] = Table(spec, name, self._connect, self._locks, dimension)
        return self._tables[name]

    @property
    def documents(self) -> Table:
        return self._of(schemas.DOCUMENTS)

    @property
    def chunks(self) -> Table:
        return self._of(schemas.CHUNKS)

    def embeddings(self, name: str, dimension: int) -> Table:
        """The serving table of one model: `name` tells models apart, the catalog knows the live one."""
        return self._of(schemas.EMBEDDINGS, f"embeddings_{name}", dimension)

    @property
    def mentions(self) -> Table:
        return self._of(schemas.MENTIONS)

    @property
    def statements(self) -> Table:
        return self._of(schemas.STATEMENTS)

    @property
    def entities(self) -> Table:
        return self._of(schemas.ENTITIES)

    @property
    def tallies(self) -> Table:
        return self._of(schemas.TALLIES)

    @property
    def relationships(self) -> Table:
        return self._of(schemas.RELATIONSHIPS)

    @property
    def communities(self) -> Table:
        return self._of(schemas.COMMUNITIES)

    @property
    def memberships(self) -> Table:
        return self._of(schemas.MEMBERSHIPS)

    def reports(self, name: str, dimension: int) -> Table:
        return self._of(schemas.REPORTS, f"community_reports_{name}", dimension)

    def stored(self) -> list[Table]:
        """Every table on disk, those of models that no longer serve too."""
        listed = [
            self._tables.get(name) or Table(spec, name, self._connect, self._locks)
            for name in self.names()
            for spec in schemas.SPECS
            if name == spec.name or name.startswith(f"{spec.name}_")
        ]
        return [table for table in listed if table.exists()]

    @property
    def rows_read(self) -> int:
        """Rows that were read from any table since this object was made."""
        return sum(table.rows_read for table in self._tables.values())

    def names(self) -> list[str]:
        """The names of all tables on disk."""
        return sorted(self._connect().list_tables(limit=1000).tables)

    def drop(self, name: str) -> None:
        """Remove a table with all its rows."""
        self._connect().drop_table(name)
        self._tables.pop(name, None)
