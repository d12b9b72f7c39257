"""The ingest generation: how far ingest is, and whether the graph has followed."""

import time

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database

GENERATION, ADVANCED_AT, BEHIND_SINCE = "generation", "advanced_at", "behind_since"


class Generations:
    """Grows with every batch that changed a document's rows."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def current(self) -> int:
        """0 before the first batch."""
        with self._db.read() as connection:
            return int(connection.scalar(schema.meta_value(GENERATION)) or 0)

    def moved_since(self, generation: int) -> bool:
        """Whether ingest has committed rows since this generation, or is about to."""
        with self._db.read() as connection:
            at_work = connection.scalar(sa.select(schema.intents.c.unit).limit(1)) is not None
        return at_work or self.current() != generation

    def behind(self) -> tuple[float, float] | None:
        """(seconds since ingest last changed a row, seconds since the graph fell behind); None where it is not."""
        with self._db.read() as connection:
            query = sa.select(schema.meta).where(schema.meta.c.key.in_((ADVANCED_AT, BEHIND_SINCE)))
            found = {row.key: float(row.value) for row in connection.execute(query)}
        if BEHIND_SINCE not in found:
            return None
        return time.time() - found[ADVANCED_AT], time.time() - found[BEHIND_SINCE]

    def caught_up(self, generation: int) -> None:
        """The graph holds what ingest had at this generation."""
        with self._db.begin() as connection:
            if connection.scalar(schema.meta_value(GENERATION)) == str(generation):
                connection.execute(sa.delete(schema.meta).where(schema.meta.c.key == BEHIND_SINCE))


def advance(connection: sa.Connection) -> None:
    """One generation on, in the caller's transaction; from now the graph is behind."""
    table, at = schema.meta, repr(time.time())
    connection.execute(Database.upsert(table, connection), [{"key": ADVANCED_AT, "value": at}])
    if connection.scalar(schema.meta_value(BEHIND_SINCE)) is None:
        connection.execute(sa.insert(table), {"key": BEHIND_SINCE, "value": at})
    value = connection.scalar(schema.meta_value(GENERATION).with_for_update())
    if value is None:
        connection.execute(sa.insert(table), {"key": GENERATION, "value": "1"})
    else:
        grown = sa.update(table).where(table.c.key == GENERATION)
        connection.execute(grown, {"value": str(int(value) + 1)})
