"""Is there anything to do? Answered from the catalog alone: no table is opened, no model is loaded."""

from knowledge import chunking, extraction, reports, resolution
from knowledge import communities as clustering
from knowledge.fingerprint import fingerprint
from resources.index import Index
from resources.parser import identity as parser_identity

INGEST_STAGES = ("documents", "chunks", "embeddings", "extractions")
GRAPH_STAGES = ("entity_graph", "communities", "community_reports")
GRAPH_QUEUES = (
    "lookup", "lookup_chunks", "entities", "relationships", "projection",
    "communities", "communities_projection", "community_reports",
)  # fmt: skip
DOCUMENTS_VERSION = EMBEDDINGS_VERSION = "1"
GRAPH = "graph"
"""The partition of the stages that work on the whole graph, and the lease that they hold."""
GRAPH_LETTERS = "graph_store"
"""The stage of the dead letters of the graph store."""
GRAPH_STORE = "graph.store"
"""Where the catalog keeps which graph store holds the index."""


def source_of(partition: str) -> str:
    return partition.partition("/")[0]


def signature(index: Index, stage: str, partition: str) -> str:
    """Code, parameters and model of a stage: marks made with another signature are all looked at again."""
    match stage:
        case "documents":
            classification = index.settings.sources[source_of(partition)].classification
            return fingerprint(DOCUMENTS_VERSION, parser_identity(), classification)
        case "chunks":
            return fingerprint(chunking.VERSION, repr(index.chunk_limits), index.embedder.tokenizer.identity)
        case "embeddings":
            return fingerprint(EMBEDDINGS_VERSION, index.embedder.identity)
        case "extractions":
            return fingerprint(extraction.VERSION, index.extractor.identity)
        case "entity_graph":
            return fingerprint(resolution.VERSION)
        case "communities":
            return fingerprint(clustering.VERSION)
        case "community_reports":
            return fingerprint(reports.VERSION, index.embedder.identity)
    raise ValueError(f"{stage} is no stage")


def partitions_with_work(index: Index, source: str, *, full: bool = False) -> tuple[str, str] | None:
    """First and last partition of a source that some ingest stage has to look at; None where there is nothing."""
    catalog, keys = index.catalog, index.settings.partitions(source)
    if full:
        return keys[0], keys[-1]
    waiting = set(catalog.items.waiting())
    waiting |= {partition for stage, partition in catalog.queues.lengths() if stage in INGEST_STAGES}
    waiting |= {x.partition for stage in INGEST_STAGES for x in catalog.letters.due(stage)}
    waiting |= catalog.queues.origins()
    states = catalog.stages.stages()
    for key in keys:
        for stage in INGEST_STAGES:
            state = states.get((stage, key))
            if state is None or not state.complete or state.signature != signature(index, stage, key):
                waiting.add(key)
    mine = [key for key in keys if key in waiting]
    return (mine[0], mine[-1]) if mine else None


def graph_waits(index: Index, *, full: bool = False) -> bool:
    """Whether the graph, its communities or their reports are behind."""
    if index.catalog.letters.due(GRAPH_LETTERS) or graph_moved(index):
        return True
    if full or any(stage in GRAPH_QUEUES for stage, _ in index.catalog.queues.lengths()):
        return True
    states = index.catalog.stages.stages()
    expected = [("entity_graph", GRAPH), ("communities", GRAPH)]
    expected += [("community_reports", key) for key in index.settings.graph_partitions()]
    return any(
        (state := states.get(where)) is None or not state.complete or state.signature != signature(index, *where)
        for where in expected
    )


def graph_moved(index: Index) -> bool:
    """Whether the settings name another graph store than the one that holds the index."""
    made = index.catalog.stages.stage("entity_graph", GRAPH).complete
    known = index.catalog.get(GRAPH_STORE) or ("sqlite" if made else "")
    return bool(known) and known != index.graph_place
