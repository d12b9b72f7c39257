"""A small library that can be searched: passages, their names and reports, written straight into the stores."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from knowledge.mention import TITLE_WEIGHT
from knowledge.names import canonical, entity_id, title_names
from knowledge.terms import search_text
from resources.catalog import Catalog, schema
from resources.embedder import HashingEmbedder
from resources.graph import EdgeKind, NodeKind, SqliteGraph
from resources.retrieval import Limits, Retrieval
from resources.retrieval.passages import PassageTable
from resources.retrieval.reader import Reader
from resources.tables import Tables

MODEL = HashingEmbedder()


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as a test gives it; `names` as written, besides those of the title."""

    path: str
    title: str
    text: str
    names: tuple[str, ...] = ()
    source: str = "handbook"
    acl_id: str = "all"
    ordinal: int = 0
    headings: tuple[str, ...] = ()

    @property
    def document_id(self) -> str:
        return f"document of {self.source}/{self.path}"

    @property
    def chunk_id(self) -> str:
        return f"{self.source}/{self.path}#{self.ordinal}"

    @property
    def weights(self) -> dict[str, float]:
        """{canonical name: weight of its edge}."""
        given = {canonical(name): 1.0 for name in self.names}
        return given | dict.fromkeys(title_names(self.title), TITLE_WEIGHT)


@dataclass
class Library:
    """Passages and reports, and the stores that hold them once it is written."""

    folder: Path
    passages: Sequence[Passage] = ()
    acls: dict[str, list[str]] = field(default_factory=lambda: {"all": ["everyone"]})

    def __post_init__(self) -> None:
        self.tables = Tables(str(self.folder / "index"), self.folder / "locks")
        self.graph = SqliteGraph(self.folder / "graph.db")
        self.catalog = Catalog(f"sqlite:///{self.folder / 'catalog.db'}")
        self.add(self.passages)
        with self.catalog.database.begin() as connection:
            rows = [{"acl_id": acl, "principals": members} for acl, members in self.acls.items()]
            connection.execute(sa.insert(schema.acl_sets), rows)

    @property
    def rows(self) -> Any:
        return self.tables.embeddings("test", MODEL.dimension)

    def add(self, passages: Sequence[Passage]) -> None:
        """Write passages, their documents, and the whole graph anew."""
        self.passages = [*self.passages, *(p for p in passages if p not in self.passages)]
        self.rows.replace({p.document_id for p in passages}, self.rows.arrow([_row(p) for p in passages]))
        documents = {p.document_id: p for p in passages}
        self.tables.documents.replace(
            documents, self.tables.documents.arrow([self._document(p) for p in documents.values()])
        )
        self._write_graph()

    def _document(self, passage: Passage) -> dict[str, Any]:
        empty = dict.fromkeys(self.tables.documents.schema.names)
        return empty | {
            "id": passage.document_id, "source": passage.source, "path": passage.path,
            "uri": f"file:///{passage.path}", "title": passage.title, "acl_id": passage.acl_id, "status": "ok",
        }  # fmt: skip

    def _write_graph(self) -> None:
        self.graph.clear()
        uses = Counter(name for p in self.passages for name in p.weights)
        written = {canonical(n): n for p in self.passages for n in (*p.names, p.title)}
        nodes = [{"id": entity_id(n), "name": written.get(n, n), "mention_count": c} for n, c in uses.items()]
        self.graph.upsert_nodes(NodeKind.ENTITY, nodes)
        self.graph.upsert_nodes(NodeKind.CHUNK, [{"id": p.chunk_id} for p in self.passages])
        edges = [
            {"id": f"{name}@{p.chunk_id}", "source": entity_id(name), "target": p.chunk_id, "weight": weight}
            for p in self.passages
            for name, weight in p.weights.items()
        ]
        self.graph.upsert_edges(EdgeKind.FROM_CHUNK, edges)
        with self.catalog.database.begin() as connection:
            items = {p.document_id: self._item(p) for p in self.passages}
            self.catalog.database.write(connection, schema.items, list(items.values()))
            self.catalog.names.replace(connection, {p.document_id: title_names(p.title) for p in self.passages})

    def _item(self, passage: Passage, **given: Any) -> dict[str, Any]:
        return {
            "source": passage.source, "native_id": passage.path, "scope": "", "document_id": passage.document_id,
            "partition": passage.source, "path": passage.path, "uri": "", "version": "1", "size": 1, "folder": False,
            "state": "live", "hidden": None, "acl_id": passage.acl_id, **given,
        }  # fmt: skip

    def change(self, passage: Passage, **given: Any) -> None:
        """What a sensor does the moment it learns something of a document: the catalog knows, no row is touched."""
        with self.catalog.database.begin() as connection:
            self.catalog.database.write(connection, schema.items, [self._item(passage, **given)])

    def listed(self, *sources: str) -> None:
        """These sources have been looked at."""
        with self.catalog.database.begin() as connection:
            rows = [{"source": name, "scope": "", "cursor": None} for name in sources]
            connection.execute(sa.insert(schema.cursors), rows)

    def hide(self, passage: Passage, reason: str = "deleted") -> None:
        """Nobody may see a document any more."""
        self.change(passage, hidden=reason)

    def report(self, community: str, members: Sequence[str], cites: Sequence[Passage], **given: Any) -> None:
        """Write a community of names and its report, which cites some passages."""
        self.graph.upsert_nodes(NodeKind.COMMUNITY, [{"id": community}])
        edges = [
            {"id": f"{name} in {community}", "source": entity_id(canonical(name)), "target": community}
            for name in members
        ]
        self.graph.upsert_edges(EdgeKind.IN_COMMUNITY, edges)
        title = given.get("title", " and ".join(members))
        row = {
            "community_id": community, "shard": 0, "level": given.get("level", 0), "title": title,
            "summary": given.get("summary", title), "findings": "[]", "citations": [p.chunk_id for p in cites],
            "documents": sorted({p.document_id for p in cites}), "rating": given.get("rating", 5.0), "tokens": 10,
            "fingerprint": community, "vector": MODEL.encode([title])[0],
        }  # fmt: skip
        table = self.tables.reports("test", MODEL.dimension)
        table.upsert(table.arrow([dict.fromkeys(table.schema.names) | row]))

    def retrieval(
        self, limits: Limits | None = None, embedder: Any = MODEL, served: Sequence[str] | None = None
    ) -> Retrieval:
        uri = self.tables.uri
        return Retrieval(
            PassageTable(uri, self.rows.name),
            Reader(uri, self.tables.reports("test", MODEL.dimension).name),
            Reader(uri, "documents"),
            self.graph,
            embedder,
            self.catalog,
            limits,
            served,
        )

    def close(self) -> None:
        self.graph.close()
        self.catalog.close()


def _row(passage: Passage) -> dict[str, Any]:
    vector = MODEL.encode([f"{passage.title}\n{passage.text}"])[0]
    return {
        "chunk_id": passage.chunk_id, "document_id": passage.document_id, "partition": passage.source,
        "source": passage.source, "ordinal": passage.ordinal, "title": passage.title,
        "heading_path": list(passage.headings), "text": passage.text,
        "search_text": search_text(passage.title, passage.headings, passage.text),
        "char_start": 0, "char_end": len(passage.text), "vector": vector, "vector_key": passage.chunk_id,
        "acl_id": passage.acl_id, "classification": "internal",
    }  # fmt: skip
