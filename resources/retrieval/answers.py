"""What a search gives: plain dicts in the shape that `rag search --json` prints.

Belongs here: from ranked ids to rows that a person reads, ties by path. Does not: scores.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resources.graph import EdgeKind, GraphStore, NodeKind
from resources.lance import begin
from resources.retrieval.filters import Sight
from resources.retrieval.passages import SHOWN, PassageTable
from resources.retrieval.reader import Reader

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
Result = dict[str, Any]
Rights = Callable[[Collection[str]], Mapping[str, tuple[str, str]]]
"""{document id: (source, acl id)} of those of some documents that may be shown now."""
DOCUMENT = ("id", "source", "path", "uri")
DIGITS = 6
"""Decimals of a score: what differs less is a tie."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked passage."""

    chunk_id: str
    document_id: str
    score: float


class Shelf:
    """Reads what results show of passages, documents and names."""

    def __init__(self, passages: PassageTable, documents: Reader, graph: GraphStore, rights: Rights) -> None:
        self.passages, self.documents, self.graph, self.rights = passages, documents, graph, rights

    def seen(self, document_ids: Collection[str], sight: Sight) -> set[str]:
        """Those of some documents that may be shown to the caller, by what the catalog says of them now."""
        return {d for d, (source, acl_id) in self.rights(document_ids).items() if sight.sees(d, source, acl_id)}

    def results(self, hits: Sequence[Hit], k: int, sight: Sight) -> list[Result]:
        """The k best of `hits` with text, place and names; equal scores in the order of path and ordinal."""
        wanted = self._best(sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id)), k, sight)
        reading = begin(self._shown(wanted))
        names = self.names_of([hit.chunk_id for hit in wanted])
        rows, documents = reading.result()
        # A passage or its document may have gone since it was ranked.
        there = [hit for hit in wanted if hit.chunk_id in rows and hit.document_id in documents]

        def place(hit: Hit) -> tuple[float, str, str, int]:
            document = documents[hit.document_id]
            return -round(hit.score, DIGITS), document["path"], document["source"], rows[hit.chunk_id]["ordinal"]

        ordered = sorted(there, key=place)[:k]
        return [
            _result(rank, hit, rows[hit.chunk_id], documents[hit.document_id], names[hit.chunk_id])
            for rank, hit in enumerate(ordered, 1)
        ]

    def _best(self, hits: list[Hit], k: int, sight: Sight) -> list[Hit]:
        """The first k that may be shown and what ties with the last of them; of the rest nobody is asked."""
        found, tried = list[Hit](), 0
        while tried < len(hits):
            some = _with_ties(hits[tried:], 2 * k)
            seen = self.seen({hit.document_id for hit in some}, sight)
            found += [hit for hit in some if hit.document_id in seen]
            tried += len(some)
            if len(found) > k and round(found[k - 1].score, DIGITS) != round(found[-1].score, DIGITS):
                break
        return _with_ties(found, k)

    async def _shown(self, hits: Sequence[Hit]) -> tuple[dict[str, Row], dict[str, Row]]:
        passages, documents = await asyncio.gather(
            self.passages.by("chunk_id", {hit.chunk_id for hit in hits}, SHOWN),
            self.documents.by("id", {hit.document_id for hit in hits}, DOCUMENT),
        )
        return _by(passages, "chunk_id"), _by(documents, "id")

    def names_of(self, chunks: Sequence[str]) -> dict[str, list[str]]:
        """{chunk: its names as written}: those of its title first, then the rarest."""
        edges = self.graph.neighbours(chunks, {EdgeKind.FROM_CHUNK}).edges if chunks else []
        ids = dict.fromkeys(edge.source for edge in edges)
        nodes = {row["id"]: row for row in self.graph.read_nodes(NodeKind.ENTITY, ids)} if ids else {}
        names: dict[str, list[str]] = {chunk: [] for chunk in chunks}
        there = [edge for edge in edges if edge.source in nodes]
        for edge in sorted(there, key=lambda e: (-e.weight, nodes[e.source].get("mention_count", 1), e.source)):
            names[edge.target].append(str(nodes[edge.source]["name"]))
        return names


def _by(rows: "pa.Table", key: str) -> dict[str, Row]:
    return {row[key]: row for row in rows.to_pylist()}


def _with_ties(hits: list[Hit], k: int) -> list[Hit]:
    """The first k and what ties with the last of them."""
    if len(hits) <= k:
        return hits
    last = round(hits[k - 1].score, DIGITS)
    return [h for place, h in enumerate(hits) if place < k or round(h.score, DIGITS) == last]


def _result(rank: int, hit: Hit, row: Mapping[str, Any], document: Mapping[str, Any], names: Sequence[str]) -> Result:
    return {
        "rank": rank, "score": round(hit.score, DIGITS), "chunk_id": hit.chunk_id, "document_id": hit.document_id,
        "source": row["source"], "title": row["title"] or document["path"].rsplit("/", 1)[-1],
        "path": document["path"], "uri": document["uri"], "heading_path": list(row["heading_path"] or ()),
        "char_start": row["char_start"], "char_end": row["char_end"], "text": row["text"], "entities": list(names),
    }  # fmt: skip
