"""The asset `chunks`: documents cut into passages that the embedding model reads whole."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from knowledge import chunking
from knowledge.counters import Counters
from knowledge.fingerprint import fingerprint
from knowledge.names import canonical_words
from knowledge.reconcile import reconcile
from rag_assets.ingest import ingest_asset
from rag_assets.previews import chunk_lengths
from rag_assets.stage import StageRun
from resources.catalog.stages import Commit
from resources.index import Index
from resources.schemas import CHUNKS
from resources.settings import Settings

STAGE = "chunks"
DESCRIPTION = "Heading-aware passages with exact offsets; an edit re-cuts only its own document."
_PLACE = ("fingerprint", "ordinal", "char_start", "char_end")


def chunks_asset(settings: Settings) -> dg.AssetsDefinition:
    return ingest_asset(
        settings, STAGE, "documents", (CHUNKS,), DESCRIPTION, chunking.VERSION,
        lambda index, partition, full: ChunksRun(index, partition, full=full),
        lambda index: [index.tables.chunks],
        {"python"},
        chunk_lengths,
    )  # fmt: skip


class ChunksRun:
    """The stage at work in one partition; its unit is a document."""

    def __init__(self, index: Index, partition: str, *, full: bool) -> None:
        self.index, self.partition = index, partition
        self.tokenizer, self.limits = index.embedder.tokenizer, index.chunk_limits
        self.stage = StageRun(index, STAGE, partition, full=full)

    def rows(self) -> int:
        return self.index.tables.chunks.count(f"partition = '{self.partition}'")

    def batch(self, documents: Sequence[str]) -> None:
        tables, catalog, counters = self.index.tables, self.index.catalog, self.stage.counters
        columns = ("id", "title", "language", "text", "fingerprint")
        found = {row["id"]: row for row in tables.documents.by("id", documents, columns).to_pylist()}
        wanted = {d: fingerprint(row["fingerprint"], self.stage.signature) for d, row in found.items()}
        plan = reconcile(wanted, self.stage.marks(documents, tables.chunks))
        units = [*plan.work, *plan.gone]
        before = _by_document(tables.chunks.by("document_id", units, ("id", "document_id", *_PLACE)).to_pylist())
        rows = [row for d in plan.work for row in self._split(found[d])]
        after = _by_document(rows)
        for document in units:
            _count(before.get(document, {}), after.get(document, {}), counters)
        moved = {d for d in units if before.get(d, {}) != after.get(d, {})}
        texts = {d for d in moved if _texts(before.get(d, {})) != _texts(after.get(d, {}))}
        arrow = tables.chunks.arrow([row for row in rows if row["document_id"] in moved])
        below = {"embeddings": moved, "extractions": texts | set(plan.gone), "projection": moved}
        catalog.queues.intend(self.partition, {(stage, self.partition): units for stage, units in below.items()})
        tables.chunks.replace(sorted(moved), arrow, fresh=not before)
        counters.bytes_written += arrow.nbytes
        self.stage.touched.extend(sorted(moved))
        catalog.stages.commit(
            Commit(
                STAGE,
                self.partition,
                marks={d: wanted[d] for d in plan.work},
                dropped=plan.gone,
                done=documents,
                advance=bool(moved),
            )
        )

    def _split(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        chunks = chunking.split(document["id"], document["title"], document["text"], self.limits, self.tokenizer)
        return [
            {
                "id": c.id, "document_id": document["id"], "partition": self.partition, "ordinal": c.ordinal,
                "title": document["title"], "heading_path": list(c.heading_path), "text": c.text,
                "words": canonical_words(c.text), "char_start": c.char_start, "char_end": c.char_end,
                "tokens": c.tokens, "language": document["language"],
                "fingerprint": fingerprint(c.fingerprint, document["language"]),
            }
            for c in chunks
        ]  # fmt: skip


Places = dict[str, tuple[Any, ...]]
"""{chunk id: (fingerprint, ordinal, char_start, char_end)} of one document."""


def _by_document(rows: Sequence[dict[str, Any]]) -> dict[str, Places]:
    found: dict[str, Places] = {}
    for row in rows:
        found.setdefault(row["document_id"], {})[row["id"]] = tuple(row[name] for name in _PLACE)
    return found


def _texts(places: Places) -> set[tuple[str, str]]:
    return {(chunk, place[0]) for chunk, place in places.items()}


def _count(before: Places, after: Places, counters: Counters) -> None:
    counters.rows_new += len(after.keys() - before.keys())
    counters.rows_removed += len(before.keys() - after.keys())
    counters.rows_changed += sum(place != after[chunk] for chunk, place in before.items() if chunk in after)
