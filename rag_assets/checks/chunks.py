"""What is expected of the chunks: exact passages within the model's reach that leave nothing of a document out.

Belongs here: rows and expectations of `chunks_suite`. Does not: how a document is cut (knowledge.chunking).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rag_assets.checks.scope import Scope, behind, document_batches
from rag_assets.checks.suites import Expectations, Rows
from resources.index import Index

STAGE = "chunks"
_COLUMNS = ("id", "document_id", "text", "char_start", "char_end", "tokens")


def rows(index: Index, scope: Scope) -> Rows:
    """Kind `chunks`: copies, tokens, exactness; kind `documents`: the non-blank characters that no chunk holds."""
    documents, chunks = index.tables.documents, index.tables.chunks
    for batch in document_batches(index, scope, STAGE, chunks):
        texts = {row["id"]: row["text"] for row in documents.by("id", batch, ("id", "text")).to_pylist()}
        found = chunks.by("document_id", batch, _COLUMNS).to_pylist()
        copies = Counter(chunks.by("id", {row["id"] for row in found}, ("id",))["id"].to_pylist())
        late = behind(index, STAGE)
        found = [row for row in found if row["document_id"] not in late]
        yield STAGE, passages(found, texts, copies)
        spans: dict[str, list[tuple[int, int]]] = {d: [] for d in batch if d not in late}
        for row in found:
            spans[row["document_id"]].append((row["char_start"], row["char_end"]))
        yield (
            "documents",
            {"id": list(spans), "characters_left_out": [left_out(texts.get(d, ""), spans[d]) for d in spans]},
        )


def passages(
    chunks: Sequence[Mapping[str, Any]], texts: Mapping[str, str], copies: Mapping[str, int]
) -> dict[str, list[Any]]:
    """The columns of the kind `chunks`; a chunk without its document is not exact."""
    return {
        "id": [c["id"] for c in chunks],
        "copies": [copies[c["id"]] for c in chunks],
        "tokens": [c["tokens"] for c in chunks],
        "exact": [
            bool(c["text"]) and texts.get(c["document_id"], "")[c["char_start"] : c["char_end"]] == c["text"]
            for c in chunks
        ],
    }


def left_out(text: str, spans: Iterable[tuple[int, int]]) -> int:
    """How many non-blank characters of a text lie in none of the spans."""
    missing, at = 0, 0
    for start, end in [*sorted(spans), (len(text), len(text))]:
        missing += sum(map(len, text[at:start].split())) if start > at else 0
        at = max(at, end)
    return missing


def expectations(index: Index) -> Expectations:
    import great_expectations.expectations as gxe

    most = index.settings.chunks.max_tokens
    return {
        STAGE: [
            gxe.ExpectColumnValuesToBeInSet(column="copies", value_set=[1]),
            gxe.ExpectColumnValuesToBeBetween(column="tokens", min_value=1, max_value=most),
            gxe.ExpectColumnValuesToBeInSet(column="exact", value_set=[True]),
        ],
        "documents": [gxe.ExpectColumnValuesToBeInSet(column="characters_left_out", value_set=[0])],
    }
