"""What community reports are written from: the graph store's rows of many communities, and the passages they may quote.

Belongs here: reading in batches. Does not: writing reports (knowledge) and keeping them (community_reports).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from knowledge.quotes import pick_passages, wanted_support
from knowledge.report import Cited
from knowledge.resolution import Entity, Relationship
from resources.graph.report_reads import CommunityRows, read_communities
from resources.index import Index

Row = dict[str, Any]


class Reading:
    """What the reports of some communities are written from, in a handful of batched reads.

    `communities`: each after the one that holds it; `below`: their children.
    """

    def __init__(self, index: Index, communities: Sequence[Row], below: dict[str, list[Row]]) -> None:
        self.members: dict[str, list[Entity]] = {}
        self.owned: dict[str, list[Relationship]] = {}
        known: dict[str, Entity] = {}
        for c in _graph_rows(index, communities):
            child = {m: x["id"] for x in below[c.id] for m in x["members"]}
            known |= {row["id"]: _entity(row) for row in c.nodes if row["id"] not in known}
            self.members[c.id] = [known[row["id"]] for row in c.nodes]
            self.owned[c.id] = [_relationship(e) for e in c.edges if not _inside_one(child, e["source"], e["target"])]
        self._support(index, below)

    def _support(self, index: Index, below: dict[str, list[Row]]) -> None:
        """Which chunks state the strongest relationships, and the texts of those that a report may quote."""
        tables = index.tables
        wanted = {c: wanted_support(self.members[c], self.owned[c], parent=bool(below[c]))[0] for c in self.owned}
        strongest = {r for ids in wanted.values() for r in ids}
        stated: dict[str, list[str]] = {}
        for row in tables.statements.by("relationship_id", strongest, ("relationship_id", "chunk_id")).to_pylist():
            stated.setdefault(row["relationship_id"], []).append(row["chunk_id"])
        candidates = {chunk for chunks in stated.values() for chunk in chunks}
        marks = tables.chunks.by("id", candidates, ("id", "fingerprint")).to_pydict()
        mark = dict(zip(marks["id"], marks["fingerprint"], strict=True))
        self._picked: dict[str, list[str]] = {}
        for c, ids in wanted.items():
            support = {r: [(mark[x], x) for x in stated.get(r, ()) if x in mark] for r in ids}
            self._picked[c] = pick_passages(ids, support)
        chosen = {chunk for chunks in self._picked.values() for chunk in chunks}
        texts = tables.chunks.by("id", chosen, ("id", "text", "title", "fingerprint")).to_pylist()
        self._cited = {r["id"]: Cited(r["id"], r["text"], r["title"], r["fingerprint"]) for r in texts}

    def passages_of(self, community: str) -> list[Cited]:
        return [self._cited[chunk] for chunk in self._picked[community] if chunk in self._cited]

    def documents_of(self, community: str) -> set[str]:
        """Every document that states a relationship of the community: who may not read one may not read the report."""
        return {document for r in self.owned[community] for document in r.documents}


def _graph_rows(index: Index, communities: Sequence[Row]) -> Iterator[CommunityRows]:
    return read_communities(
        index.graph,
        {c["id"]: c["members"] for c in communities},
        levels={c["id"]: c["level"] for c in communities},
        max_concurrency=index.report_concurrency,
        idle=index.graph.idle if index.settings.reports.adaptive else None,
    )


def _inside_one(child: dict[str, str], source: str, target: str) -> bool:
    return source in child and child[source] == child.get(target)


def _entity(row: Row) -> Entity:
    return Entity(
        row["id"], row["name"], row.get("canonical", ""), tuple(row.get("aliases") or ()), row["type"],
        row.get("description") or "", row["mention_count"], row["document_count"], row["fingerprint"],
    )  # fmt: skip


def _relationship(row: Row) -> Relationship:
    return Relationship(
        row["id"], row["source"], row["target"], row["predicate"], row["weight"], row.get("description") or "",
        row["support_count"], row["fingerprint"], tuple(row.get("documents") or ()),
    )  # fmt: skip
