"""What each stage has to do: the queues of touched units, and what a batch at work will put there."""

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database, slices


class Queues:
    """One queue for each stage, by partition. A unit waits there once, with the number of times it was touched."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def touch(self, stage: str, partitions: Mapping[str, Iterable[str]]) -> None:
        """Put units into a stage's queue, {partition: units}."""
        if found := rows(stage, partitions):
            with self._db.begin() as connection:
                self._db.write(connection, schema.queue, found)

    def take(self, stage: str, partition: str | None = None) -> dict[str, int]:
        """{unit: how often it was touched} of the units that a stage has to look at, sorted.

        Taken before the rows that they ask for are read, and given back to `done` after those are written.
        """
        table = schema.queue
        query = sa.select(table.c.unit, table.c.touches).where(table.c.stage == stage).order_by(table.c.unit)
        with self._db.read() as connection:
            found = connection.execute(query if partition is None else query.where(table.c.partition == partition))
            return {row.unit: row.touches for row in found}

    def take_together(self, *stages: str) -> dict[str, dict[str, dict[str, int]]]:
        """{stage: {partition: as `take`}}, at one moment: what one commit touched is in all of them or in none."""
        table, taken = schema.queue, {stage: dict[str, dict[str, int]]() for stage in stages}
        query = sa.select(table.c.stage, table.c.partition, table.c.unit, table.c.touches)
        with self._db.read() as connection:
            ordered = query.where(table.c.stage.in_(stages)).order_by(table.c.unit)
            for stage, partition, unit, touches in connection.execute(ordered):
                taken[stage].setdefault(partition, {})[unit] = touches
        return taken

    def done(self, stage: str, taken: Mapping[str, int]) -> None:
        """Strike units out of a stage's queue, as they were taken: one that was touched since then stays in it."""
        if taken:
            with self._db.begin() as connection:
                _strike_out_as_taken(connection, stage, taken)

    def hand_over(
        self,
        connection: sa.Connection,
        stage: str,
        taken: Mapping[str, int],
        below: str,
        touched: Mapping[str, Collection[str]],
    ) -> None:
        """Strike units out of one queue and put others into another's, inside the caller's transaction."""
        self._db.write(connection, schema.queue, rows(below, touched))
        _strike_out_as_taken(connection, stage, taken)

    def lengths(self) -> dict[tuple[str, str], int]:
        """{(stage, partition): units} of everything that waits."""
        table = schema.queue
        query = sa.select(table.c.stage, table.c.partition, sa.func.count()).group_by(table.c.stage, table.c.partition)
        with self._db.read() as connection:
            return {(stage, partition): count for stage, partition, count in connection.execute(query)}

    def awaited(self, *stages: str) -> set[str]:
        """Units in the queues of these stages, and those that a batch at work will put there."""
        found: set[str] = set()
        with self._db.read() as connection:
            for table in (schema.intents, schema.queue):
                found.update(connection.scalars(sa.select(table.c.unit).where(table.c.stage.in_(stages))))
        return found

    def intend(self, origin: str, touched: Mapping[tuple[str, str], Iterable[str]]) -> None:
        """Note {(stage below, its partition): units} before rows are written from which nothing else would tell them.

        They enter the queues with the next commit of the partition `origin`. So a kill between rows and marks leaves
        nothing below undone: the next run commits them. And no run beside this one takes a unit out of a queue while
        the rows that it is to look at are still being written.
        """
        intents = [
            {"origin": origin, "stage": stage, "unit": u, "partition": partition}
            for (stage, partition), units in touched.items()
            for u in set(units)
        ]
        if intents:
            with self._db.begin() as connection:
                self._db.write(connection, schema.intents, intents)

    def origins(self) -> set[str]:
        """Partitions with intents: a batch of theirs is being written, or a run of theirs was killed over it."""
        with self._db.read() as connection:
            return set(connection.scalars(sa.select(schema.intents.c.origin).distinct()))

    def enter(self, origin: str) -> None:
        """Put into the queues what a run before this one intended, and was killed over."""
        if origin in self.origins():
            with self._db.begin() as connection:
                enter_intents(connection, origin)


def rows(stage: str, partitions: Mapping[str, Iterable[str]]) -> list[dict[str, str]]:
    """Rows of a stage's queue from {partition: units}, each unit once."""
    return [{"stage": stage, "unit": u, "partition": p} for p, units in partitions.items() for u in set(units)]


def strike_out(connection: sa.Connection, stage: str, units: Collection[str], *only: sa.ColumnElement[bool]) -> None:
    """Take units out of a stage's queue, in the caller's transaction."""
    table = schema.queue
    for part in slices(sorted(units)):
        connection.execute(sa.delete(table).where(table.c.stage == stage, table.c.unit.in_(part), *only))


def enter_intents(connection: sa.Connection, origin: str) -> None:
    """Put what a partition intended into the queues, in the caller's transaction."""
    table = schema.intents
    units = sa.select(table.c.stage, table.c.unit, table.c.partition, sa.literal(1)).where(table.c.origin == origin)
    ordered = units.order_by(table.c.stage, table.c.unit)  # always the same order: two commits wait, none deadlocks
    entering = Database.upsert(schema.queue, connection)
    connection.execute(entering.from_select(["stage", "unit", "partition", "touches"], ordered))
    connection.execute(sa.delete(table).where(table.c.origin == origin))


def _strike_out_as_taken(connection: sa.Connection, stage: str, taken: Mapping[str, int]) -> None:
    for touches in sorted(set(taken.values())):
        units = [unit for unit, times in taken.items() if times == touches]
        strike_out(connection, stage, units, schema.queue.c.touches == touches)
