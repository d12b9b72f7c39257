"""What each stage has done and has to do: marks, the queue of touched units, signatures and generations."""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from resources.catalog import schema
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

    def queued(self, stage: str, partition: str | None = None) -> list[str]:
        """The units that a stage has to look at, sorted."""
        return list(self.take(stage, partition))

    def take(self, stage: str, partition: str | None = None) -> dict[str, int]:
        """{unit: how often it was touched} of the units that a stage has to look at, sorted.

        Taken before the rows that they ask for are read, and given back to `done` after those are written.
        """
        table = schema.queue
        query = sa.select(table.c.unit, table.c.touches).where(table.c.stage == stage).order_by(table.c.unit)
        with self._db.read() as connection:
            rows = connection.execute(query if partition is None else query.where(table.c.partition == partition))
            return {row.unit: row.touches for row in rows}

    def take_together(self, *stages: str) -> dict[str, dict[str, dict[str, int]]]:
        """{stage: {partition: as `take`}}, at one moment: what one commit touched is in all of them or in none."""
        table, taken = schema.queue, {stage: dict[str, dict[str, int]]() for stage in stages}
        query = sa.select(table.c.stage, table.c.partition, table.c.unit, table.c.touches)
        with self._db.read() as connection:
            ordered = query.where(table.c.stage.in_(stages)).order_by(table.c.unit)
            for stage, partition, unit, touches in connection.execute(ordered):
                taken[stage].setdefault(partition, {})[unit] = touches
        return taken

    def awaited(self, *stages: str) -> set[str]:
        """Units in the queues of these stages, and those that a batch at work will put there."""
        found: set[str] = set()
        with self._db.read() as connection:
            for table in (schema.intents, schema.queue):
                found.update(connection.scalars(sa.select(table.c.unit).where(table.c.stage.in_(stages))))
        return found

    def moved_since(self, generation: int) -> bool:
        """Whether ingest has committed rows since this generation, or is about to."""
        with self._db.read() as connection:
            at_work = connection.scalar(sa.select(schema.intents.c.unit).limit(1)) is not None
        return at_work or self.generation() != generation

    def queues(self) -> dict[tuple[str, str], int]:
        """{(stage, partition): units} of everything that waits."""
        table = schema.queue
        query = sa.select(table.c.stage, table.c.partition, sa.func.count()).group_by(table.c.stage, table.c.partition)
        with self._db.read() as connection:
            return {(stage, partition): count for stage, partition, count in connection.execute(query)}

    def touch(self, stage: str, partitions: Mapping[str, Iterable[str]]) -> None:
        """Put units into a stage's queue, {partition: units}."""
        rows = [{"stage": stage, "unit": u, "partition": p} for p, units in partitions.items() for u in set(units)]
        if rows:
            with self._db.begin() as connection:
                self._db.write(connection, schema.queue, rows)

    def intend(self, origin: str, touched: Mapping[tuple[str, str], Iterable[str]]) -> None:
        """Note {(stage below, its partition): units} before rows are written from which nothing else would tell them.

        They enter the queues with the next commit of the partition `origin`. So a kill between rows and marks leaves
        nothing below undone: the next run commits them. And no run beside this one takes a unit out of a queue while
        the rows that it is to look at are still being written.
        """
        rows = [
            {"origin": origin, "stage": stage, "unit": u, "partition": partition}
            for (stage, partition), units in touched.items()
            for u in set(units)
        ]
        if rows:
            with self._db.begin() as connection:
                self._db.write(connection, schema.intents, rows)

    def origins(self) -> set[str]:
        """Partitions with intents: a batch of theirs is being written, or a run of theirs was killed over it."""
        with self._db.read() as connection:
            return set(connection.scalars(sa.select(schema.intents.c.origin).distinct()))

    def enter_intents(self, origin: str) -> None:
        """Put into the queues what a run before this one intended, and was killed over."""
        if origin in self.origins():
            with self._db.begin() as connection:
                _enter_intents(connection, origin)

    def done(self, stage: str, taken: Mapping[str, int]) -> None:
        """Strike units out of a stage's queue, as they were taken: one that was touched since then stays in it."""
        if taken:
            with self._db.begin() as connection:
                _strike_out(connection, stage, taken)

    def hand_over(
        self,
        connection: sa.Connection,
        stage: str,
        taken: Mapping[str, int],
        below: str,
        touched: Mapping[str, Collection[str]],
    ) -> None:
        """Strike units out of one queue and put others into another's, inside the caller's transaction."""
        rows = [{"stage": below, "unit": u, "partition": p} for p, found in touched.items() for u in found]
        self._db.write(connection, schema.queue, rows)
        _strike_out(connection, stage, taken)

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
            table = schema.queue
            for part in slices(sorted(commit.done)):
                connection.execute(sa.delete(table).where(table.c.stage == commit.stage, table.c.unit.in_(part)))
            _enter_intents(connection, commit.partition)
            for stage, units in commit.touched.items():
                rows = [{"stage": stage, "unit": u, "partition": commit.partition} for u in units]
                self._db.write(connection, schema.queue, rows)
            _apply_changes(connection, commit.partition, commit.changes)
            if commit.advance:
                _advance(connection)

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

    def behind(self) -> tuple[float, float] | None:
        """(seconds since ingest last changed a row, seconds since the graph fell behind); None where it is not."""
        with self._db.read() as connection:
            query = sa.select(schema.meta).where(schema.meta.c.key.in_(("advanced_at", "behind_since")))
            found = {row.key: float(row.value) for row in connection.execute(query)}
        if "behind_since" not in found:
            return None
        return time.time() - found["advanced_at"], time.time() - found["behind_since"]

    def caught_up(self, generation: int) -> None:
        """The graph holds what ingest had at this generation."""
        table = schema.meta
        with self._db.begin() as connection:
            if connection.scalar(sa.select(table.c.value).where(table.c.key == "generation")) == str(generation):
                connection.execute(sa.delete(table).where(table.c.key == "behind_since"))

    def generation(self) -> int:
        """The ingest generation: grows with every batch that changed a document's rows."""
        with self._db.read() as connection:
            value = connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.key == "generation"))
        return int(value or 0)

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


def _strike_out(connection: sa.Connection, stage: str, taken: Mapping[str, int]) -> None:
    table = schema.queue
    for touches in sorted(set(taken.values())):
        seen = table.c.touches == touches
        for part in slices(sorted(unit for unit, times in taken.items() if times == touches)):
            connection.execute(sa.delete(table).where(table.c.stage == stage, table.c.unit.in_(part), seen))


def _enter_intents(connection: sa.Connection, origin: str) -> None:
    table = schema.intents
    units = sa.select(table.c.stage, table.c.unit, table.c.partition, sa.literal(1)).where(table.c.origin == origin)
    ordered = units.order_by(table.c.stage, table.c.unit)  # always the same order: two commits wait, none deadlocks
    entering = Database.upsert(schema.queue, connection)
    connection.execute(entering.from_select(["stage", "unit", "partition", "touches"], ordered))
    connection.execute(sa.delete(table).where(table.c.origin == origin))


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


def _advance(connection: sa.Connection) -> None:
    table, at = schema.meta, repr(time.time())
    connection.execute(Database.upsert(table, connection), [{"key": "advanced_at", "value": at}])
    if connection.scalar(sa.select(table.c.value).where(table.c.key == "behind_since")) is None:
        connection.execute(sa.insert(table), {"key": "behind_since", "value": at})
    grown = sa.update(table).where(table.c.key == "generation")
    value = connection.scalar(sa.select(table.c.value).where(table.c.key == "generation").with_for_update())
    if value is None:
        connection.execute(sa.insert(table), {"key": "generation", "value": "1"})
    else:
        connection.execute(grown, {"value": str(int(value) + 1)})
