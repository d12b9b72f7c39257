"""Everything that an index holds as plain values, so that two indexes can be compared and one can be judged.

Ids of documents are given at first sight, those of chunks derive from them: for a comparison with another index a
document is called by source and path, a chunk by its document and ordinal.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from resources.catalog import schema
from resources.graph import EdgeKind, GraphStore, NodeKind
from resources.graph.kinds import Kind
from resources.index import Index

Row = dict[str, Any]
COMPARED = ("documents", "chunks", "embeddings", "mentions", "statements", "entities", "relationships")
TABLES = (*COMPARED, "tallies", "communities", "memberships", "community_reports")
KINDS: tuple[Kind, ...] = (
    NodeKind.DOCUMENT, NodeKind.CHUNK, NodeKind.ENTITY, EdgeKind.FROM_DOCUMENT, EdgeKind.NEXT_CHUNK,
    EdgeKind.FROM_CHUNK, EdgeKind.RELATED,
)  # fmt: skip
"""What of the graph store must equal a clean build's; communities depend on the history."""
OWN = {"documents": {"id", "native_id"}, "chunks": {"id"}, "embeddings": {"vector"}}
"""Columns that another index may have otherwise: opaque ids, and vectors, which are compared by their angle."""
SAME_DIRECTION = 0.999


@dataclass(slots=True)
class Snapshot:
    """Rows of every table, of the graph store by kind, and of the catalog's books that must follow them."""

    tables: dict[str, list[Row]]
    graph: dict[Kind, list[Row]]
    marks: dict[str, list[str]]
    names: list[tuple[str, str]]
    letters: list[tuple[str, str, str]]

    def paths(self, status: str = "ok") -> list[str]:
        return sorted(row["path"] for row in self.tables["documents"] if row["status"] == status)

    def document(self, path: str) -> Row:
        return next(row for row in self.tables["documents"] if row["path"] == path)

    def rows(self, table: str, key: str) -> dict[str, Row]:
        """{key: row}; the key must be unique."""
        found = {row[key]: row for row in self.tables[table]}
        assert len(found) == len(self.tables[table]), f"{key} is not unique in {table}"
        return found

    def of_document(self, table: str, path: str) -> list[Row]:
        document = self.document(path)["id"]
        return [row for row in self.tables[table] if row["document_id"] == document]

    def comparable(self) -> dict[str, list[str]]:
        """Every row as text under names instead of ids, sorted, doubles kept."""
        names = self._names()
        called = {
            name: sorted(_text({k: v for k, v in row.items() if k not in OWN.get(name, ())}, names) for row in rows)
            for name, rows in self.tables.items()
            if name in COMPARED
        }
        for kind, rows in self.graph.items():
            called[f"graph {kind}"] = sorted(_text(_nameless(kind, row), names) for row in rows)
        called |= {f"marks {stage}": sorted(names.get(u, u) for u in units) for stage, units in self.marks.items()}
        called["names"] = sorted(f"{name} of {names.get(d, d)}" for name, d in self.names)
        called["letters"] = sorted(f"{stage} {names.get(unit, unit)} {error}" for stage, unit, error in self.letters)
        return called

    def vectors(self) -> dict[str, Any]:
        names = self._names()
        return {str(names.get(row["chunk_id"], row["chunk_id"])): row["vector"] for row in self.tables["embeddings"]}

    def _names(self) -> dict[str, str]:
        names = {row["id"]: f"{row['source']}:{row['path']}" for row in self.tables["documents"]}
        for row in self.tables["chunks"]:
            if row["document_id"] in names:
                names[row["id"]] = f"{names[row['document_id']]}#{row['ordinal']}"
        return names


def snapshot(index: Index) -> Snapshot:
    """Read everything; the tables of vectors are those of the settings' model."""
    t = index.tables
    tables = {"embeddings": index.embeddings(), "community_reports": index.reports()}
    tables |= {name: getattr(t, name) for name in TABLES if name not in tables}
    with index.catalog.database.read() as connection:
        marks: dict[str, list[str]] = {}
        for stage, unit in connection.execute(sa.select(schema.marks.c.stage, schema.marks.c.unit)):
            marks.setdefault(stage, []).append(unit)
        names = [(r.name, r.document_id) for r in connection.execute(sa.select(schema.names))]
    letters = [(x.stage, x.unit, x.error) for x in index.catalog.letters.find()]
    return Snapshot(
        {name: tables[name].read().to_pylist() for name in TABLES},
        {kind: _graph_rows(index.graph, kind) for kind in KINDS}, marks, names, letters,
    )  # fmt: skip


def differences(one: Snapshot, other: Snapshot, most: int = 6) -> list[str]:
    """What stands in one index and not in the other (the clean one), as lines; empty where they are equal."""
    found: list[str] = []
    a, b = one.comparable(), other.comparable()
    for name in sorted(a.keys() | b.keys()):
        left, right = Counter(a.get(name, ())), Counter(b.get(name, ()))
        found += _lines(name, sorted((left - right).elements()), sorted((right - left).elements()))[:most]
    mine, theirs = one.vectors(), other.vectors()
    for chunk in sorted(mine.keys() & theirs.keys()):
        cosine = float(np.dot(mine[chunk], theirs[chunk]))
        if cosine < SAME_DIRECTION:
            found.append(f"vectors: {chunk}: cosine {cosine:.4f}")
    return found


def _lines(name: str, left: list[str], right: list[str]) -> list[str]:
    """Rows that are much alike are shown by what differs in them."""
    lines, rest = [], list(right)
    for row in left:
        alike = max(rest, key=lambda other: _common(row, other), default=None)
        if alike is None or 2 * _common(row, alike) < row.count('": '):
            lines.append(f"{name}: too much: {row[:500]}")
            continue
        rest.remove(alike)
        a, b = json.loads(row), json.loads(alike)
        differ = {k: (a.get(k), b.get(k)) for k in sorted(a.keys() | b.keys()) if a.get(k) != b.get(k)}
        known = next((a[k] for k in ("path", "name", "chunk_id", "id", "source") if a.get(k)), "")
        lines.append(f"{name}: {known}: (is, should be): {str(differ)[:600]}")
    return lines + [f"{name}: missing: {row[:500]}" for row in rest]


def _common(one: str, other: str) -> int:
    if not one.startswith("{") or not other.startswith("{"):
        return 0
    a, b = json.loads(one), json.loads(other)
    return sum(a[k] == b.get(k) for k in a)


def _graph_rows(graph: GraphStore, kind: Kind) -> list[Row]:
    ids = [mark.id for batch in graph.marks(kind) for mark in batch]
    return graph.read_nodes(kind, ids) if isinstance(kind, NodeKind) else graph.read_edges_by_id(kind, ids)


def _nameless(kind: Kind, row: Row) -> Row:
    """Without the id where it is made of a chunk's: both ends say the same."""
    made = (EdgeKind.FROM_DOCUMENT, EdgeKind.NEXT_CHUNK, EdgeKind.FROM_CHUNK)
    return {k: v for k, v in row.items() if k != "id"} if kind in made else row


def _text(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    called = {k: names.get(v, v) if isinstance(v, str) else v for k, v in row.items()}
    if "documents" in row:
        called["documents"] = sorted(names.get(document, document) for document in row["documents"])
    return json.dumps(called, sort_keys=True, default=_plain, ensure_ascii=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no plain value")
