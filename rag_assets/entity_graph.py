"""The asset `entity_graph`: entities and relationships, reduced from what the chunks say, and their graph store."""

import dagster as dg

from knowledge import resolution
from knowledge.counters import Counters
from rag_assets import lookups, projection
from rag_assets.index_resource import IndexResource, run_holder
from rag_assets.partitions import graph_partitions
from rag_assets.reduction import ENTITIES, RELATIONSHIPS, reduce_shard
from rag_assets.stage import Report, StageRun, definition_metadata, markdown_table, wants_full
from rag_assets.work import GRAPH as LEASE
from resources import schemas
from resources.graph import NodeKind
from resources.index import Index
from resources.settings import Settings

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
            work = EntityGraphRun(parts, full=full)
            work.run()
            for key, counters in work.shards.items():
                if key in context.partition_keys:
                    report.add(key, counters, work.rows[key], [])
            tables = parts.tables
            report.touched(work.touched)
            return report.result(
                [tables.mentions, tables.entities, tables.relationships],
                graph_requests=parts.graph.traffic.requests,
                graph_rows_written=parts.graph.traffic.rows_written,
                strongest=markdown_table(_strongest(parts)),
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
        lookups.bring_up_to_date(index, self.shards["g00"], full=full)
        entities: list[str] = []
        relationships: list[str] = []
        for number, (key, counters) in enumerate(self.shards.items()):
            entities += reduce_shard(index, ENTITIES, number, full=full, counters=counters)
            relationships += reduce_shard(index, RELATIONSHIPS, number, full=full, counters=counters)
            where = f"shard = {number}"
            self.rows[key] = index.tables.entities.count(where) + index.tables.relationships.count(where)
            counters.rows_same = self.rows[key] - counters.rows_new - counters.rows_changed
        documents = index.catalog.stages.queued("projection")
        if full:
            documents = sorted({*documents, *index.tables.documents.read(None, ("id",))["id"].to_pylist()})
        gone = projection.project_entities(index, entities)
        projection.project_documents(index, documents)
        projection.project_relationships(index, relationships)
        index.graph.delete_nodes(NodeKind.ENTITY, gone)
        self._pass_on(entities, relationships, documents)
        self.stage.finish()
        index.catalog.stages.caught_up(self.stage.generation)

    def _pass_on(self, entities: list[str], relationships: list[str], documents: list[str]) -> None:
        stages = self.index.catalog.stages
        stages.touch("communities", {LEASE: entities})
        stages.done("entities", entities)
        stages.done("relationships", relationships)
        stages.done("projection", documents)
        self.touched = entities


def _strongest(index: Index) -> list[dict[str, object]]:
    columns = ("name", "type", "mention_count", "document_count")
    rows = index.tables.entities.read("mention_count > 1", columns).to_pylist()
    return sorted(rows, key=lambda row: (-row["mention_count"], row["name"]))[:20]
