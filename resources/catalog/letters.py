"""Dead letters: what was set aside, with its error and its number of tries."""

import time
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database, now, slices

PAUSES = (0.0, 60.0, 600.0, 3_600.0, 86_400.0)
"""Seconds until the next try of what may mend itself: the next pass, then growing pauses."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One unit that a stage set aside."""

    stage: str
    unit: str
    document_id: str
    partition: str
    error: str
    tries: int = 1
    since: str = ""
    due: float | None = None


class Letters:
    """What `rag failed` lists and `rag retry` puts back."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, stage: str, partition: str, failures: dict[str, tuple[str, str, bool]]) -> None:
        """{unit: (document id, error, may mend itself)}; a repeated failure counts one more try."""
        old = {letter.unit: letter for letter in self.find(stage=stage, units=failures)}
        rows = []
        for unit, (document_id, error, passing) in failures.items():
            before = old.get(unit)
            tries = before.tries + 1 if before and before.error == error else 1
            due = time.time() + PAUSES[min(tries, len(PAUSES)) - 1] if passing else None
            since = before.since if before and before.error == error else now()
            rows.append(
                {
                    "stage": stage,
                    "unit": unit,
                    "document_id": document_id,
                    "partition": partition,
                    "error": error,
                    "tries": tries,
                    "since": since,
                    "due": due,
                }
            )
        with self._db.begin() as connection:
            self._db.write(connection, schema.dead_letters, rows)

    def clear(self, stage: str, units: Collection[str]) -> None:
        """What came right, or is no more."""
        if not units or not self.count():
            return
        table = schema.dead_letters
        with self._db.begin() as connection:
            for part in slices(sorted(units)):
                connection.execute(sa.delete(table).where(table.c.stage == stage, table.c.unit.in_(part)))

    def find(self, stage: str | None = None, units: Collection[str] | None = None) -> list[Letter]:
        table = schema.dead_letters
        query = sa.select(table).order_by(table.c.partition, table.c.stage, table.c.unit)
        query = query if stage is None else query.where(table.c.stage == stage)
        with self._db.read() as connection:
            rows = list(connection.execute(query))
        return [
            Letter(r.stage, r.unit, r.document_id, r.partition, r.error, r.tries, r.since, r.due)
            for r in rows
            if units is None or r.unit in units
        ]

    def make_due(self, letters: Collection[Letter]) -> None:
        """Let these be tried again by the next pass."""
        table = schema.dead_letters
        with self._db.begin() as connection:
            for x in letters:
                one = sa.update(table).where(table.c.stage == x.stage, table.c.unit == x.unit)
                connection.execute(one.values(due=time.time()))

    def due(self, stage: str) -> list[Letter]:
        """What is to be tried again now."""
        return [letter for letter in self.find(stage) if letter.due is not None and letter.due <= time.time()]

    def count(self) -> int:
        with self._db.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(schema.dead_letters)) or 0
