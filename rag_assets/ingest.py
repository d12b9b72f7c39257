"""The frame of the ingest assets below `documents`: one loop over the partitions of a run."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import dagster as dg

from rag_assets.index_resource import IndexResource, run_holder
from rag_assets.partitions import ingest_partitions
from rag_assets.poison import MOST_TRIES, PREFIX, isolate
from rag_assets.stage import Report, StageRun, batches, definition_metadata, wants_full
from resources.catalog.stages import Commit
from resources.index import Index
from resources.schemas import TableSpec
from resources.settings import Settings
from resources.tables import Table


class Work(Protocol):
    """A stage that brings one partition up to date, batch by batch."""

    stage: StageRun

    def batch(self, documents: Sequence[str]) -> None:
        """Bring these documents up to date and commit."""

    def rows(self) -> int:
        """Rows of the partition, now."""


def run_stage(work: Work) -> None:
    stage, catalog = work.stage, work.stage.index.catalog

    def batch(documents: Sequence[str]) -> None:
        work.batch(documents)
        letters = catalog.letters.find(stage.stage, documents)
        catalog.letters.clear(stage.stage, [x.unit for x in letters if x.error.startswith(PREFIX)])

    def set_aside(document: str, error: str) -> None:
        letter = {document: (document, error, True)}
        catalog.letters.put(stage.stage, stage.partition, letter, most_tries=MOST_TRIES)
        catalog.stages.commit(Commit(stage.stage, stage.partition, done=[document]))
        stage.counters.rows_failed += 1

    for documents in batches(stage.documents(), stage.index.settings.changes.batch_size):
        isolate(documents, batch, set_aside)
    counters = work.stage.counters
    counters.rows_same = max(0, work.rows() - counters.rows_new - counters.rows_changed)
    work.stage.finish()


def ingest_asset(
    settings: Settings,
    name: str,
    above: str,
    specs: Sequence[TableSpec],
    description: str,
    code_version: str,
    work: Callable[[Index, str, bool], Work],
    tables: Callable[[Index], Sequence[Table]],
    kinds: set[str],
    previews: Callable[[Index], dict[str, Any]] = lambda _index: {},
) -> dg.AssetsDefinition:
    """An asset of the group `ingest`: partitioned by source, one run for any range of partitions."""

    @dg.asset(
        name=name,
        partitions_def=ingest_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[above],
        group_name="ingest",
        owners=["team:data"],
        kinds={"lancedb", *kinds},
        code_version=code_version,
        description=description,
        metadata=definition_metadata(*specs, uri=settings.index_uri),
    )
    def asset(context: dg.AssetExecutionContext, index: IndexResource) -> dg.MaterializeResult[None]:
        parts, keys = index.opened, list(context.partition_keys)
        report = Report(context, parts, name)
        with parts.catalog.leases.hold(keys, run_holder(context.run_id), wait_seconds=600):
            for key in keys:
                doing = work(parts, key, wants_full(context))
                run_stage(doing)
                report.add(key, doing.stage.counters, doing.rows(), doing.stage.touched)
            return report.result(tables(parts), **previews(parts))

    return asset
