"""The asset `documents`: every document of a source as one row of markdown, or with the reason why there is none."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from knowledge.fingerprint import fingerprint
from rag_assets import discovery
from rag_assets.document_rows import EMPTY, NOTHING, batches, groups, rights, row_mark
from rag_assets.index_resource import IndexResource, run_holder
from rag_assets.partitions import ingest_partitions
from rag_assets.poison import MOST_TRIES, isolate
from rag_assets.previews import backlog
from rag_assets.stage import Report, StageRun, definition_metadata, markdown_table, wants_full
from rag_assets.work import source_of
from resources.catalog.items import Document
from resources.catalog.stages import Commit
from resources.errors import FetchFailed, RagError
from resources.index import Index
from resources.parser import Parsed, Parser, Rejected
from resources.schemas import DOCUMENTS
from resources.settings import Settings
from resources.sources.base import DocumentGone, DocumentRefused, Fetched

STAGE = "documents"
VERSION = "1"
PASSING = {"timeout", "memory", "crashed", "unopened"}
"""Reasons that may be gone at the next try; all others wait for a change or for `rag retry`."""


def documents_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name=STAGE,
        partitions_def=ingest_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[dg.AssetKey(["sources", name]) for name in settings.sources],
        group_name="ingest",
        owners=["team:data"],
        kinds={"lancedb", "python"},
        code_version=VERSION,
        metadata=definition_metadata(DOCUMENTS, uri=settings.index_uri),
    )
    def documents(context: dg.AssetExecutionContext, index: IndexResource) -> dg.MaterializeResult[None]:
        """Every document of a source as markdown. A bad one is a row with its reason, and stops no other."""
        parts, keys, full = index.opened, list(context.partition_keys), wants_full(context)
        report = Report(context, parts, STAGE)
        if context.run.tags.get(discovery.TAG) != "true":
            for source in dict.fromkeys(source_of(key) for key in keys):
                try:
                    discovery.discover(parts, source, full=full, who=run_holder(context.run_id), wait_seconds=600)
                except discovery.PartlyRead as error:
                    context.log.warning(str(error))
        with parts.catalog.leases.hold(keys, run_holder(context.run_id), wait_seconds=600), parts.parser() as parser:
            for key in keys:
                work = DocumentsRun(parts, parser, key, full=full)
                work.run()
                failed = [
                    {"document": letter.document_id, "error": letter.error, "tries": letter.tries}
                    for letter in parts.catalog.letters.find(STAGE)
                    if letter.partition == key
                ]
                rows = parts.catalog.stages.count(STAGE, key)
                report.add(key, work.stage.counters, rows, work.stage.touched, failed=markdown_table(failed[:50]))
        return report.result([parts.tables.documents], **backlog(parts))

    return documents


@dataclass(slots=True)
class _Outcome:
    """What became of one batch."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    letters: dict[str, tuple[str, str, bool]] = field(default_factory=dict)


class DocumentsRun:
    """The stage at work in one partition."""

    def __init__(self, index: Index, parser: Parser, partition: str, *, full: bool) -> None:
        self.index, self.parser, self.partition = index, parser, partition
        self.stage = StageRun(index, STAGE, partition, full=full)
        name = source_of(partition)
        self.source, self.settings = index.source(name), index.settings.sources[name]
        self._again: set[str] = set()

    def run(self) -> None:
        catalog = self.index.catalog
        pending = catalog.items.pending(self.partition)
        due = {x.document_id for x in catalog.letters.due(STAGE) if x.partition == self.partition}
        if self.stage.full:
            looked_at = catalog.items.documents(partition=self.partition)
        else:
            looked_at = catalog.items.documents(ids=set(pending) | due)
        self._again = set(pending) | due
        content = catalog.items.waiting_content(self.partition) | due
        failures = []
        for group in groups(looked_at, content):
            try:
                for batch in batches(group, self.index.settings.changes.batch_size):
                    self._work(batch, pending)
            except (RagError, OSError, RuntimeError) as error:
                failures.append(error)  # what else waits does not have to wait for it
        if failures:
            raise failures[0]
        self.stage.counters.rows_same = catalog.stages.count(STAGE, self.partition) - (
            self.stage.counters.rows_new + self.stage.counters.rows_changed
        )
        self.stage.finish()

    def _work(self, batch: Sequence[Document], pending: dict[str, int]) -> None:
        """Bring these up to date, and commit whenever the time for one batch is over."""

        def set_aside(document: Document, error: str) -> None:
            letter = {document.id: (document.id, error, True)}
            self.index.catalog.letters.put(STAGE, self.partition, letter, most_tries=MOST_TRIES)
            changes = {document.id: pending[document.id]} if document.id in pending else {}
            self.index.catalog.stages.commit(Commit(STAGE, self.partition, changes=changes))
            self.stage.counters.rows_failed += 1

        def work(documents: Sequence[Document]) -> None:
            while documents:
                documents = documents[self._batch(documents, pending) :]

        isolate(batch, work, set_aside)

    def _batch(self, batch: Sequence[Document], pending: dict[str, int]) -> int:
        """One commit; returns how many of the documents it holds."""
        table, catalog, counters = self.index.tables.documents, self.index.catalog, self.stage.counters
        ids = [d.id for d in batch]
        marks = catalog.stages.marks(STAGE, units=ids)
        old = {row["id"]: row for row in table.by("id", ids).to_pylist()}
        with tempfile.TemporaryDirectory(prefix="rag-fetch-") as folder:
            outcome, number = self._read(batch, old, marks, Path(folder))
        batch = batch[:number]
        ids = [d.id for d in batch]
        content = [r["id"] for r in outcome.rows if old.get(r["id"], NOTHING)["fingerprint"] != r["fingerprint"]]
        regraded = [r["id"] for r in outcome.rows if rights(old.get(r["id"])) != rights(r)]
        changed, gone = [r["id"] for r in outcome.rows] + outcome.gone, outcome.gone
        below = {"chunks": content + gone, "embeddings": regraded + gone, "projection": changed}
        rows = table.arrow(outcome.rows)
        catalog.queues.intend(self.partition, {(stage, self.partition): units for stage, units in below.items()})
        table.replace([r["id"] for r in outcome.rows] + [d for d in gone if d in old], rows, fresh=not old)
        counters.bytes_written += rows.nbytes
        new = [r for r in outcome.rows if r["id"] not in old]
        counters.rows_new += len(new)
        counters.rows_changed += len(outcome.rows) - len(new)
        counters.rows_removed += len([d for d in gone if d in old])
        counters.rows_failed += len(outcome.letters)
        waiting = {d.id: pending[d.id] for d in batch if d.id in pending}
        catalog.stages.commit(
            Commit(STAGE, self.partition, marks=outcome.marks, dropped=gone, changes=waiting, advance=bool(changed))
        )
        catalog.letters.clear(STAGE, [d for d in ids if d not in outcome.letters and d not in outcome.kept])
        catalog.letters.put(STAGE, self.partition, outcome.letters)
        self.stage.touched.extend(changed)
        return number

    def _read(
        self, batch: Sequence[Document], old: dict[str, dict[str, Any]], marks: dict[str, str], folder: Path
    ) -> tuple[_Outcome, int]:
        """Rows for what changed: parsed where the bytes are new, taken over where only path or rights are.

        And of how many documents: when the time for a batch is over, no more are fetched.
        """
        outcome, to_parse = _Outcome(), dict[str, tuple[Document, Fetched]]()
        until, number = time.monotonic() + self.index.settings.changes.batch_seconds, 0

        def jobs() -> Iterator[tuple[str, Path, str]]:
            nonlocal number
            for document in batch:
                if number and time.monotonic() >= until:
                    return
                number += 1
                before = old.get(document.id)
                if document.state == "gone":
                    outcome.gone.append(document.id)
                elif before is not None and self._is_read(document.id, before, document.item.content_sha256):
                    self._keep(document, before, marks, outcome)
                else:
                    self._fetch(document, before, folder, to_parse, marks, outcome)
                    if document.id in to_parse:
                        yield document.id, to_parse[document.id][1].path, document.item.path.rpartition("/")[2]

        for key, result in self.parser.parse_many(jobs()):
            document, fetched = to_parse[key]
            try:
                self.source.verify(fetched)
            except FetchFailed as error:
                self._set_aside(document, str(error), outcome)
                continue
            self._take(document, fetched, result, outcome)
        self.index.catalog.items.store_fetched({d.id: f.item for d, f in to_parse.values()})
        return outcome, number

    def _fetch(
        self,
        document: Document,
        before: dict[str, Any] | None,
        folder: Path,
        to_parse: dict[str, tuple[Document, Fetched]],
        marks: dict[str, str],
        outcome: _Outcome,
    ) -> None:
        try:
            fetched = self.source.fetch(document.item, folder, self.index.settings.parsing.max_bytes)
        except DocumentGone:
            outcome.kept.append(document.id)  # the next discovery says what became of it
            self._keep_text(document, before, outcome)
        except DocumentRefused as error:
            self._add(document, None, Rejected("refused", str(error)), self._parse_mark(None), outcome)
        except FetchFailed as error:
            self._set_aside(document, str(error), outcome)
            self._keep_text(document, before, outcome)
        else:
            if before is not None and self._is_read(document.id, before, fetched.content_sha256):
                self._keep(document, before, marks, outcome)
            else:
                to_parse[document.id] = (document, fetched)

    def _is_read(self, document_id: str, before: dict[str, Any], content_sha256: str | None) -> bool:
        """These bytes were read by this parser; what was set aside is read again when it is asked for."""
        asked = before["status"] != "ok" and document_id in self._again
        return not asked and content_sha256 is not None and before["parsed"] == self._parse_mark(content_sha256)

    def _set_aside(self, document: Document, error: str, outcome: _Outcome) -> None:
        """Could not be read now: its row stays as it is, and it is tried again."""
        outcome.letters[document.id] = (document.id, error, True)

    def _keep_text(self, document: Document, before: dict[str, Any] | None, outcome: _Outcome) -> None:
        """The text stays as it was read last, but who may read it is as it is now."""
        if before is not None and rights(before) != rights(row := {**before, **self._beside(document)}):
            outcome.rows.append(row)
            outcome.marks[document.id] = row_mark(row)

    def _keep(self, document: Document, before: dict[str, Any], marks: dict[str, str], outcome: _Outcome) -> None:
        """The same bytes: the text stays, only what stands beside it may be new."""
        row = {**before, **self._beside(document)}
        mark = row_mark(row)
        if marks.get(document.id) != mark:
            outcome.rows.append(row)
            outcome.marks[document.id] = mark
        if before["status"] != "ok":
            # still set aside: its letter stays
            outcome.kept.append(document.id)

    def _take(self, document: Document, fetched: Fetched, result: Parsed | Rejected, outcome: _Outcome) -> None:
        self._add(document, fetched, result, self._parse_mark(fetched.content_sha256), outcome)

    def _add(
        self, document: Document, fetched: Fetched | None, result: Parsed | Rejected, parsed: str, outcome: _Outcome
    ) -> None:
        row = {**EMPTY, **self._beside(document), "parsed": parsed}
        if fetched is not None:
            row |= {"content_sha256": fetched.content_sha256, "size": fetched.size}
            row["modified_at"] = fetched.item.modified_at
        if isinstance(result, Parsed):
            row |= {
                "title": result.title, "mime": result.mime, "author": result.author, "created_at": result.created_at,
                "text": result.text, "pages": list(result.pages), "language": result.language, "status": "ok",
            }  # fmt: skip
        else:
            row |= {"status": "failed", "reason": result.message}
            passing = result.reason in PASSING
            outcome.letters[document.id] = (document.id, result.message, passing)
            row["parsed"] = "" if passing else parsed  # what may mend itself is parsed again when it is looked at
        row["fingerprint"] = fingerprint(row["status"], row["title"] or "", row["language"], row["text"])
        outcome.rows.append(row)
        outcome.marks[document.id] = row_mark(row)

    def _beside(self, document: Document) -> dict[str, Any]:
        item = document.item
        return {
            "id": document.id, "source": document.source, "partition": document.partition,
            "native_id": item.native_id, "modified_at": item.modified_at, "path": item.path, "uri": item.uri,
            "acl_id": document.acl_id, "classification": self.settings.classification,
        }  # fmt: skip

    def _parse_mark(self, content_sha256: str | None) -> str:
        return fingerprint(content_sha256 or "", self.parser.identity) if content_sha256 else ""
