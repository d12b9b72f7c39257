"""Dead letters: what was set aside, with its error and its number of tries."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database, cleaned, now, slices

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

    def put(
        self,
        stage: str,
        partition: str,
        failures: Mapping[str, tuple[str, str, bool]],
        most_tries: int | None = None,
    ) -> None:
        """{unit: (document id, error, may mend itself)}; a repeated failure counts one more try.

        After `most_tries` a unit is dead: tried again only when it changes or when a person asks.
        """
        if not failures:
            return
        rows = []
        with self._db.begin() as connection:
            old = {letter.unit: letter for letter in _find(connection, stage, failures)}
            for unit, (document_id, error, passing) in failures.items():
                error, before = cleaned(error), old.get(unit)
                same = before if before is not None and before.error == error else None
                tries = same.tries + 1 if same else 1
                passing = passing and (most_tries is None or tries < most_tries)
                rows.append(
                    {
                        "stage": stage,
                        "unit": unit,
                        "document_id": document_id,
                        "partition": partition,
                        "error": error,
                        "tries": tries,
                        "since": same.since if same else now(),
                        "due": time.time() + PAUSES[min(tries, len(PAUSES)) - 1] if passing else None,
                    }
                )
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
        """Letters of all stages or one, of all units or these; by partition, stage and unit."""
        with self._db.read() as connection:
            return _find(connection, stage, units)

    def make_due(self, letters: Collection[Letter]) -> None:
        """Let these be tried again by the next pass."""
        table = schema.dead_letters
        with self._db.begin() as connection:
            if letters:
                which = sa.and_(table.c.stage == sa.bindparam("at"), table.c.unit == sa.bindparam("which"))
                due = sa.update(table).where(which).values(due=time.time())
                connection.execute(due, [{"at": x.stage, "which": x.unit} for x in letters])

    def due(self, stage: str) -> list[Letter]:
        """What is to be tried again now."""
        return [letter for letter in self.find(stage) if letter.due is not None and letter.due <= time.time()]

    def count(self) -> int:
        with self._db.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(schema.dead_letters)) or 0


def _find(connection: sa.Connection, stage: str | None, units: Collection[str] | None) -> list[Letter]:
    table = schema.dead_letters
    query = sa.select(table) if stage is None else sa.select(table).where(table.c.stage == stage)
    parts = [query] if units is None else [query.where(table.c.unit.in_(part)) for part in slices(sorted(units))]
    letters = [
        Letter(r.stage, r.unit, r.document_id, r.partition, r.error, r.tries, r.since, r.due)
        for part in parts
        for r in connection.execute(part)
    ]
    return sorted(letters, key=lambda x: (x.partition, x.stage, x.unit))
