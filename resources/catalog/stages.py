"""What each stage has done: marks, signatures, rows, and the one transaction that ends a batch."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from resources.catalog import generations, queues, schema
from resources.catalog.database import Database, slices

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Stage:
    """How a stage stands in one partition; `signature`: the code, parameters and model its marks were made with."""

    signature: str = ""
    generation: int = 0
    complete: bool = False


@dataclass(slots=True)
class Commit:
    """What one batch of a stage leaves in the catalog, all of it or nothing."""

    stage: str
    partition: str
    marks: Mapping[str, str] = field(default_factory=dict)
    """{unit: fingerprint} that are now true."""
    parents: Mapping[str, str] = field(default_factory=dict)
    dropped: Collection[str] = ()
    """Units that are no more."""
    done: Collection[str] = ()
    """Units to take out of this stage's queue; the partition's lease keeps others from touching them meanwhile."""
    touched: Mapping[str, Collection[str]] = field(default_factory=dict)
    """{stage below: units} to put into its queue."""
    changes: Mapping[str, int] = field(default_factory=dict)
    """{document id: last sequence number} of the change log that is applied."""
    advance: bool = False
    """True where a stage below may have to look: the ingest generation grows."""


class Stages:
    """The books of the stages."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def marks(self, stage: str, partition: str | None = None, units: Collection[str] | None = None) -> dict[str, str]:
        """{unit: fingerprint} of a partition, or of the given units only."""
        table = schema.marks
        query = sa.select(table.c.unit, table.c.fingerprint).where(table.c.stage == stage)
        with self._db.read() as connection:
            if units is None:
                query = query if partition is None else query.where(table.c.partition == partition)
                return {row.unit: row.fingerprint for row in connection.execute(query)}
            return {
                row.unit: row.fingerprint
                for part in slices(sorted(units))
                for row in connection.execute(query.where(table.c.unit.in_(part)))
            }

    def marks_of(self, stage: str, parents: Collection[str]) -> dict[str, dict[str, str]]:
        """{parent: {unit: fingerprint}} of the children of the given units."""
        table, found = schema.marks, {parent: dict[str, str]() for parent in parents}
        with self._db.read() as connection:
            for part in slices(sorted(parents)):
                query = sa.select(table.c.parent, table.c.unit, table.c.fingerprint)
                for row in connection.execute(query.where(table.c.parent.in_(part), table.c.stage == stage)):
                    found[row.parent][row.unit] = row.fingerprint
        return found

    def roots(self, stage: str, partition: str) -> set[str]:
        """The documents that a stage has marks of: the units, or their parents."""
        table = schema.marks
        unit = sa.func.coalesce(table.c.parent, table.c.unit)
        with self._db.read() as connection:
            query = sa.select(unit.distinct()).where(table.c.stage == stage, table.c.partition == partition)
            return set(connection.scalars(query))

    def count(self, stage: str, partition: str | None = None) -> int:
        table = schema.marks
        query = sa.select(sa.func.count()).select_from(table).where(table.c.stage == stage)
        with self._db.read() as connection:
            return connection.scalar(query if partition is None else query.where(table.c.partition == partition)) or 0

    def ran(self) -> bool:
        """Whether any stage has ever finished a unit that is still there."""
        with self._db.read() as connection:
            return connection.scalar(sa.select(schema.marks.c.stage).limit(1)) is not None

    def commit(self, commit: Commit) -> None:
        """One batch of a stage: marks, queues with what was intended, change log and generation in one transaction."""
        with self._db.begin() as connection:
            self._db.write(
                connection,
                schema.marks,
                [
                    {
                        "stage": commit.stage,
                        "unit": unit,
                        "partition": commit.partition,
                        "parent": commit.parents.get(unit),
                        "fingerprint": mark,
                    }
                    for unit, mark in commit.marks.items()
                ],
            )
            for part in slices(sorted(commit.dropped)):
                table = schema.marks
                connection.execute(sa.delete(table).where(table.c.stage == commit.stage, table.c.unit.in_(part)))
            queues.strike_out(connection, commit.stage, commit.done)
            queues.enter_intents(connection, commit.partition)
            for stage, units in commit.touched.items():
                self._db.write(connection, schema.queue, queues.rows(stage, {commit.partition: units}))
            _apply_changes(connection, commit.partition, commit.changes)
            if commit.advance:
                generations.advance(connection)

    def stage(self, stage: str, partition: str) -> Stage:
        table = schema.stages
        with self._db.read() as connection:
            row = connection.execute(
                sa.select(table).where(table.c.stage == stage, table.c.partition == partition)
            ).first()
        return Stage(row.signature, row.generation, row.complete) if row else Stage()

    def stages(self) -> dict[tuple[str, str], Stage]:
        with self._db.read() as connection:
            return {
                (row.stage, row.partition): Stage(row.signature, row.generation, row.complete)
                for row in connection.execute(sa.select(schema.stages))
            }

    def set_stage(self, stage: str, partition: str, state: Stage) -> None:
        """Written at a stage's start (not complete) and end, and only where it differs."""
        row = {
            "stage": stage,
            "partition": partition,
            "signature": state.signature,
            "generation": state.generation,
            "complete": state.complete,
        }
        if self.stage(stage, partition) != state:
            with self._db.begin() as connection:
                self._db.write(connection, schema.stages, [row])

    def put_rows(self, asset: str, rows: Mapping[str, int]) -> None:
        """{partition: rows} of an asset's table, as its last run left it."""
        with self._db.begin() as connection:
            counted = [{"asset": asset, "partition": p, "rows": n} for p, n in rows.items()]
            self._db.write(connection, schema.row_counts, counted)

    def rows(self, asset: str) -> int:
        """Rows of an asset's table over all partitions, without opening it."""
        table = schema.row_counts
        with self._db.read() as connection:
            return int(connection.scalar(sa.select(sa.func.sum(table.c.rows)).where(table.c.asset == asset)) or 0)

    def record_touched(self, run_id: str, stage: str, units: Collection[str]) -> None:
        """What a run touched, for the checks that follow it; records older than a day are forgotten."""
        table, at = schema.touched, time.time()
        with self._db.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.stage == stage, table.c.at < at - DAY))
            row = {"stage": stage, "run_id": run_id, "at": at, "units": sorted(set(units))}
            self._db.write(connection, table, [row])

    def touched(self, run_id: str, stage: str) -> list[str]:
        """Sorted units that a run touched in a stage."""
        table = schema.touched
        query = sa.select(table.c.units).where(table.c.stage == stage, table.c.run_id == run_id)
        with self._db.read() as connection:
            return list(connection.scalar(query) or ())


def _apply_changes(connection: sa.Connection, partition: str, changes: Mapping[str, int]) -> None:
    # Applied rows go at once: what happened to a document is in Dagster's events, not here.
    table = schema.changes
    if changes:
        connection.execute(
            sa.delete(table).where(
                table.c.partition == partition,
                table.c.document_id == sa.bindparam("document"),
                table.c.seq <= sa.bindparam("last"),
                table.c.state == "pending",
            ),
            [{"document": d, "last": seq} for d, seq in sorted(changes.items())],
        )
