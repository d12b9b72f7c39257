"""Rows of the table `documents`: what decides that one is written again, and in what batches they are worked on."""

from collections.abc import Iterator, Sequence
from typing import Any

from knowledge.fingerprint import fingerprint
from resources.catalog.items import Document

BATCH_BYTES = 64_000_000
EMPTY: dict[str, Any] = {
    "title": None, "mime": None, "author": None, "created_at": None, "modified_at": None, "size": 0,
    "content_sha256": None, "text": "", "pages": [], "language": "und", "status": "", "reason": None,
}  # fmt: skip
NOTHING = {"fingerprint": None}


def row_mark(row: dict[str, Any]) -> str:
    beside = (
        "path",
        "uri",
        "modified_at",
        "acl_id",
        "classification",
        "native_id",
        "partition",
        "parsed",
        "fingerprint",
    )
    return fingerprint(*(str(row[name]) for name in beside))


def rights(row: dict[str, Any] | None) -> tuple[str, str] | None:
    return (row["acl_id"], row["classification"]) if row else None


def groups(documents: Sequence[Document], content: set[str]) -> tuple[list[Document], ...]:
    """Deletions, then what only stands beside the text (paths, rights), then what has to be read."""
    gone = [d for d in documents if d.state == "gone"]
    beside = [d for d in documents if d.state != "gone" and d.id not in content]
    return gone, beside, [d for d in documents if d.state != "gone" and d.id in content]


def batches(documents: Sequence[Document], most: int) -> Iterator[list[Document]]:
    """Bounded in number and in bytes: the texts of a batch are in memory together."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += document.item.size
        if len(batch) >= most or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
