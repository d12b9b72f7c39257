"""The asset `extractions`: what each chunk says of names and pairs of names, the durable truth of the graph."""

from collections.abc import Collection, Sequence
from typing import Any

import dagster as dg

from knowledge import extraction, names, resolution
from knowledge.acronyms import acronyms, merge
from knowledge.extraction import Extraction, Passage
from knowledge.fingerprint import fingerprint, shard_of
from knowledge.reconcile import reconcile
from rag_assets.ingest import ingest_asset
from rag_assets.stage import StageRun
from resources.catalog.stages import Commit
from resources.extractor import ExtractionError
from resources.index import Index
from resources.schemas import MENTIONS, STATEMENTS
from resources.settings import Settings, graph_partition

STAGE = "extractions"
DESCRIPTION = "Mentions and statements of each chunk: a pure function of its title, headings and text."
Row = dict[str, Any]


def extractions_asset(settings: Settings) -> dg.AssetsDefinition:
    return ingest_asset(
        settings, STAGE, "chunks", (MENTIONS, STATEMENTS), DESCRIPTION, extraction.VERSION,
        lambda index, partition, full: ExtractionsRun(index, partition, full=full),
        lambda index: [index.tables.mentions, index.tables.statements],
        {"spacy"},
    )  # fmt: skip


class ExtractionsRun:
    """The stage at work in one partition; its unit is a chunk, and a document's rows are written together.

    Rows keep each name as extracted, beside the entity it stands for in its document: an acronym defined in one
    chunk decides for all of them, and an edit of that chunk changes ids without a model.
    """

    def __init__(self, index: Index, partition: str, *, full: bool) -> None:
        self.index, self.partition = index, partition
        self.shards = index.settings.graph.shards
        self.extracted = 0
        self.stage = StageRun(index, STAGE, partition, full=full)

    def rows(self) -> int:
        where = f"partition = '{self.partition}'"
        return self.index.tables.mentions.count(where) + self.index.tables.statements.count(where)

    def batch(self, documents: Sequence[str]) -> None:
        tables, catalog = self.index.tables, self.index.catalog
        columns = ("id", "document_id", "title", "heading_path", "text", "language", "fingerprint")
        chunks = {row["id"]: row for row in tables.chunks.by("document_id", documents, columns).to_pylist()}
        marks = catalog.stages.marks_of(STAGE, documents)
        lost = self.stage.full and not tables.mentions.count()
        have = {} if lost else {chunk: mark for of in marks.values() for chunk, mark in of.items()}
        wanted = {c: fingerprint(row["fingerprint"], self.stage.signature) for c, row in chunks.items()}
        plan = reconcile(wanted, have)
        parents = {c: row["document_id"] for c, row in chunks.items()}
        gone_from = [d for d, of in marks.items() if any(chunk not in wanted for chunk in of)]
        changed = sorted({parents[c] for c in plan.work} | set(gone_from))
        old = _Rows(
            tables.mentions.by("document_id", changed).to_pylist(),
            tables.statements.by("document_id", changed).to_pylist(),
        )
        fresh, failed = self._extract([chunks[c] for c in plan.work])
        new = old.of(set(plan.same)).plus(fresh)
        self._resolve(new, [row for row in chunks.values() if row["document_id"] in set(changed)])
        again = set(plan.work) | set(plan.gone)
        self._write(changed, old, new, again)
        catalog.stages.commit(
            Commit(
                STAGE,
                self.partition,
                marks={c: wanted[c] for c in plan.work if c not in failed},
                parents=parents,
                dropped=plan.gone,
                done=documents,
                touched={"lookup": changed},
                advance=bool(changed),
            )
        )
        catalog.letters.clear(STAGE, [c for c in [*plan.work, *plan.gone] if c not in failed])
        letters = {c: (parents[c], error, True) for c, error in failed.items()}
        catalog.letters.put(STAGE, self.partition, letters)
        self.stage.counters.rows_failed += len(failed)
        self.stage.touched.extend(changed)

    def _extract(self, chunks: Sequence[Row]) -> tuple["_Rows", dict[str, str]]:
        """Rows of these chunks, and {chunk id: error} of those that the extractor could not do."""
        mentions: list[Row] = []
        statements: list[Row] = []
        failed: dict[str, str] = {}
        if chunks:
            passages = [Passage(c["title"], tuple(c["heading_path"]), c["text"], c["language"]) for c in chunks]
            self.extracted += len(passages)
            for chunk, found in zip(chunks, self.index.extractor.extract(passages), strict=True):
                if isinstance(found, ExtractionError):
                    failed[chunk["id"]] = found.reason
                else:
                    self._rows(chunk, found, mentions, statements)
        return _Rows(mentions, statements), failed

    def _rows(self, chunk: Row, found: Extraction, mentions: list[Row], statements: list[Row]) -> None:
        at = {"chunk_id": chunk["id"], "document_id": chunk["document_id"], "partition": self.partition}
        mentions += [
            {
                **at, "name": m.name, "surface": m.surface, "type": m.type, "spans": [o for s in m.spans for o in s],
                "description": m.description, "origin": m.origin,
            }
            for m in found.mentions
        ]  # fmt: skip
        statements += [
            {
                **at, "source": s.source, "target": s.target, "predicate": s.predicate, "weight": s.weight,
                "description": s.description,
            }
            for s in found.statements
        ]  # fmt: skip

    def _resolve(self, rows: "_Rows", chunks: Sequence[Row]) -> None:
        """Fill in the ids: a name stands for an entity, by the acronyms of its document."""
        defined: dict[str, list[dict[str, str]]] = {}
        for chunk in chunks:
            if found := acronyms(chunk["text"]):
                defined.setdefault(chunk["document_id"], []).append(found)
        known: dict[tuple[str | None, str], tuple[str, str]] = {}

        def entity(document: str, name: str) -> tuple[str, str]:
            where = document if document in defined else None
            if (where, name) not in known:
                stands = resolution.resolve_document([name], merge(defined[document]))[name] if where else name
                known[where, name] = (names.entity_id(stands), stands)
            return known[where, name]

        for row in rows.mentions:
            if row["origin"] != "lookup":
                row["entity_id"], row["canonical"] = entity(row["document_id"], row["name"])
                row["shard"] = shard_of(row["entity_id"], self.shards)
        for row in rows.statements:
            ends = (entity(row["document_id"], row["source"])[0], entity(row["document_id"], row["target"])[0])
            row["source_id"], row["target_id"] = sorted(ends)
            row["relationship_id"] = resolution.relationship_id(*ends, row["predicate"])
            row["shard"] = shard_of(row["source_id"], self.shards)

    def _write(self, documents: Sequence[str], old: "_Rows", new: "_Rows", again: Collection[str]) -> None:
        """The intent first: a kill between these writes must not forget which entities lost support."""
        tables, counters = self.index.tables, self.stage.counters
        pairs = (
            ("entities", "entity_id", old.mentions, new.mentions, MENTIONS.key),
            ("relationships", "relationship_id", old.statements, new.statements, STATEMENTS.key),
        )
        # with their documents: who reduces these ids counts the rows of such documents alone
        touched = {("projection", self.partition): set(documents)}
        for stage, id_column, before, after, key in pairs:
            a, b = _keyed(before, key), _keyed(after, key)
            counters.rows_new += len(b.keys() - a.keys())
            counters.rows_removed += len(a.keys() - b.keys())
            for k in a.keys() | b.keys():
                differ = a.get(k) != b.get(k)
                counters.rows_changed += differ and k in a and k in b
                if differ or k[0] in again:
                    for row in (a.get(k), b.get(k)):
                        if row is not None:
                            touched.setdefault((stage, graph_partition(row["shard"])), set()).add(row[id_column])
        self.index.catalog.queues.intend(self.partition, touched)
        for table, before, rows in (
            (tables.mentions, old.mentions, new.mentions),
            (tables.statements, old.statements, new.statements),
        ):
            arrow = table.arrow(rows)
            table.replace(documents, arrow, fresh=not before)
            counters.bytes_written += arrow.nbytes


class _Rows:
    """Mentions and statements of some documents."""

    def __init__(self, mentions: list[Row], statements: list[Row]) -> None:
        self.mentions, self.statements = mentions, statements

    def of(self, chunks: Collection[str]) -> "_Rows":
        """Copies of the rows of these chunks."""
        return _Rows(
            [dict(row) for row in self.mentions if row["chunk_id"] in chunks],
            [dict(row) for row in self.statements if row["chunk_id"] in chunks],
        )

    def plus(self, other: "_Rows") -> "_Rows":
        return _Rows(self.mentions + other.mentions, self.statements + other.statements)


def _keyed(rows: Sequence[Row], key: Sequence[str]) -> dict[tuple[str, ...], Row]:
    return {tuple(row[k] for k in key): row for row in rows}
