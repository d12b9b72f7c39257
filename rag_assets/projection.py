"""The projection of the tables to the graph store: what was touched, in few requests, equal rows unwritten."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from rag_assets import graph_letters, graph_rights, graph_rows
from rag_assets.stage import batches
from resources.errors import GraphUnavailable
from resources.graph import Edge, EdgeKind, Neighbourhood, NodeKind
from resources.graph.apply import Applied, carry_out
from resources.graph.kinds import Kind
from resources.graph.servers import ServersAway
from resources.index import Index

AT_ONCE = 5_000
"""Rows gathered before they are written."""
Row = dict[str, Any]


class Projection:
    """Gathers rows and ids to delete, and carries them out together; `finish` says what the store did not take."""

    def __init__(self, index: Index, generation: int | None = None) -> None:
        """`generation`: that of the rows to be projected, where ingest may go on meanwhile."""
        self.index, self.graph, self.generation = index, index.graph, generation
        self.applied = Applied()
        self._delete: dict[Kind, list[str]] = {}
        self._upsert: dict[Kind, list[Row]] = {}

    def clear(self) -> None:
        """Empty the store, which may be left over from an index that was removed."""
        try:
            self.graph.clear()
        except ServersAway as error:
            self._wait("clearing", error)

    def entities_with_new_rights(self, documents: Sequence[str]) -> list[str]:
        """Entities whose node must be written because the rights of a document that mentions them changed."""
        found: set[str] = set()
        for batch in batches(documents):
            try:
                found |= graph_rights.entities_of_changed(self.index, batch)
            except ServersAway as error:
                self._wait("reading documents", error)
        return sorted(found)

    def documents(self, documents: Collection[str]) -> None:
        """Nodes and edges of these documents: themselves, their chunks, and which entity is mentioned in which chunk.

        Entities must be there already, or gathered before.
        """
        for batch in batches(documents):
            self._documents(batch)
            self._settle()

    def entities(self, entities: Collection[str]) -> list[str]:
        """Nodes of these entities; returns those that are no more, to be deleted when no edge needs them."""
        found: set[str] = set()
        for batch in batches(sorted(entities)):
            rows = graph_rows.entity_nodes(self.index, batch)
            found.update(row["id"] for row in rows)
            self._add(NodeKind.ENTITY, rows)
            self._settle()
        return sorted(set(entities) - found)

    def relationships(self, relationships: Collection[str]) -> None:
        for batch in batches(sorted(relationships)):
            rows = self.index.tables.relationships.by("id", batch, graph_rows.RELATIONSHIP).to_pylist()
            self.remove(EdgeKind.RELATED, sorted(set(batch) - {row["id"] for row in rows}))
            self._add(EdgeKind.RELATED, self._with_ends(graph_rows.related(rows), "source", "target"))
            self._settle()

    def communities(self, communities: Collection[str]) -> None:
        """Nodes of these communities, their members and the community above each; vanished ones go with their edges."""
        tables, columns = self.index.tables, (*graph_rows.COMMUNITY, "parent", "members")
        rows = tables.communities.by("id", communities, columns).to_pylist()
        above = tables.communities.by("id", {r["parent"] for r in rows} - {None}, graph_rows.COMMUNITY).to_pylist()
        wanted = {e["id"]: e for e in graph_rows.in_community(rows)}
        parents = {e["id"]: e["target"] for e in graph_rows.parent_community(rows)}
        found = self._edges_at(communities, EdgeKind.IN_COMMUNITY, EdgeKind.PARENT_COMMUNITY)
        mine = set(communities)
        held = {e.id for e in found if e.kind == EdgeKind.IN_COMMUNITY}
        self.remove(EdgeKind.IN_COMMUNITY, sorted(held - wanted.keys()))
        # an edge keeps its ends for life: a community under another parent gets a new one
        turned = [e for e in found if e.kind == EdgeKind.PARENT_COMMUNITY and e.source in mine]
        self.remove(EdgeKind.PARENT_COMMUNITY, [e.id for e in turned if parents.get(e.id) != e.target])
        self.remove(NodeKind.COMMUNITY, sorted(mine - {row["id"] for row in rows}))
        self._add(NodeKind.COMMUNITY, graph_rows.community_nodes(self.index, [*above, *rows]))
        # both ends and the level follow from the id: what is there is right
        for batch in batches(sorted(wanted.keys() - held), AT_ONCE):
            self._add(EdgeKind.IN_COMMUNITY, [wanted[i] for i in batch])
            self._settle()
        self._add(EdgeKind.PARENT_COMMUNITY, graph_rows.parent_community(rows))

    def community_nodes(self, communities: Collection[str]) -> None:
        """The nodes alone: their rights follow from their reports."""
        rows = self.index.tables.communities.by("id", communities, graph_rows.COMMUNITY).to_pylist()
        self._add(NodeKind.COMMUNITY, graph_rows.community_nodes(self.index, rows))

    def remove(self, kind: Kind, ids: Sequence[str]) -> None:
        if ids:
            self._delete.setdefault(kind, []).extend(ids)

    def finish(self) -> int:
        """Write what was gathered; returns how many rows are set aside. Raises what a store that is away says."""
        self._flush()
        for error in self.applied.waiting.values():
            raise error
        return len(self.applied.letters)

    def _documents(self, documents: Sequence[str]) -> None:
        tables = self.index.tables
        rows = tables.documents.by("id", documents, (*graph_rows.DOCUMENT, "status")).to_pylist()
        found = {row["id"]: row for row in rows if row.pop("status") == "ok"}
        chunks = tables.chunks.by("document_id", list(found), graph_rows.chunk_columns(self.index)).to_pylist()
        here = {row["id"] for row in chunks}
        mentions = tables.mentions.by("document_id", list(found), graph_rows.MENTION).to_pylist()
        edges = graph_rows.from_chunk(row for row in mentions if row["chunk_id"] in here)
        edges = self._with_ends(edges, "source")
        nexts = graph_rows.next_chunk(chunks)
        old_chunks = {e.source for e in self._edges_at(documents, EdgeKind.FROM_DOCUMENT)}
        old = self._edges_at(old_chunks & here, EdgeKind.FROM_CHUNK, EdgeKind.NEXT_CHUNK)
        wanted = {(EdgeKind.FROM_CHUNK, e["id"], e["target"]) for e in edges}
        wanted |= {(EdgeKind.NEXT_CHUNK, e["id"], e["target"]) for e in nexts}
        for kind in (EdgeKind.FROM_CHUNK, EdgeKind.NEXT_CHUNK):
            self.remove(kind, sorted(e.id for e in old if e.kind == kind and (kind, e.id, e.target) not in wanted))
        self.remove(NodeKind.CHUNK, sorted(old_chunks - here))
        self.remove(NodeKind.DOCUMENT, [d for d in documents if d not in found])
        self._add(NodeKind.DOCUMENT, found.values())
        self._add(NodeKind.CHUNK, graph_rows.chunk_nodes(chunks, found))
        self._add(EdgeKind.FROM_DOCUMENT, graph_rows.from_document(chunks))
        self._add(EdgeKind.NEXT_CHUNK, nexts)
        self._add(EdgeKind.FROM_CHUNK, edges)

    def _with_ends(self, edges: list[Row], *ends: str) -> list[Row]:
        """Edges whose entities are there. Of rows that ingest is writing just now, some are not yet, or no more: it
        asks for these edges again when it is done."""
        if self.generation is None or not self.index.catalog.generations.moved_since(self.generation):
            return edges
        named = {edge[end] for edge in edges for end in ends}
        there = set(self.index.tables.entities.by("id", named, ("id",))["id"].to_pylist())
        return [edge for edge in edges if all(edge[end] in there for end in ends)]

    def _edges_at(self, nodes: Collection[str], *kinds: EdgeKind) -> list[Edge]:
        """The edges that the store has; of servers that are away none, and what rests on theirs waits."""
        found = self.graph.neighbours(nodes, kinds) if nodes else Neighbourhood([])
        if found.failed:
            error = f"server {found.failed[0]} of the graph does not answer; what is written to it waits."
            self._wait("reading edges", GraphUnavailable(error))
        return found.edges

    def _wait(self, what: str, error: GraphUnavailable) -> None:
        self.applied.waiting.setdefault(what, error)

    def _add(self, kind: Kind, rows: Iterable[Row]) -> None:
        self._upsert.setdefault(kind, []).extend(rows)

    def _settle(self) -> None:
        if sum(map(len, self._upsert.values())) >= AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        delete, upsert = self._delete, {kind: rows for kind, rows in self._upsert.items() if rows}
        if delete or upsert:
            applied = carry_out(self.graph, delete, upsert)
            graph_letters.record(self.index, applied, delete, upsert)
            self.applied.add(applied)
        self._delete, self._upsert = {}, {}
