"""What all stages share: which units to look at, in what batches, and how their counters reach Dagster.

Belongs here: the frame around a stage. Does not: what a stage makes (knowledge) or where it is kept (resources).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import dagster as dg

from knowledge.counters import Counters
from rag_assets import work
from resources.catalog.stages import Stage
from resources.index import Index
from resources.schemas import TableSpec
from resources.tables import Table

BATCH = 1_000
"""Documents worked on and committed at once."""
FULL_TAG = "rag/full"
"""A run with this tag set to `true` compares everything, without the queues' hints."""


def batches(units: Iterable[str], size: int = BATCH) -> Iterator[list[str]]:
    at = iter(units)
    while batch := list(islice(at, size)):
        yield batch


class StageRun:
    """One stage at work in one partition.

    A stage looks at the units in its queue. It looks at all units where the run says so, where its signature (code,
    parameters, model) is not the one of its marks, or where such a look was cut off: `full`.
    """

    def __init__(self, index: Index, stage: str, partition: str, *, full: bool = False) -> None:
        self.index, self.stage, self.partition = index, stage, partition
        self.signature = work.signature(index, stage, partition)
        self.counters = Counters()
        self.touched: list[str] = []
        stages = index.catalog.stages
        index.catalog.queues.enter(partition)
        self._state = stages.stage(stage, partition)
        self.generation = index.catalog.generations.current()
        self.changed = self._state.signature != self.signature
        self.first = self._state.generation == 0 and not self._state.complete
        self.full = full or self._state.signature != self.signature or not self._state.complete
        if self.full:
            stages.set_stage(stage, partition, replace(self._state, signature=self.signature, complete=False))

    def marks(self, units: Sequence[str], table: Table) -> dict[str, str]:
        """{unit: mark} of the last run; in a full look at a table that was lost, none."""
        if self.full and not table.count():
            return {}
        return self.index.catalog.stages.marks(self.stage, units=units)

    def finish(self, *, complete: bool = True) -> None:
        """Everything that was to do is done; the next run trusts the queue again."""
        generation = self.generation if complete else self._state.generation
        self.index.catalog.stages.set_stage(
            self.stage, self.partition, Stage(self.signature, generation, complete or not self.full)
        )

    def documents(self) -> list[str]:
        """The documents to look at: the queue's, those whose failed parts are due, or all, deleted ones included."""
        catalog = self.index.catalog
        queued = set(catalog.queues.take(self.stage, self.partition))
        if self.full:
            known = catalog.stages.marks("documents", self.partition)
            return sorted(queued | known.keys() | catalog.stages.roots(self.stage, self.partition))
        due = {x.document_id for x in catalog.letters.due(self.stage) if x.partition == self.partition}
        return sorted(queued | due)


def wants_full(context: dg.AssetExecutionContext) -> bool:
    return context.run.tags.get(FULL_TAG) == "true"


class Report:
    """Collects the counters of an asset's partitions and gives them to Dagster."""

    def __init__(self, context: dg.AssetExecutionContext, index: Index, asset: str) -> None:
        self._context, self._index, self._asset = context, index, asset
        self.total = Counters()
        self._touched: list[str] = []
        self._rows: dict[str, int] = {}
        self._read_before = index.tables.rows_read

    def add(self, partition: str, counters: Counters, rows: int, touched: Sequence[str], **more: Any) -> None:
        """Per-partition metadata: it stands at the partition also inside a range run."""
        self.total.add(counters)
        self._touched.extend(touched)
        self._rows[partition] = rows
        metadata: dict[str, Any] = {**counters.as_dict(), "dagster/partition_row_count": rows, **more}
        ranged = self._context.has_partition_key or self._context.has_partition_key_range
        if ranged and partition in self._context.partition_keys:
            self._context.add_asset_metadata(metadata, partition_key=partition)

    def touched(self, units: Sequence[str]) -> None:
        """What the checks of this run have to look at."""
        self._touched.extend(units)

    def result(self, tables: Sequence[Table] = (), **more: Any) -> dg.MaterializeResult[None]:
        for table in tables:
            table.maintain()
        catalog = self._index.catalog
        catalog.stages.record_touched(self._context.run_id, self._asset, self._touched)
        catalog.stages.put_rows(self._asset, self._rows)
        totals = {f"total/{name}": value for name, value in self.total.as_dict().items()}
        read = self._index.tables.rows_read - self._read_before
        return dg.MaterializeResult(metadata={**totals, "rows_read": read, **more})


def column_schema(spec: TableSpec) -> dg.TableSchema:
    """The table's columns and their meanings, for the asset's page."""
    return dg.TableSchema(columns=[dg.TableColumn(c.name, c.type, description=c.meaning) for c in spec.columns])


def definition_metadata(*specs: TableSpec, uri: str = "") -> dict[str, Any]:
    """What stands at an asset before any run: its table's name and columns."""
    metadata: dict[str, Any] = {"dagster/column_schema": column_schema(specs[0]), "dagster/table_name": specs[0].name}
    for spec in specs[1:]:
        metadata[f"{spec.name}_schema"] = dg.MetadataValue.table_schema(column_schema(spec))
    return metadata | ({"dagster/uri": uri} if uri else {})


def markdown_table(rows: Sequence[dict[str, Any]]) -> dg.MarkdownMetadataValue:
    """A small preview; never holds text of documents."""
    if not rows:
        return dg.MetadataValue.md("*nothing yet*")
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(str(row[h]).replace("|", "\\|") for h in heads) + " |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))
