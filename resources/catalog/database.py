"""The catalog's database: one engine, short transactions, the two dialects' differences."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from resources.catalog import schema
from resources.errors import IndexRefused, SettingsError

SLICE = 5_000
"""Most values bound in one statement (SQLite allows 32,766, Postgres 65,535)."""


def now() -> str:
    """This moment in UTC, ISO 8601 with seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Database:
    """Opens lazily; `begin()` gives a connection in a transaction that commits at the end or not at all."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: sa.Engine | None = None

    @property
    def engine(self) -> sa.Engine:
        if self._engine is None:
            self._engine = self._open()
        return self._engine

    def _open(self) -> sa.Engine:
        url = sa.make_url(self.url)
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            raise SettingsError(
                f"catalog is {url.render_as_string()}; allowed: a file, or a postgresql+psycopg2:// URL."
            )
        if url.get_backend_name() == "sqlite":
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
            engine = sa.create_engine(url, connect_args={"timeout": 60})
            sa.event.listen(engine, "connect", _sqlite_pragmas)
            # pysqlite begins late and in deferred mode: two writers would then deadlock instead of waiting
            sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql(_begin_statement(c)))
        else:
            engine = sa.create_engine(url, pool_pre_ping=True)
        self._migrate(engine)
        return engine

    def _migrate(self, engine: sa.Engine) -> None:
        with engine.connect() as connection:
            there = sa.inspect(connection).has_table("meta")
            version = connection.scalar(sa.select(schema.meta.c.value).filter_by(key="schema")) if there else None
        if version is None:
            with engine.begin() as connection:
                schema.metadata.create_all(connection)
                connection.execute(
                    self.upsert(schema.meta, connection), [{"key": "schema", "value": str(schema.VERSION)}]
                )
        elif int(version) > schema.VERSION:
            raise IndexRefused(
                f"the catalog was written by a newer release (schema {version}, this one knows {schema.VERSION}); "
                "upgrade rag-assets, or point `catalog` and `index` at new places and index again."
            )

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self.engine.connect().execution_options(rag_read_only=True) as connection:
            yield connection

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @staticmethod
    def upsert(table: sa.Table, connection: sa.Connection) -> sa.Executable:
        """INSERT … ON CONFLICT (primary key) DO UPDATE of every other column (or DO NOTHING)."""
        insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
        keys = [c.name for c in table.primary_key]
        rest = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
        if not rest:
            return cast(sa.Executable, insert.on_conflict_do_nothing())
        return cast(sa.Executable, insert.on_conflict_do_update(index_elements=keys, set_=rest))

    def write(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Upsert rows, sorted by key: two writers then lock them in the same order."""
        if rows:
            keys = [c.name for c in table.primary_key]
            ordered = sorted(rows, key=lambda row: tuple(str(row.get(k)) for k in keys))
            connection.execute(self.upsert(table, connection), [dict(row) for row in ordered])


def slices(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(values), SLICE):
        yield values[at : at + SLICE]


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's own begin event opens the transaction
    cursor = connection.cursor()
    # small pages: a change writes a few rows here and there
    for pragma in ("page_size=1024", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_statement(connection: sa.Connection) -> str:
    return "BEGIN" if connection.get_execution_options().get("rag_read_only") else "BEGIN IMMEDIATE"
