"""The catalog's tables: what must never be half-written. One schema for SQLite and Postgres."""

import sqlalchemy as sa

VERSION = 4
"""Grows with every change of the tables; a catalog with a higher one is refused."""

metadata = sa.MetaData()
BYTEWISE = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Text that is compared byte by byte, as SQLite and Python compare it."""

COUNTS_WRITES = {"counts_writes": True}
"""Of a column that an upsert increments instead of replacing it."""


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    # Without rowid: the primary key is the table, one b-tree less to write.
    return sa.Table(name, metadata, *columns, sqlite_with_rowid=False)


meta = _table("meta", sa.Column("key", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False))

items = _table(
    "items",
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("native_id", sa.String, primary_key=True),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("document_id", sa.String, nullable=False),
    sa.Column("partition", sa.String, nullable=False),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("uri", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("modified_at", sa.String),
    sa.Column("content_sha256", sa.String),
    sa.Column("provider_hash", sa.String),
    sa.Column("folder", sa.Boolean, nullable=False),
    sa.Column("parent_id", sa.String),
    sa.Column("acl_id", sa.String),
    sa.Column("fetch_ref", BYTEWISE),
    # what the place itself keeps of it over a rename (inode and device); NULL: nothing
    sa.Column("identity", sa.String),
    # live: in the source; held: missing, its deletion waits for approval; gone: deleted, until its rows are
    sa.Column("state", sa.String, nullable=False),
    # why no search may show it now, whatever its rows say; NULL: visible
    sa.Column("hidden", sa.String),
    sa.Index("items_by_document", "document_id", unique=True),
    # a look at an unchanged source reads this index alone
    sa.Index("items_by_ref", "source", "scope", "fetch_ref", "version", "state", "folder"),
    sa.Index("items_by_identity", "source", "identity"),
    sa.Index("items_by_content", "source", "content_sha256"),
)
NOT_LIVE = items.c.state != sa.literal_column("'live'")
"""Held or gone."""
HIDDEN = items.c.hidden.is_not(None)
sa.Index("items_not_live", items.c.state, sqlite_where=NOT_LIVE, postgresql_where=NOT_LIVE)
sa.Index("items_hidden", items.c.scope, sqlite_where=HIDDEN, postgresql_where=HIDDEN)
HAS_PARENT = items.c.parent_id.is_not(None)
sa.Index("items_by_parent", items.c.source, items.c.parent_id, sqlite_where=HAS_PARENT, postgresql_where=HAS_PARENT)

ITEMS_SHAPE = {
    "items": "1000000 1000000 1",
    "items_by_document": "1000000 1",
    "items_by_ref": "1000000 1000000 1000000 1 1 1 1",
    "items_by_identity": "1000000 1000000 1",
    "items_by_content": "1000000 1000000 1",
    "items_by_parent": "1000000 1000000 100",
    "items_not_live": "1000 1000",
    "items_hidden": "1000 1000",
}
"""{index: rows, and how many share its first column, its first two, …}: few large sources, not many small ones.

SQLite, which counts nothing by itself, takes ten rows for those of one source, and would read all of it for one item.
"""


def of_few(source: str, scope: str) -> sa.ColumnElement[bool]:
    """The items of a scope, for a query that says NOT_LIVE or HIDDEN: few are, and the whole scope is not read."""
    # an expression, because SQLite would take the index of a plain column, which is the longer way
    return sa.and_(items.c.source.concat("") == source, items.c.scope.concat("") == scope)


changes = sa.Table(
    "changes",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("partition", sa.String, nullable=False),
    sa.Column("document_id", sa.String, nullable=False),
    sa.Column("op", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("recorded_at", sa.String, nullable=False),
    # pending, then applied (and later pruned), failed or dead
    sa.Column("state", sa.String, nullable=False),
    sa.Index("changes_by_document", "partition", "document_id"),
    # a number is never given twice, also when the log was empty in between: runs are requested under it
    sqlite_autoincrement=True,
)

cursors = _table(
    "cursors",
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("scope", sa.String, primary_key=True),
    sa.Column("cursor", sa.String),
    sa.Column("listed_at", sa.String),
    sa.Column("error", sa.String),
)

acl_sets = _table(
    "acl_sets", sa.Column("acl_id", sa.String, primary_key=True), sa.Column("principals", sa.JSON, nullable=False)
)

groups = _table(
    "groups",
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("principal", sa.String, primary_key=True),
    sa.Column("members", sa.JSON, nullable=False),
)

marks = _table(
    "marks",
    sa.Column("stage", sa.String, primary_key=True),
    sa.Column("unit", sa.String, primary_key=True),
    sa.Column("partition", sa.String, nullable=False),
    # the document of a chunk: a unit's siblings are found by it
    sa.Column("parent", sa.String),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Index("marks_by_parent", "parent", "stage"),
)

queue = _table(
    "queue",
    sa.Column("stage", sa.String, primary_key=True),
    sa.Column("unit", sa.String, primary_key=True),
    sa.Column("partition", sa.String, nullable=False),
    # who takes a unit and comes back to strike it out sees whether it was touched again in the meantime
    sa.Column("touches", sa.Integer, nullable=False, default=1, server_default="1", info=COUNTS_WRITES),
)

# what a batch is about to touch; it enters the queue together with the batch's marks
intents = _table(
    "intents",
    sa.Column("origin", sa.String, primary_key=True),
    sa.Column("stage", sa.String, primary_key=True),
    sa.Column("unit", sa.String, primary_key=True),
    sa.Column("partition", sa.String, nullable=False),
)

stages = _table(
    "stages",
    sa.Column("stage", sa.String, primary_key=True),
    sa.Column("partition", sa.String, primary_key=True),
    sa.Column("signature", sa.String, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("complete", sa.Boolean, nullable=False),
)

row_counts = _table(
    "row_counts",
    sa.Column("asset", sa.String, primary_key=True),
    sa.Column("partition", sa.String, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
)

names = _table(
    "names",
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Index("names_by_document", "document_id"),
)

dead_letters = _table(
    "dead_letters",
    sa.Column("stage", sa.String, primary_key=True),
    sa.Column("unit", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, nullable=False),
    sa.Column("partition", sa.String, nullable=False),
    sa.Column("error", sa.String, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("since", sa.String, nullable=False),
    # when it is tried again by itself; NULL: only when it changes or on `rag retry`
    sa.Column("due", sa.Float),
)

leases = _table(
    "leases",
    sa.Column("name", sa.String, primary_key=True),
    # one hold of the holder: two steps of one run may hold a name at once, and each lets go of its own
    sa.Column("token", sa.String, primary_key=True),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("boot_id", sa.String, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    # of the process, so that another one that got its pid is not taken for it
    sa.Column("started", sa.String, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("heartbeat", sa.Float, nullable=False),
)

touched = _table(
    "touched",
    sa.Column("stage", sa.String, primary_key=True),
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("units", sa.JSON, nullable=False),
)


def meta_value(key: str) -> sa.Select[tuple[str]]:
    """Asks `meta` for one value."""
    return sa.select(meta.c.value).where(meta.c.key == key)
