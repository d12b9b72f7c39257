"""What supports an entity or a relationship: chunks that are alive, as many as it says.

Belongs here: the comparison of rows with their support. Does not: reading them (graph).
"""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag_assets.checks.scope import behind
from resources.index import Index

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Support:
    """Rows with `id` and `count`, and the rows that speak of them: `by`, chunk_id, document_id."""

    rows: "pa.Table"
    count: str
    said: "pa.Table"
    by: str
    unread: Set[str] = frozenset()
    """Ids whose support was not read."""


def supported(support: Support, alive: "pa.ChunkedArray", documents: Set[str], late: Set[str]) -> dict[str, list[Any]]:
    """A row for each id that stands on either side: copies, chunks, chunks too many, and those that are not alive.

    What was not read is None. `documents`, whose chunks are about to be read again, may name dead chunks;
    ids in `late` are about to be reduced again.
    """
    import pyarrow.compute as pc

    said = support.said
    living = pc.is_in(said["chunk_id"], value_set=alive.combine_chunks()).to_pylist()
    chunks: dict[str, set[str]] = {}
    dead: Counter[str] = Counter()
    columns = (said[support.by], said["chunk_id"], said["document_id"])
    for i, chunk, document, lives in zip(*(c.to_pylist() for c in columns), living, strict=True):
        chunks.setdefault(i, set()).add(chunk)
        dead[i] += not lives and document not in documents
    ids = support.rows["id"].to_pylist()
    copies, counts = Counter(ids), dict(zip(ids, support.rows[support.count].to_pylist(), strict=True))
    judged = [i for i in [*counts, *sorted(chunks.keys() - counts.keys())] if i not in late]
    found = {i: None if i in support.unread else len(chunks.get(i, ())) for i in judged}
    return {
        "id": judged,
        "copies": [copies[i] for i in judged],
        "support": list(found.values()),
        "support_miscounted": [None if n is None else n - counts.get(i, 0) for i, n in found.items()],
        "support_in_dead_chunks": [dead[i] for i in judged],
    }


def late_documents(index: Index) -> set[str]:
    """Documents whose chunks or mentions are about to change, or have changed since names were looked up in them."""
    return behind(index, "chunks", "extractions", "lookup")
