"""What a check has to read: what its run touched, or everything, and in what portions.

Belongs here: which ids. Does not: what is read of them, what is expected.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from rag_assets.stage import FULL_TAG
from resources.index import Index
from resources.tables import Table, is_in

DOCUMENTS = 1_000
BYTES = 16_000_000
"""Most documents, and most bytes of documents, that are read together."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`touched`: {stage: unit ids}, or None where everything of the partitions is to be read.

    `partitions`: those of the run, or None for all.
    """

    partitions: tuple[str, ...] | None = None
    touched: Mapping[str, Sequence[str]] | None = None

    @property
    def nothing(self) -> bool:
        return self.touched is not None and not any(self.touched.values())

    @property
    def says(self) -> str:
        if self.nothing:
            return "nothing touched"
        return "everything" if self.touched is None else "what the run touched"

    def units(self, *stages: str) -> list[str] | None:
        """The touched units of these stages, sorted; None for everything."""
        if self.touched is None:
            return None
        return sorted({unit for stage in stages for unit in self.touched.get(stage, ())})


def scope_of(context: dg.AssetCheckExecutionContext, index: Index, asset: str, stages: Sequence[str]) -> Scope:
    """What the run touched; everything in a full reconcile, and where the books of the catalog cannot say.

    They cannot where the run did not make the asset (a check started alone, a retry of the check), nor where it wrote
    rows but another run has recorded its own touched units since.
    """
    step = context.op_execution_context
    partitions = tuple(context.partition_keys) if step.has_partition_key or step.has_partition_key_range else None
    run = context.run
    touched = {stage: index.catalog.stages.touched(run.run_id, stage) or () for stage in stages}
    made = _made(context, asset)
    wrote = any(counters.get(f"total/{name}") for counters in made for name in _WRITTEN)
    if run.tags.get(FULL_TAG) == "true" or not made or (wrote and not any(touched.values())):
        return Scope(partitions)
    return Scope(partitions, touched)


_WRITTEN = ("rows_new", "rows_changed", "rows_removed")


def _made(context: dg.AssetCheckExecutionContext, asset: str) -> list[dict[str, Any]]:
    """The metadata of the asset's materializations in this run."""
    key, of_type = dg.AssetKey(asset), dg.DagsterEventType.ASSET_MATERIALIZATION
    records = context.instance.get_records_for_run(context.run.run_id, of_type=of_type).records
    made = (record.asset_materialization for record in records if record.asset_key == key)
    return [{name: value.value for name, value in m.metadata.items()} for m in made if m is not None]


def ingest_partitions(index: Index, scope: Scope) -> list[str]:
    """The partitions of the run, or all that the settings have or the index has rows of."""
    if scope.partitions is not None:
        return list(scope.partitions)
    known = {partition for stage, partition in index.catalog.stages.stages() if stage == "documents"}
    return sorted(known.union(*(index.settings.partitions(source) for source in index.settings.sources)))


def document_batches(index: Index, scope: Scope, stage: str, table: Table) -> Iterator[list[str]]:
    """Ids of the documents to look at, so few at once that their texts are held together.

    In a full look these are the documents, and those that `table` still has rows of.
    """
    documents, columns = index.tables.documents, ("id", "size")
    units = scope.units(stage)
    if units is not None:
        yield from _portions(units, _sizes(documents.by("id", units, columns).to_pylist()))
        return
    for partition in ingest_partitions(index, scope):
        where = is_in("partition", [partition])
        sizes = _sizes(documents.read(where, columns).to_pylist())
        others = set(table.read(where, ("document_id",))["document_id"].unique().to_pylist())
        yield from _portions(sorted(sizes.keys() | others), sizes)


def _sizes(rows: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return {str(row["id"]): row["size"] for row in rows}


def _portions(documents: Iterable[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    held = 0
    for document in documents:
        batch.append(document)
        held += sizes.get(document, 0)
        if len(batch) >= DOCUMENTS or held >= BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def behind(index: Index, *stages: str) -> set[str]:
    """Units that these stages have to look at, or soon will: what was read of them before may have changed since."""
    return index.catalog.queues.awaited(*stages)
