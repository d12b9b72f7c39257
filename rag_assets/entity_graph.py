"""The asset `entity_graph`: entities and relationships, reduced from what the chunks say, and their graph store."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from knowledge import resolution
from knowledge.counters import Counters
from knowledge.fingerprint import shard_of
from rag_assets import graph_letters, lookups, reduction
from rag_assets.graph_rows import tables_of
from rag_assets.graph_use import GraphUse
from rag_assets.index_resource import IndexResource, run_holder
from rag_assets.partitions import graph_partitions
from rag_assets.previews import bar_plot
from rag_assets.projection import Projection
from rag_assets.stage import Report, StageRun, definition_metadata, markdown_table, wants_full
from rag_assets.work import GRAPH as LEASE
from rag_assets.work import GRAPH_STORE, graph_moved
from resources import schemas
from resources.graph import NodeKind
from resources.graph.parity import align
from resources.index import Index
from resources.settings import Settings, graph_partition

STAGE = "entity_graph"


def entity_graph_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name=STAGE,
        partitions_def=graph_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["extractions"],
        group_name="graph",
        owners=["team:data"],
        kinds={"lancedb", settings.graph.store},
        code_version=resolution.VERSION,
        metadata=definition_metadata(schemas.ENTITIES, schemas.RELATIONSHIPS, uri=settings.index_uri),
    )
    def entity_graph(context: dg.AssetExecutionContext, index: IndexResource) -> dg.MaterializeResult[None]:
        """Entities and relationships with their support, projected to the graph store.

        Names of titles are looked up in all texts first, and an edge needs both its ends: so a run of any partition
        brings every shard up to date, and an untouched shard costs one comparison.
        """
        parts, full = index.opened, wants_full(context)
        report = Report(context, parts, STAGE)
        with parts.catalog.leases.hold([LEASE], run_holder(context.run_id), wait_seconds=600):
            use = GraphUse(parts)
            work = EntityGraphRun(parts, full=full)
            work.run()
            for key, counters in work.shards.items():
                if key in context.partition_keys:
                    report.add(key, counters, work.rows[key], [])
            tables = parts.tables
            report.touched(work.touched)
            strongest = _strongest(parts)
            return report.result(
                [tables.mentions, tables.entities, tables.relationships],
                **use.metadata(),
                strongest=markdown_table(strongest),
                mentions=bar_plot([(row["name"], row["mention_count"]) for row in strongest]),
            )

    return entity_graph


class EntityGraphRun:
    """Lookup, reduce, projection: each idempotent, each from the queue, which empties when all three are done."""

    def __init__(self, index: Index, *, full: bool) -> None:
        self.index = index
        self.stage = StageRun(index, STAGE, LEASE, full=full)
        self.shards = {key: Counters() for key in index.settings.graph_partitions()}
        self.rows: dict[str, int] = {}
        self.touched: list[str] = []

    def run(self) -> None:
        index, full = self.index, self.stage.full
        projection = Projection(index, self.stage.generation)
        if self.stage.first:
            projection.clear()
        self._move()
        due = graph_letters.put_back(index)
        lookups.bring_up_to_date(index, self.shards["g00"], full=full)
        counted = dict(enumerate(self.shards.values()))
        # at one moment: of what ingest commits meanwhile, no edge is struck out before its entities are there
        taken = index.catalog.queues.take_together("entities", "relationships", "projection")
        documents = {document: n for found in taken["projection"].values() for document, n in found.items()}
        entities, relationships = (
            reduction.bring_up_to_date(index, one, taken[one.stage], counted, documents=documents, full=full)
            for one in (reduction.ENTITIES, reduction.RELATIONSHIPS)
        )
        for number, (key, counters) in enumerate(self.shards.items()):
            where = f"shard = {number}"
            self.rows[key] = index.tables.entities.count(where) + index.tables.relationships.count(where)
            counters.rows_same = self.rows[key] - counters.rows_new - counters.rows_changed
        if full:
            documents = dict.fromkeys(index.tables.documents.read(None, ("id",))["id"].to_pylist(), 0) | documents
        for entity in self._with_new_rights(projection, list(documents)):
            entities[entity] = entities.get(entity, 0) + 1
        gone = projection.entities(entities)
        projection.documents(documents)
        projection.relationships(relationships)
        projection.remove(NodeKind.ENTITY, gone)
        self.shards["g00"].rows_failed += projection.finish()
        graph_letters.settle(index, due)
        self._pass_on(entities, relationships, documents)
        self.stage.finish()
        index.catalog.generations.caught_up(self.stage.generation)

    def _move(self) -> None:
        """Fill another graph store than the one of the last run, which the settings name now."""
        index = self.index
        if graph_moved(index):
            align(index.graph, tables_of(index))
        if index.catalog.get(GRAPH_STORE) != index.graph_place:
            index.catalog.put(GRAPH_STORE, index.graph_place)

    def _with_new_rights(self, projection: Projection, documents: list[str]) -> list[str]:
        """Entities of documents that other people may see now; in the queue before their node is written."""
        index, found = self.index, projection.entities_with_new_rights(documents)
        shards: dict[str, list[str]] = {}
        for entity in found:
            shards.setdefault(graph_partition(shard_of(entity, index.settings.graph.shards)), []).append(entity)
        index.catalog.queues.touch("entities", shards)
        return found

    def _pass_on(
        self, entities: Mapping[str, int], relationships: Mapping[str, int], documents: Mapping[str, int]
    ) -> None:
        queues = self.index.catalog.queues
        queues.touch("communities", {LEASE: entities})
        queues.done("entities", entities)
        queues.done("relationships", relationships)
        queues.done("projection", documents)
        self.touched = list(entities)


def _strongest(index: Index) -> list[dict[str, Any]]:
    columns = ("name", "type", "mention_count", "document_count")
    return list(index.tables.entities.top(("-mention_count", "name"), columns, 20).to_pylist())
