"""The asset `community_reports`: each community in words, quoted from its chunks, children before parents."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from knowledge import reports as writing
from knowledge.communities import Community
from knowledge.fingerprint import fingerprint
from knowledge.report import Finding, Report
from knowledge.reports import evidence_of, fingerprint_of
from rag_assets import embeddings
from rag_assets import stage as stages
from rag_assets.graph_use import GraphUse
from rag_assets.index_resource import IndexResource, run_holder
from rag_assets.partitions import graph_partitions
from rag_assets.projection import Projection
from rag_assets.report_reading import MEMBERS_AT_ONCE, GraphReader, Reading
from rag_assets.stage import StageRun, definition_metadata, markdown_table, wants_full
from rag_assets.work import GRAPH as LEASE
from resources import schemas
from resources.index import Index
from resources.settings import Settings

STAGE = "community_reports"
Row = dict[str, Any]


def community_reports_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name=STAGE,
        partitions_def=graph_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["communities"],
        group_name="reports",
        owners=["team:data"],
        kinds={"lancedb", "python"},
        code_version=writing.VERSION,
        metadata=definition_metadata(schemas.REPORTS, uri=settings.index_uri),
    )
    def community_reports(context: dg.AssetExecutionContext, index: IndexResource) -> dg.MaterializeResult[None]:
        """Title, summary, findings with citations and rating; written again only when what it rests on changed."""
        parts = index.opened
        report = stages.Report(context, parts, STAGE)
        with parts.catalog.leases.hold([LEASE], run_holder(context.run_id), wait_seconds=600):
            use = GraphUse(parts)
            graph = GraphReader(parts)
            works = [ReportsRun(parts, key, graph, full=wants_full(context)) for key in context.partition_keys]
            for work in works:
                work.look()
            graph.read_ahead(c for work in works for c in work.mine)
            for work in works:
                work.write()
            store(parts, works)
            projection = Projection(parts)
            projection.community_nodes({community for work in works for community in work.wanted})
            works[0].stage.counters.rows_failed += projection.finish()
            for work in works:
                work.finish()
                report.add(work.partition, work.stage.counters, work.rows(), work.stage.touched)
            embeddings.serve_newest(parts)
            return report.result([parts.reports()], **use.metadata(), strongest=markdown_table(_strongest(parts)))

    return community_reports


class ReportsRun:
    """The stage at work in one shard: whole top-level communities, each with all below it."""

    def __init__(self, index: Index, partition: str, graph: GraphReader, *, full: bool) -> None:
        self.index, self.partition, self.graph = index, partition, graph
        self.shard = int(partition.removeprefix("g"))
        self.table = index.reports()
        self.stage = StageRun(index, STAGE, partition, full=full)
        self.wanted: set[str] = set()
        self.new: list[Row] = []
        self.gone: list[str] = []
        self.old: dict[str, Row] = {}
        self.mine: list[Row] = []
        self._around: dict[str, Row] = {}

    def rows(self) -> int:
        return self.table.count(f"shard = {self.shard}")

    def look(self) -> None:
        """Find out which reports have to be looked at: their communities are `mine`, deepest first."""
        self.wanted = set(self.index.catalog.stages.queued(STAGE, self.partition))
        self._around = self._communities(self.wanted)
        self.gone = sorted(self.wanted - self._around.keys())
        mine = [c for c in self._around.values() if c["id"] in self.wanted]
        self.mine = sorted(mine, key=lambda c: (-c["level"], c["id"]))

    def write(self) -> None:
        """Write the reports that are new or changed; nothing is stored yet."""
        communities = self._around
        read = self.table.by("community_id", self.wanted | self._children(communities)).to_pylist()
        self.old = {row["community_id"]: row for row in read}
        known = {c: _report(row) for c, row in self.old.items()}
        documents = {c: set(row["documents"]) for c, row in self.old.items()}
        for batch in _batches(self.mine):
            self.new += self._write(batch, communities, known, documents)

    def finish(self) -> None:
        """The reports are stored: the queue is served."""
        counters = self.stage.counters
        counters.rows_new = sum(row["community_id"] not in self.old for row in self.new)
        counters.rows_changed = len(self.new) - counters.rows_new
        counters.rows_removed = sum(c in self.old for c in self.gone)
        counters.rows_same = self.rows() - len(self.new)
        self.index.catalog.stages.done(STAGE, self.wanted)
        self.stage.touched.extend([*(row["community_id"] for row in self.new), *self.gone])
        self.stage.finish()

    def _communities(self, wanted: set[str]) -> dict[str, Row]:
        """The communities to report on, and their children; `wanted` grows to all of the shard in a full look."""
        table, columns = self.index.tables.communities, ("id", "level", "parent", "members", "edges")
        if self.stage.full:
            rows = table.read(f"shard = {self.shard}", columns).to_pylist()
            wanted |= {row["id"] for row in rows}
            wanted |= set(self.table.read(f"shard = {self.shard}", ("community_id",))["community_id"].to_pylist())
        else:
            rows = table.by("id", wanted, columns).to_pylist()
            rows += table.by("parent", wanted, columns).to_pylist()
        return {row["id"]: row for row in rows}

    @staticmethod
    def _children(communities: dict[str, Row]) -> set[str]:
        return {c["id"] for c in communities.values() if c["parent"] in communities}

    def _write(
        self,
        batch: Sequence[Row],
        communities: dict[str, Row],
        known: dict[str, Report],
        documents: dict[str, set[str]],
    ) -> list[Row]:
        """Rows of the reports of one batch that are new or changed; all of one level, so that children are known."""
        below: dict[str, list[Row]] = {c["id"]: [] for c in batch}
        for community in communities.values():
            if community["parent"] in below:
                below[community["parent"]].append(community)
        read = Reading(self.index, self.graph.rows(batch), below)
        rows = []
        for c in batch:
            children = [known[child["id"]] for child in sorted(below[c["id"]], key=lambda x: str(x["id"]))]
            passages = read.passages_of(c["id"])
            rests_on = read.documents_of(c["id"]).union(*(documents[child["id"]] for child in below[c["id"]]))
            evidence = fingerprint(evidence_of(passages, children), *sorted(rests_on))
            mark = fingerprint_of(read.members[c["id"]], read.owned[c["id"]], passages, children)
            before = self.old.get(c["id"])
            stands = before and (before["fingerprint"], before["evidence"], before["level"], before["shard"])
            if stands == (mark, evidence, c["level"], self.shard):
                continue
            written = Community(c["id"], c["level"], c["parent"], tuple(c["members"]), c["edges"])
            report = writing.write(written, read.members[c["id"]], read.owned[c["id"]], passages, children)
            known[c["id"]], documents[c["id"]] = report, rests_on
            rows.append(self._row(report, evidence, rests_on))
        return rows

    def _row(self, report: Report, evidence: str, documents: set[str]) -> Row:
        return {
            "community_id": report.community_id, "shard": self.shard, "level": report.level, "title": report.title,
            "summary": report.summary, "findings": json.dumps([f.row() for f in report.findings], ensure_ascii=False),
            "citations": list(report.citations), "documents": sorted(documents), "rating": report.rating,
            "tokens": report.tokens, "fingerprint": report.fingerprint, "evidence": evidence, "vector": None,
        }  # fmt: skip


def store(index: Index, works: Sequence[ReportsRun]) -> None:
    """The reports of all shards of a run: one call of the model, one commit."""
    table, counters = index.reports(), works[0].stage.counters
    new = [row for work in works for row in work.new]
    old = {c: row for work in works for c, row in work.old.items()}
    unread = [row for row in new if not _reads_the_same(row, old.get(row["community_id"]))]
    for row in new:
        before = old.get(row["community_id"])
        row["vector"] = before["vector"] if before else None
    if unread:
        counters.model_calls += 1
        counters.texts_embedded += len(unread)
        vectors = index.embedder.encode([f"{row['title']}\n{row['summary']}" for row in unread])
        for row, vector in zip(unread, vectors, strict=True):
            row["vector"] = vector
    arrow = table.arrow(new)
    gone = [c for work in works for c in work.gone if c in old]
    table.replace([*(row["community_id"] for row in new), *gone], arrow, fresh=not old)
    counters.bytes_written += arrow.nbytes


def _report(row: Row) -> Report:
    findings = tuple(Finding.of(finding) for finding in json.loads(row["findings"]))
    return Report(
        row["community_id"], row["level"], row["title"], row["summary"], findings, row["rating"], row["tokens"],
        row["fingerprint"],
    )  # fmt: skip


def _reads_the_same(row: Row, before: Row | None) -> bool:
    return before is not None and (row["title"], row["summary"]) == (before["title"], before["summary"])


def _batches(communities: Sequence[Row]) -> Iterator[list[Row]]:
    """Communities of one level, with a bounded number of members."""
    batch: list[Row] = []
    size = 0
    for community in communities:
        if batch and (community["level"] != batch[0]["level"] or size >= MEMBERS_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(community)
        size += len(community["members"])
    if batch:
        yield batch


def _strongest(index: Index) -> list[Row]:
    columns = ("title", "rating", "tokens")
    return list(index.reports().top(("-rating", "title"), columns, 20, "level = 0").to_pylist())
