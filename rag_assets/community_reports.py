"""The asset `community_reports`: each community in words, quoted from its chunks, children before parents."""

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import dagster as dg

from knowledge import reports as writing
from knowledge.community import Community
from knowledge.counters import Counters
from knowledge.fingerprint import fingerprint
from knowledge.report import Finding, Report
from knowledge.reports import evidence_of, fingerprint_of
from rag_assets import embeddings
from rag_assets import stage as stages
from rag_assets.graph_use import GraphUse
from rag_assets.index_resource import IndexResource, run_holder
from rag_assets.partitions import graph_partitions
from rag_assets.projection import Projection
from rag_assets.report_reading import Reading
from rag_assets.stage import StageRun, definition_metadata, markdown_table, wants_full
from rag_assets.work import GRAPH as LEASE
from resources import schemas
from resources.index import Index
from resources.settings import Settings, graph_shard

STAGE = "community_reports"
MEMBERS_AT_ONCE = 10_000
"""Members of the communities that are read together."""
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
            work = ReportsRun(parts, context.partition_keys, full=wants_full(context))
            work.run()
            for key, shard in work.shards.items():
                report.add(key, shard.counters, work.rows[key], [])
            report.touched(work.touched)
            embeddings.serve_newest(parts)
            return report.result([parts.reports()], **use.metadata(), strongest=markdown_table(_strongest(parts)))

    return community_reports


class ReportsRun:
    """The stage at work in some shards: whole top-level communities, each with all below it; all shards together."""

    def __init__(self, index: Index, partitions: Sequence[str], *, full: bool) -> None:
        self.index, self.table = index, index.reports()
        self.shards = {key: StageRun(index, STAGE, key, full=full) for key in partitions}
        self.rows: dict[str, int] = {}
        self.touched: list[str] = []

    def run(self) -> None:
        """Look at what the queues name, write what is new or changed, store it in one commit, project the nodes."""
        taken, of = dict[str, int](), dict[str, str]()
        for key in self.shards:
            found = self.index.catalog.queues.take(STAGE, key)
            taken |= found
            of |= dict.fromkeys(found, key)
        around = self._communities(of)
        mine = [c for c in around.values() if c["id"] in of]
        old = {row["community_id"]: row for row in self.table.by("community_id", of.keys() | around.keys()).to_pylist()}
        new = self._reports(mine, around, old)
        gone = [c for c in sorted(of.keys() - around.keys()) if c in old]
        if of:
            self._store(new, gone, old, self.shards[next(iter(of.values()))].counters)
        projection = Projection(self.index)
        projection.community_nodes(of)
        next(iter(self.shards.values())).counters.rows_failed += projection.finish()
        self.index.catalog.queues.done(STAGE, taken)
        self.touched = [*(row["community_id"] for row in new), *gone]
        self._count({row["community_id"]: of[row["community_id"]] for row in new}, {c: of[c] for c in gone}, old)

    def _count(self, new: Mapping[str, str], gone: Mapping[str, str], old: Container[str]) -> None:
        """Finish each shard with what it did; {community: partition} of the reports that were written and removed."""
        for community, key in new.items():
            self.shards[key].counters.rows_changed += community in old
            self.shards[key].counters.rows_new += community not in old
        for key in gone.values():
            self.shards[key].counters.rows_removed += 1
        for key, stage in self.shards.items():
            self.rows[key] = self.table.count(f"shard = {graph_shard(key)}")
            stage.counters.rows_same = self.rows[key] - stage.counters.rows_new - stage.counters.rows_changed
            stage.finish()

    def _communities(self, of: dict[str, str]) -> dict[str, Row]:
        """The communities to report on, and their children; `of`, {community: partition}, grows to all of a shard in a
        full look."""
        table, columns = self.index.tables.communities, ("id", "shard", "level", "parent", "top", "members", "edges")
        found: list[Row] = []
        for key in (key for key, stage in self.shards.items() if stage.full):
            where = f"shard = {graph_shard(key)}"
            rows = table.read(where, columns).to_pylist()
            reports = self.table.read(where, ("community_id",))["community_id"].to_pylist()
            of |= dict.fromkeys([*(row["id"] for row in rows), *reports], key)
            found += rows
        known = {row["id"] for row in found}
        wanted = [c for c, key in of.items() if not self.shards[key].full]
        found += [row for row in table.by("id", wanted, columns).to_pylist() if row["id"] not in known]
        found += table.by("parent", wanted, columns).to_pylist()
        return {row["id"]: row for row in found}

    def _reports(self, mine: Sequence[Row], around: dict[str, Row], old: dict[str, Row]) -> list[Row]:
        """Rows of the reports that are new or changed; nothing is stored yet."""
        known = {c: _report(row) for c, row in old.items()}
        documents = {c: set(row["documents"]) for c, row in old.items()}
        return [row for batch in _batches(mine) for row in self._write(batch, around, old, known, documents)]

    def _write(
        self,
        batch: Sequence[Row],
        around: dict[str, Row],
        old: dict[str, Row],
        known: dict[str, Report],
        documents: dict[str, set[str]],
    ) -> list[Row]:
        """Rows of the reports of one batch that are new or changed, the deepest communities first: a report is made of
        its children's. `batch`: all of a top-level community that are to be looked at."""
        below: dict[str, list[Row]] = {c["id"]: [] for c in batch}
        for community in around.values():
            if community["parent"] in below:
                below[community["parent"]].append(community)
        read = Reading(self.index, batch, below)
        rows = []
        for c in reversed(batch):
            children = [known[child["id"]] for child in sorted(below[c["id"]], key=lambda x: str(x["id"]))]
            passages = read.passages_of(c["id"])
            rests_on = read.documents_of(c["id"]).union(*(documents[child["id"]] for child in below[c["id"]]))
            evidence = fingerprint(evidence_of(passages, children), *sorted(rests_on))
            mark = fingerprint_of(read.members[c["id"]], read.owned[c["id"]], passages, children)
            before = old.get(c["id"])
            stands = before and (before["fingerprint"], before["evidence"], before["level"], before["shard"])
            if stands == (mark, evidence, c["level"], c["shard"]):
                continue
            written = Community(c["id"], c["level"], c["parent"], tuple(c["members"]), c["edges"])
            report = writing.write(written, read.members[c["id"]], read.owned[c["id"]], passages, children, mark=mark)
            known[c["id"]], documents[c["id"]] = report, rests_on
            rows.append(_row(report, c["shard"], evidence, rests_on))
        return rows

    def _store(self, new: Sequence[Row], gone: Sequence[str], old: dict[str, Row], counters: Counters) -> None:
        """One call of the model, one commit."""
        unread = [row for row in new if not _reads_the_same(row, old.get(row["community_id"]))]
        for row in new:
            before = old.get(row["community_id"])
            row["vector"] = before["vector"] if before else None
        if unread:
            counters.model_calls += 1
            counters.texts_embedded += len(unread)
            vectors = self.index.embedder.encode([f"{row['title']}\n{row['summary']}" for row in unread])
            for row, vector in zip(unread, vectors, strict=True):
                row["vector"] = vector
        arrow = self.table.arrow(new)
        self.table.replace([*(row["community_id"] for row in new), *gone], arrow, fresh=not old)
        counters.bytes_written += arrow.nbytes


def _row(report: Report, shard: int, evidence: str, documents: set[str]) -> Row:
    return {
        "community_id": report.community_id, "shard": shard, "level": report.level, "title": report.title,
        "summary": report.summary, "findings": json.dumps([f.row() for f in report.findings], ensure_ascii=False),
        "citations": list(report.citations), "documents": sorted(documents), "rating": report.rating,
        "tokens": report.tokens, "fingerprint": report.fingerprint, "evidence": evidence, "vector": None,
    }  # fmt: skip


def _report(row: Row) -> Report:
    findings = tuple(Finding.of(finding) for finding in json.loads(row["findings"]))
    return Report(
        row["community_id"], row["level"], row["title"], row["summary"], findings, row["rating"], row["tokens"],
        row["fingerprint"],
    )  # fmt: skip


def _reads_the_same(row: Row, before: Row | None) -> bool:
    return before is not None and (row["title"], row["summary"]) == (before["title"], before["summary"])


def _batches(communities: Iterable[Row]) -> Iterator[list[Row]]:
    """Top-level communities with all below them, parents before children, a bounded number of members together."""
    batch: list[Row] = []
    size = 0
    ordered = sorted(communities, key=lambda c: (c["top"], c["level"], c["id"]))
    for _, found in groupby(ordered, key=itemgetter("top")):
        tree = list(found)
        coarsest = sum(len(c["members"]) for c in tree if c["level"] == tree[0]["level"])
        if batch and size + coarsest > MEMBERS_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch += tree
        size += coarsest
    if batch:
        yield batch


def _strongest(index: Index) -> list[Row]:
    columns = ("title", "rating", "tokens")
    return list(index.reports().top(("-rating", "title"), columns, 20, "level = 0").to_pylist())
