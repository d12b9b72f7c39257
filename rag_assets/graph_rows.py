"""Rows of the tables as rows of the graph store: one shape for projection, rebuild and check."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from knowledge.mention import mention_weight
from rag_assets import graph_rights
from resources.graph import EdgeKind, NodeKind
from resources.graph.parity import Tables
from resources.index import Index

Row = dict[str, Any]
DOCUMENT = ("id", "source", "path", "uri", "title", "language", "acl_id", "classification")
CHUNK = ("id", "document_id", "ordinal")
MENTION = ("chunk_id", "entity_id", "origin", "spans")
ENTITY = (
    "id", "name", "canonical", "aliases", "type", "description", "mention_count", "document_count", "fingerprint",
)  # fmt: skip
RELATIONSHIP = (
    "id", "source_id", "target_id", "predicate", "weight", "description", "support_count", "fingerprint", "documents",
)  # fmt: skip
COMMUNITY = ("id", "level", "size")


def edge_id(a: str, b: str) -> str:
    """The id of an edge between two nodes of one kind of edge: half of each id."""
    return a[:16] + b[:16]


def chunk_columns(index: Index) -> tuple[str, ...]:
    """What of a chunk is copied: its text only where `graph.texts` says so."""
    return (*CHUNK, "text") if index.settings.graph.texts else CHUNK


def chunk_nodes(chunks: Iterable[Row], documents: dict[str, Row]) -> list[Row]:
    """Chunks with the rights of their document, which their rows do not hold."""
    return [{**c, **{name: documents[c["document_id"]][name] for name in graph_rights.RIGHTS}} for c in chunks]


def entity_nodes(index: Index, entities: Sequence[str] | None) -> list[Row]:
    """Nodes of these entities, or of all for None."""
    table = index.tables.entities
    rows = table.read(None, ENTITY) if entities is None else table.by("id", entities, ENTITY)
    rights = graph_rights.of_entities(index, entities)
    return [{**row, **rights.get(row["id"], graph_rights.NOBODY)} for row in rows.to_pylist()]


def from_document(chunks: Iterable[Row]) -> list[Row]:
    return [{"id": c["id"], "source": c["id"], "target": c["document_id"], "weight": 1.0} for c in chunks]


def next_chunk(chunks: Iterable[Row]) -> list[Row]:
    ordered = sorted(chunks, key=lambda c: (c["document_id"], c["ordinal"]))
    return [
        {"id": a["id"], "source": a["id"], "target": b["id"], "weight": 1.0}
        for a, b in pairwise(ordered)
        if a["document_id"] == b["document_id"]
    ]


def from_chunk(mentions: Iterable[Row]) -> list[Row]:
    """One edge an entity and chunk; `count`: how often it stands there."""
    edges: dict[str, Row] = {}
    for row in mentions:
        key = edge_id(row["chunk_id"], row["entity_id"])
        edge = edges.get(key)
        if edge is None:
            ends = {"source": row["entity_id"], "target": row["chunk_id"]}
            edge = edges[key] = {"id": key, **ends, "weight": 1.0, "count": 0}
        edge["count"] += len(row["spans"]) // 2
        edge["weight"] = max(edge["weight"], mention_weight(row["origin"]))
    return list(edges.values())


def related(relationships: Iterable[Row]) -> list[Row]:
    return [{**row, "source": row.pop("source_id"), "target": row.pop("target_id")} for row in relationships]


def in_community(communities: Iterable[Row]) -> list[Row]:
    return [
        {"id": edge_id(c["id"], e), "source": e, "target": c["id"], "weight": 1.0, "level": c["level"]}
        for c in communities
        for e in c["members"]
    ]


def parent_community(communities: Iterable[Row]) -> list[Row]:
    return [
        {"id": c["id"], "source": c["id"], "target": c["parent"], "weight": 1.0}
        for c in communities
        if c["parent"] is not None
    ]


def community_nodes(index: Index, communities: Sequence[Row], *, everything: bool = False) -> list[Row]:
    """Nodes of these rows; `everything`: they are all that there are."""
    rights = graph_rights.of_communities(index, None if everything else [c["id"] for c in communities])
    return [{**{name: c[name] for name in COMMUNITY}, **rights.get(c["id"], graph_rights.NOBODY)} for c in communities]


def tables_of(index: Index) -> Tables:
    """For every kind its rows as the tables ask for them: all of them."""
    t = index.tables

    def documents() -> dict[str, Row]:
        return {row["id"]: row for row in t.documents.read("status = 'ok'", DOCUMENT).to_pylist()}

    def chunks() -> Iterator[Row]:
        yield from t.chunks.read(None, chunk_columns(index)).to_pylist()

    def communities() -> list[Row]:
        return list(t.communities.read(None, (*COMMUNITY, "parent", "members")).to_pylist())

    return {
        NodeKind.DOCUMENT: lambda: documents().values(),
        NodeKind.CHUNK: lambda: chunk_nodes(chunks(), documents()),
        NodeKind.ENTITY: lambda: entity_nodes(index, None),
        NodeKind.COMMUNITY: lambda: community_nodes(index, communities(), everything=True),
        EdgeKind.FROM_DOCUMENT: lambda: from_document(chunks()),
        EdgeKind.NEXT_CHUNK: lambda: next_chunk(chunks()),
        EdgeKind.FROM_CHUNK: lambda: from_chunk(t.mentions.read(None, MENTION).to_pylist()),
        EdgeKind.RELATED: lambda: related(t.relationships.read(None, RELATIONSHIP).to_pylist()),
        EdgeKind.IN_COMMUNITY: lambda: in_community(communities()),
        EdgeKind.PARENT_COMMUNITY: lambda: parent_community(communities()),
    }
