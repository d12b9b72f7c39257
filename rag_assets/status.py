"""What the index holds and what waits: the JSON of `rag status` and `rag failed`."""

from typing import Any

from rag_assets.work import GRAPH, source_of
from resources.index import Index

TABLES = ("documents", "chunks", "mentions", "statements", "entities", "relationships", "communities")


def status(index: Index) -> dict[str, Any]:
    """Rows per table, documents per source, and how far ingest, graph and reports are."""
    tables = {name: getattr(index.tables, name).count() for name in TABLES}
    tables |= {"embeddings": index.embeddings().count(), "community_reports": index.reports().count()}
    order = (*TABLES[:2], "embeddings", *TABLES[2:], "community_reports")
    states = index.catalog.stages.stages()
    shards = [states.get(("community_reports", key)) for key in index.settings.graph_partitions()]
    graph = states.get(("entity_graph", GRAPH))
    return {
        "tables": {name: tables[name] for name in order},
        "sources": _sources(index),
        "generations": {
            "ingest": index.catalog.generations.current(),
            "graph": graph.generation if graph else 0,
            "reports": min((state.generation if state else 0) for state in shards),
        },
        "graph_store": index.settings.graph.store,
    }


def _sources(index: Index) -> dict[str, dict[str, int]]:
    counts = index.catalog.items.counts()
    found = {
        name: {"ok": 0, "failed": 0, "quarantined": 0, "hidden": 0, "waiting": 0, "held_deletes": 0}
        for name in (*index.settings.sources, *(n for n in counts if n not in index.settings.sources))
    }
    for row in index.tables.documents.read(None, ("source", "status")).to_pylist():
        found.setdefault(row["source"], dict.fromkeys(_ZERO, 0))[row["status"]] += 1
    for name, of in counts.items():
        # of a source that left the settings nothing is shown
        found[name]["hidden"] = of["hidden"] if name in index.settings.sources else of["live"] + of["held"]
        found[name]["held_deletes"] = of["held"]
    for partition, (documents, _) in index.catalog.items.waiting().items():
        found[source_of(partition)]["waiting"] += documents
    return found


_ZERO = ("ok", "failed", "quarantined", "hidden", "waiting", "held_deletes")


def failed(index: Index) -> list[dict[str, Any]]:
    """What was set aside, with the path of its document."""
    letters = index.catalog.letters.find()
    paths = {d.id: d.item.path for d in index.catalog.items.documents({x.document_id for x in letters})}
    return [
        {
            "document_id": x.document_id, "source": source_of(x.partition), "path": paths.get(x.document_id, ""),
            "stage": x.stage, "error": x.error, "tries": x.tries, "since": x.since,
        }
        for x in letters
    ]  # fmt: skip


def retry(index: Index, ids: tuple[str, ...]) -> int:
    """Make what was set aside due now: all of it, or these documents. Returns how many."""
    letters = [x for x in index.catalog.letters.find() if not ids or x.document_id in ids or x.unit in ids]
    index.catalog.items.again({x.document_id for x in letters if x.stage == "documents"}, "retry")
    # what the graph store refused is put back by the next run of the graph
    index.catalog.letters.make_due([x for x in letters if x.stage != "documents"])
    return len(letters)
