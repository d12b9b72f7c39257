"""The catalog's database: one engine, short transactions, one writer at a time in both dialects.

SQLite has one writer by itself. Postgres gets an advisory lock at the start of every transaction that writes, so that
what holds on the one holds on the other: what a transaction has read stays true until it has written.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from resources.catalog import schema
from resources.catalog.migrations import migrate, tell_shape
from resources.errors import CatalogUnavailable, IndexRefused, SettingsError
from resources.frozen import open_frozen

SLICE = 5_000
"""Most values bound in one statement (SQLite allows 32,766, Postgres 65,535)."""
WAIT_SECONDS = 60
"""How long a writer waits for the one before it."""
WRITER = 0x7261675F
"""The advisory lock that a writer holds on Postgres."""
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg2")


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
        url = _parse(self.url)
        if url.get_backend_name() == "sqlite":
            _make_room(url)
        with self._explained():
            engine = _engine(url)
            try:
                self._migrate(engine)
            except BaseException:
                engine.dispose()
                raise
        return engine

    def _migrate(self, engine: sa.Engine) -> None:
        with engine.connect().execution_options(rag_read_only=True) as connection:
            version = _version(connection)
        if version is None:
            with engine.begin() as connection:
                version = _version(connection)  # another process may have made the tables meanwhile
                if version is None:
                    schema.metadata.create_all(connection)
                    tell_shape(connection)
                    self.write(connection, schema.meta, [{"key": "schema", "value": str(schema.VERSION)}])
        if version is not None and int(version) < schema.VERSION:
            with engine.begin() as connection:
                migrate(connection, int(_version(connection) or schema.VERSION))
                self.write(connection, schema.meta, [{"key": "schema", "value": str(schema.VERSION)}])
        _refuse_newer(version)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction that writes, alone; raises CatalogUnavailable."""
        with self._explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads and waits for nobody; raises CatalogUnavailable."""
        with self._explained(), self._reader().execution_options(rag_read_only=True) as connection:
            yield connection

    def _reader(self) -> sa.Connection:
        try:
            return self.engine.connect()
        except (sa.exc.OperationalError, CatalogUnavailable):
            frozen = self._frozen()
            if frozen is None:
                raise
            connection = frozen.connect()
            _refuse_newer(_version(connection))
            return connection

    def _frozen(self) -> sa.Engine | None:
        """For a disk so full that SQLite cannot even read as usual: the old state is served on."""
        url = _parse(self.url)
        file = open_frozen(Path(str(url.database))) if url.get_backend_name() == "sqlite" else None
        return None if file is None else sa.create_engine("sqlite://", creator=lambda: file, poolclass=sa.StaticPool)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DatabaseError as error:
            if not isinstance(error, sa.exc.OperationalError) and type(error) is not sa.exc.DatabaseError:
                raise  # a statement that is wrong in itself, not a database that fails
            raise CatalogUnavailable(
                f"the catalog {shown(self.url)} cannot be used ({_reason(error)}); see that it is there, that its "
                "disk has room, and that no other process holds it. Nothing was half-written."
            ) from error

    def close(self) -> None:
        """Let go of the connections; those that another opening works with are closed when it is done with them."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @staticmethod
    def upsert(table: sa.Table, connection: sa.Connection) -> Any:
        """INSERT … ON CONFLICT (primary key) DO UPDATE of every other column (or DO NOTHING)."""
        return _upsert(table, connection.dialect.name)

    def write(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Upsert rows, sorted by key; of several with one key the last counts."""
        if rows:
            keys = [c.name for c in table.primary_key]
            # Postgres refuses a statement that names a row twice
            by_key = {tuple(row[k] for k in keys): row for row in rows}
            connection.execute(self.upsert(table, connection), [dict(by_key[key]) for key in sorted(by_key)])


@cache
def _upsert(table: sa.Table, dialect: str) -> Any:
    """Made once: to put it together, and to find it among the compiled ones, takes longer than most writes."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    keys = [c.name for c in table.primary_key]
    rest = {
        c.name: c + 1 if c.info == schema.COUNTS_WRITES else insert.excluded[c.name]
        for c in table.columns
        if c.name not in keys
    }
    if not rest:
        return insert.on_conflict_do_nothing()
    return insert.on_conflict_do_update(index_elements=keys, set_=rest)


def slices(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(values), SLICE):
        yield values[at : at + SLICE]


def storable(text: str) -> bool:
    """Whether every database stores this text: it is UTF-8, and holds no NUL."""
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))


def cleaned(text: str) -> str:
    """The text with U+FFFD for what no database stores."""
    if storable(text):
        return text
    return "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in text)


def shown(url: str) -> str:
    """A catalog's URL as it may be printed: without password and parameters."""
    return sa.make_url(url).set(query={}).render_as_string(hide_password=True)


def _parse(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError as error:
        raise SettingsError("catalog is no database URL; allowed: a file, or a postgresql+psycopg2:// URL.") from error
    if url.drivername not in DRIVERS:
        raise SettingsError(f"catalog is {shown(text)}; allowed: a file, or a postgresql+psycopg2:// URL.")
    return url


@lru_cache(maxsize=8)
def _engine(url: sa.URL) -> sa.Engine:
    """One for all openings of a database in this process: it keeps what it compiled of our statements."""
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": WAIT_SECONDS})
        sa.event.listen(engine, "connect", _sqlite_pragmas)
    else:
        # values_plus_batch: also many updates and deletes go in a few round trips
        waiting = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
        engine = sa.create_engine(url, pool_pre_ping=True, executemany_mode="values_plus_batch", connect_args=waiting)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _make_room(url: sa.URL) -> None:
    try:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogUnavailable(
            f"the catalog {url} cannot be made ({error.strerror}: {error.filename}); let this user write there, "
            "or correct `catalog`."
        ) from error


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # our own begin event opens the transaction
    cursor = connection.cursor()
    # small pages: a change writes a few rows here and there
    for pragma in ("page_size=1024", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("rag_read_only")
    if connection.dialect.name == "sqlite":
        # pysqlite begins late and in deferred mode: two writers would then deadlock instead of waiting
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
    elif not reads:
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = {WAIT_SECONDS * 1000:.0f}; SELECT pg_advisory_xact_lock({WRITER})"
        )


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("meta"):
        return None
    return connection.scalar(schema.meta_value("schema"))


def _refuse_newer(version: str | None) -> None:
    if version is not None and int(version) > schema.VERSION:
        raise IndexRefused(
            f"the catalog was written by a newer release (schema {version}, this one knows {schema.VERSION}); "
            "upgrade rag-assets, or point `catalog` and `index` at new places and index again."
        )


def _reason(error: sa.exc.DatabaseError) -> str:
    return " ".join(str(error.orig).split())
