"""The asset `embeddings`: the serving table, one row a chunk with its vector and all that a search shows of it."""

import json
from collections.abc import Sequence
from typing import Any

import dagster as dg
import numpy as np

from knowledge.chunking import embedded_text
from knowledge.fingerprint import fingerprint
from knowledge.reconcile import reconcile
from knowledge.terms import search_text
from rag_assets import work
from rag_assets.ingest import ingest_asset
from rag_assets.stage import StageRun, batches
from resources.catalog.stages import Commit
from resources.errors import ModelError
from resources.index import Index
from resources.schemas import EMBEDDINGS
from resources.settings import Settings

STAGE = "embeddings"
VERSION = "1"
DESCRIPTION = "A vector a chunk, embedded once a text; a document's rows change in one atomic commit."
WINDOW = 4_096
"""Texts given to the model at once: it sorts by length inside a call."""


def embeddings_asset(settings: Settings) -> dg.AssetsDefinition:
    return ingest_asset(
        settings, STAGE, "chunks", (EMBEDDINGS,), DESCRIPTION, VERSION,
        lambda index, partition, full: EmbeddingsRun(index, partition, full=full),
        lambda index: [index.embeddings()],
        {"huggingface"},
    )  # fmt: skip


class EmbeddingsRun:
    """The stage at work in one partition; its unit is a document, its model works on texts never seen before."""

    def __init__(self, index: Index, partition: str, *, full: bool) -> None:
        self.index, self.partition = index, partition
        self.table = index.embeddings()
        self.stage = StageRun(index, STAGE, partition, full=full)

    def rows(self) -> int:
        return self.table.count(f"partition = '{self.partition}'")

    def batch(self, documents: Sequence[str]) -> None:
        catalog, tables = self.index.catalog, self.index.tables
        columns = ("id", "source", "acl_id", "classification")
        found = {row["id"]: row for row in tables.documents.by("id", documents, columns).to_pylist()}
        chunks: dict[str, list[dict[str, Any]]] = {d: [] for d in found}
        for row in tables.chunks.by("document_id", documents).to_pylist():
            if row["document_id"] in chunks:
                chunks[row["document_id"]].append(row)
        wanted = {d: self._mark(found[d], rows) for d, rows in chunks.items()}
        plan = reconcile(wanted, self.stage.marks(documents, self.table))
        units = [*plan.work, *plan.gone]
        old = {row["chunk_id"]: row for row in self.table.by("document_id", units, _OLD).to_pylist()}
        rows = [self._row(found[d], chunk) for d in plan.work for chunk in chunks[d]]
        failed = self._add_vectors(rows, old)
        done = [d for d in units if d not in failed]
        rows = [row for row in rows if row["document_id"] not in failed]
        arrow = self.table.arrow(rows)
        self.table.replace(done, arrow, fresh=not old)
        self._count(rows, {c: row for c, row in old.items() if row["document_id"] not in failed}, arrow.nbytes)
        self.stage.touched.extend(done)
        catalog.stages.commit(
            Commit(
                STAGE,
                self.partition,
                marks={d: wanted[d] for d in plan.work if d not in failed},
                dropped=plan.gone,
                done=documents,
            )
        )
        catalog.letters.clear(STAGE, done)
        catalog.letters.put(STAGE, self.partition, {d: (d, error, True) for d, error in failed.items()})
        self.stage.counters.rows_failed += len(failed)
        catalog.items.purge([d for d in documents if d not in found])

    def _mark(self, document: dict[str, Any], chunks: list[dict[str, Any]]) -> str:
        ordered = sorted(chunks, key=lambda c: c["ordinal"])
        places = [f"{c['id']}:{c['char_start']}:{c['char_end']}:{c['fingerprint']}" for c in ordered]
        return fingerprint(
            self.stage.signature, document["source"], document["acl_id"], document["classification"], *places
        )

    def _row(self, document: dict[str, Any], chunk: dict[str, Any]) -> dict[str, Any]:
        embedded = embedded_text(chunk["title"], chunk["heading_path"], chunk["text"], self.index.chunk_limits)
        return {
            "chunk_id": chunk["id"], "document_id": chunk["document_id"], "partition": self.partition,
            "source": document["source"], "ordinal": chunk["ordinal"], "title": chunk["title"],
            "heading_path": chunk["heading_path"], "text": chunk["text"],
            "search_text": search_text(chunk["title"], chunk["heading_path"], chunk["text"], chunk["words"]),
            "char_start": chunk["char_start"], "char_end": chunk["char_end"],
            "vector_key": fingerprint(self.index.embedder.identity, embedded), "embedded": embedded, "vector": None,
            "acl_id": document["acl_id"], "classification": document["classification"],
        }  # fmt: skip

    def _add_vectors(self, rows: list[dict[str, Any]], old: dict[str, dict[str, Any]]) -> dict[str, str]:
        """Vectors from the table where the same text has one, from the model otherwise.

        Returns {document id: error} of the documents whose vectors the model could not give.
        """
        known = {row["vector_key"]: row["vector"] for row in old.values()}
        missing = {row["vector_key"] for row in rows} - known.keys()
        if missing and self.table.count():
            shared = self.table.by("vector_key", missing, ("vector_key", "vector")).to_pylist()
            known |= {row["vector_key"]: row["vector"] for row in shared}
        todo = {row["vector_key"]: row["embedded"] for row in rows if row["vector_key"] not in known}
        failed: dict[str, str] = {}
        for keys in batches(todo, WINDOW):
            try:
                known |= dict(zip(keys, self._encode([todo[k] for k in keys]), strict=True))
            except ModelError:
                known |= self._one_by_one(keys, todo, rows, failed)
        for row in rows:
            row["vector"] = known.get(row["vector_key"])
        return failed

    def _one_by_one(
        self, keys: Sequence[str], todo: dict[str, str], rows: list[dict[str, Any]], failed: dict[str, str]
    ) -> dict[str, Any]:
        """A window failed: find the texts that the model cannot do; the others go on."""
        vectors: dict[str, Any] = {}
        for key in keys:
            try:
                vectors[key] = self._encode([todo[key]])[0]
            except ModelError as error:
                failed |= {row["document_id"]: str(error) for row in rows if row["vector_key"] == key}
        return vectors

    def _encode(self, texts: list[str]) -> "np.ndarray[Any, Any]":
        self.stage.counters.model_calls += 1
        self.stage.counters.texts_embedded += len(texts)
        return self.index.embedder.encode(texts)

    def _count(self, rows: list[dict[str, Any]], old: dict[str, dict[str, Any]], nbytes: int) -> None:
        counters, now = self.stage.counters, {row["chunk_id"]: row for row in rows}
        counters.rows_new += len(now.keys() - old.keys())
        counters.rows_removed += len(old.keys() - now.keys())
        counters.rows_changed += sum(
            any(row[name] != now[chunk][name] for name in _PLACE) for chunk, row in old.items() if chunk in now
        )
        counters.bytes_written += nbytes


_PLACE = ("vector_key", "ordinal", "char_start", "char_end", "acl_id", "classification")
_OLD = ("chunk_id", "document_id", "vector", *_PLACE)


def serve_newest(index: Index) -> bool:
    """Let the settings' model serve, once every partition has its vectors; until then the old one does."""
    live = json.dumps(
        {
            "key": index.model_key, "dimension": index.embedder.dimension,
            "model": index.settings.embeddings.model, "identity": index.embedder.identity,
        },
        sort_keys=True,
    )  # fmt: skip
    if index.catalog.get("live_embeddings") == live:
        return False
    states = index.catalog.stages.stages()
    keys = [key for source in index.settings.sources for key in index.settings.partitions(source)]
    ready = all(
        states.get((STAGE, key)) and states[STAGE, key].signature == work.signature(index, STAGE, key) for key in keys
    )
    complete = ready and all(states[STAGE, key].complete for key in keys)
    if complete or index.catalog.get("live_embeddings") is None:
        index.catalog.put("live_embeddings", live)
        return True
    return False
