"""The projection of the tables to the graph store: what was touched, nodes before edges, equal rows unwritten."""

from collections.abc import Collection, Sequence

from rag_assets import graph_rows
from rag_assets.stage import batches
from resources.graph import EdgeKind, GraphStore, NodeKind
from resources.index import Index


def project_documents(index: Index, documents: Sequence[str]) -> None:
    """Nodes and edges of these documents: themselves, their chunks, and which entity is mentioned in which chunk.

    Entities must be there already.
    """
    for batch in batches(documents):
        _project(index, index.graph, batch)


def _project(index: Index, graph: GraphStore, documents: Sequence[str]) -> None:
    tables = index.tables
    rows = tables.documents.by("id", documents, (*graph_rows.DOCUMENT, "status")).to_pylist()
    found = {row["id"]: row for row in rows if row.pop("status") == "ok"}
    chunks = tables.chunks.by("document_id", list(found), graph_rows.CHUNK).to_pylist()
    here = {row["id"] for row in chunks}
    mentions = tables.mentions.by("document_id", list(found), graph_rows.MENTION).to_pylist()
    edges = graph_rows.from_chunk(row for row in mentions if row["chunk_id"] in here)
    nexts = graph_rows.next_chunk(chunks)
    old_chunks = {e.source for e in graph.neighbours(documents, {EdgeKind.FROM_DOCUMENT}).edges}
    old = graph.neighbours(old_chunks & here, {EdgeKind.FROM_CHUNK, EdgeKind.NEXT_CHUNK}).edges
    wanted = {(EdgeKind.FROM_CHUNK, e["id"], e["target"]) for e in edges}
    wanted |= {(EdgeKind.NEXT_CHUNK, e["id"], e["target"]) for e in nexts}
    for kind in (EdgeKind.FROM_CHUNK, EdgeKind.NEXT_CHUNK):
        outdated = [e.id for e in old if e.kind == kind and (kind, e.id, e.target) not in wanted]
        graph.delete_edges(kind, sorted(outdated))
    graph.delete_nodes(NodeKind.CHUNK, sorted(old_chunks - here))
    graph.upsert_nodes(NodeKind.DOCUMENT, found.values())
    graph.upsert_nodes(NodeKind.CHUNK, graph_rows.chunk_nodes(chunks, found))
    graph.upsert_edges(EdgeKind.FROM_DOCUMENT, graph_rows.from_document(chunks))
    graph.upsert_edges(EdgeKind.NEXT_CHUNK, nexts)
    graph.upsert_edges(EdgeKind.FROM_CHUNK, edges)
    graph.delete_nodes(NodeKind.DOCUMENT, [d for d in documents if d not in found])


def project_entities(index: Index, entities: Collection[str]) -> list[str]:
    """Nodes of these entities; returns those that are no more, to be deleted when no edge needs them."""
    rows = index.tables.entities.by("id", entities, graph_rows.ENTITY).to_pylist()
    index.graph.upsert_nodes(NodeKind.ENTITY, rows)
    return sorted(set(entities) - {row["id"] for row in rows})


def project_relationships(index: Index, relationships: Collection[str]) -> None:
    rows = index.tables.relationships.by("id", relationships, graph_rows.RELATIONSHIP).to_pylist()
    index.graph.delete_edges(EdgeKind.RELATED, sorted(set(relationships) - {row["id"] for row in rows}))
    index.graph.upsert_edges(EdgeKind.RELATED, graph_rows.related(rows))


def project_communities(index: Index, communities: Collection[str]) -> None:
    """Nodes of these communities, their members and the community above each; vanished ones go with their edges."""
    graph = index.graph
    columns = (*graph_rows.COMMUNITY, "parent", "members")
    rows = index.tables.communities.by("id", communities, columns).to_pylist()
    above = index.tables.communities.by("id", {r["parent"] for r in rows} - {None}, graph_rows.COMMUNITY).to_pylist()
    wanted = {e["id"]: e for e in graph_rows.in_community(rows)}
    parents = {e["id"]: e["target"] for e in graph_rows.parent_community(rows)}
    found = graph.neighbours(communities, {EdgeKind.IN_COMMUNITY, EdgeKind.PARENT_COMMUNITY}).edges
    mine = set(communities)
    outdated = [e.id for e in found if e.kind == EdgeKind.IN_COMMUNITY and e.id not in wanted]
    # an edge keeps its ends for life: a community under another parent gets a new one
    turned = [
        e.id
        for e in found
        if e.kind == EdgeKind.PARENT_COMMUNITY and e.source in mine and parents.get(e.id) != e.target
    ]
    graph.delete_edges(EdgeKind.IN_COMMUNITY, outdated)
    graph.delete_edges(EdgeKind.PARENT_COMMUNITY, turned)
    graph.delete_nodes(NodeKind.COMMUNITY, sorted(mine - {row["id"] for row in rows}))
    graph.upsert_nodes(NodeKind.COMMUNITY, graph_rows.community_nodes([*above, *rows]))
    graph.upsert_edges(EdgeKind.IN_COMMUNITY, wanted.values())
    graph.upsert_edges(EdgeKind.PARENT_COMMUNITY, graph_rows.parent_community(rows))
