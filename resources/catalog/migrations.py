"""How a catalog of an older release becomes one of this release: in one transaction, nothing lost."""

import sqlalchemy as sa

from resources.catalog import schema


def migrate(connection: sa.Connection, version: int) -> None:
    """Bring the tables from a schema version to this release's; from its own it does nothing."""
    if version < 2:
        _to_2(connection)
    if version < 3:
        _to_3(connection)
    if version < 4:
        _to_4(connection)


def _to_2(connection: sa.Connection) -> None:
    """Items are found by what they are fetched with, by identity and by parent without reading all of them."""
    connection.exec_driver_sql("ALTER TABLE items ADD COLUMN identity VARCHAR")
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql('ALTER TABLE items ALTER COLUMN fetch_ref TYPE VARCHAR COLLATE "C"')
    for index in schema.items.indexes:
        index.create(connection, checkfirst=True)


def _to_3(connection: sa.Connection) -> None:
    """A queue whose units count how often they were touched, and intents that enter it when their rows are written."""
    connection.exec_driver_sql("ALTER TABLE queue ADD COLUMN touches INTEGER NOT NULL DEFAULT 1")
    schema.intents.create(connection, checkfirst=True)


def _to_4(connection: sa.Connection) -> None:
    """Items are found by their content, and SQLite knows by which index to find them."""
    for index in schema.items.indexes:
        index.create(connection, checkfirst=True)
    tell_shape(connection)


def tell_shape(connection: sa.Connection) -> None:
    """Tell SQLite how the items are spread; Postgres counts for itself."""
    if connection.dialect.name != "sqlite":
        return
    connection.exec_driver_sql("ANALYZE meta")  # makes the table of statistics
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    rows = list(schema.ITEMS_SHAPE.items())
    connection.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('items', ?, ?)", rows)
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # reads them
