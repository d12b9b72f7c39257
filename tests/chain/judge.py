"""What must hold of every index after a pass, judged from its rows alone: a list of what does not."""

import json
from collections import Counter
from collections.abc import Iterator

from knowledge import chunking
from knowledge.fingerprint import fingerprint, shard_of
from rag_assets.graph_rows import tables_of
from rag_assets.tallies import bucket_of
from rag_assets.work import GRAPH_QUEUES, INGEST_STAGES
from resources.graph.parity import differences
from resources.index import Index
from resources.schemas import SPECS
from tests.chain.snapshot import Row, Snapshot


def problems(index: Index, found: Snapshot) -> list[str]:
    """Everything that is wrong, as lines; empty for a sound index with nothing left to do."""
    lines = [*_keys(found), *_chunks(index, found), *_support(found), *_tallies(found)]
    lines += [*_communities(index, found), *_reports(found)]
    lines += [f"graph store: {difference.first()}" for difference in differences(index.graph, tables_of(index))]
    lines += [f"queue {queue}: {count} units wait" for queue, count in index.catalog.queues.lengths().items()]
    waiting = index.catalog.queues.awaited(*GRAPH_QUEUES, *INGEST_STAGES)
    lines += [f"{len(waiting)} units will wait"] if waiting else []
    lines += [f"changes wait in {partition}" for partition in index.catalog.items.waiting()]
    return lines


def _keys(found: Snapshot) -> Iterator[str]:
    for spec in SPECS:
        counts = Counter(tuple(row[k] for k in spec.key) for row in found.tables[spec.name])
        yield from (f"{spec.name}: {key} stands there {n} times" for key, n in counts.items() if n > 1)


def _chunks(index: Index, found: Snapshot) -> Iterator[str]:
    """The chunks are those that the documents give, ids included; each has its row of vectors."""
    wanted = {
        chunk.id: (chunk.text, chunk.char_start, chunk.char_end, chunk.ordinal, document["id"])
        for document in found.tables["documents"]
        for chunk in chunking.split(
            document["id"], document["title"], document["text"], index.chunk_limits, index.embedder.tokenizer
        )
    }
    for table, key in (("chunks", "id"), ("embeddings", "chunk_id")):
        have = {
            row[key]: (row["text"], row["char_start"], row["char_end"], row["ordinal"], row["document_id"])
            for row in found.tables[table]
        }
        for chunk in sorted(wanted.keys() | have.keys()):
            if wanted.get(chunk) != have.get(chunk):
                state = "is missing" if chunk not in have else "is too much" if chunk not in wanted else "differs"
                yield f"{table}: {chunk} {state}"


def _support(found: Snapshot) -> Iterator[str]:
    chunks = {row["id"]: row["document_id"] for row in found.tables["chunks"]}
    for table in ("mentions", "statements"):
        for row in found.tables[table]:
            if chunks.get(row["chunk_id"]) != row["document_id"]:
                yield f"{table}: {row['chunk_id']} is no chunk of {row['document_id']}"
    entities = {row["id"] for row in found.tables["entities"]}
    if entities != {row["entity_id"] for row in found.tables["mentions"]}:
        yield "entities: they are not those that are mentioned"
    stated = {row["relationship_id"] for row in found.tables["statements"] if row["source_id"] != row["target_id"]}
    if {row["id"] for row in found.tables["relationships"]} != stated:
        yield "relationships: they are not those that are stated"
    for row in found.tables["relationships"]:
        if not {row["source_id"], row["target_id"]} <= entities:
            yield f"relationships: {row['id']} has an end that is no entity"


def _tallies(found: Snapshot) -> Iterator[str]:
    """What is kept of a name's mentions, bucket by bucket, is what they add up to."""
    kept = {(row["entity_id"], row["bucket"]): (row["chunks"], row["documents"]) for row in found.tables["tallies"]}
    wide = {entity for entity, _ in kept}
    chunks: dict[tuple[str, int], set[str]] = {}
    documents: dict[tuple[str, int], set[str]] = {}
    for row in found.tables["mentions"]:
        if row["entity_id"] in wide:
            key = row["entity_id"], bucket_of(row["document_id"])
            chunks.setdefault(key, set()).add(row["chunk_id"])
            documents.setdefault(key, set()).add(row["document_id"])
    wanted = {key: (len(chunks[key]), len(documents[key])) for key in chunks}
    yield from (f"tallies: {key} is {kept.get(key)}, not {n}" for key, n in wanted.items() if kept.get(key) != n)
    yield from (f"tallies: {key} is of no mention" for key in kept.keys() - wanted.keys())


def _communities(index: Index, found: Snapshot) -> Iterator[str]:
    """A nested partition: level 0 holds every related entity once, children share their parent's members out."""
    rows = found.rows("communities", "id")
    related = {e for row in found.tables["relationships"] for e in (row["source_id"], row["target_id"])}
    tops = Counter(m for row in rows.values() if row["level"] == 0 for m in row["members"])
    if tops.keys() != related:
        yield f"communities: level 0 misses {len(related - tops.keys())} and has {len(tops.keys() - related)} too many"
    yield from (f"communities: {entity} stands in {n} of level 0" for entity, n in tops.items() if n > 1)
    children: dict[str, list[Row]] = {}
    for row in rows.values():
        if sorted(set(row["members"])) != row["members"] or row["size"] != len(row["members"]):
            yield f"communities: the members of {row['id']} are not sorted, not distinct or not counted"
        if row["members_hash"] != fingerprint(*row["members"]):
            yield f"communities: the hash of the members of {row['id']} is another"
        if (row["parent"] is None) != (row["level"] == 0):
            yield f"communities: {row['id']} of level {row['level']} has the parent {row['parent']}"
        if row["parent"] is not None:
            children.setdefault(row["parent"], []).append(row)
        top = row
        while top["parent"] in rows:
            top = rows[top["parent"]]
        if row["top"] != top["id"] or row["shard"] != shard_of(top["id"], index.settings.graph.shards):
            yield f"communities: {row['id']} stands in the shard of another top"
    for parent, below in children.items():
        if parent not in rows:
            yield f"communities: the parent {parent} is not there"
            continue
        if {row["level"] for row in below} != {rows[parent]["level"] + 1}:
            yield f"communities: the children of {parent} are not one level below"
        if sorted(m for row in below for m in row["members"]) != rows[parent]["members"]:
            yield f"communities: the children of {parent} do not share its members out"
    members = sorted((row["id"], m, row["level"]) for row in rows.values() for m in row["members"])
    if members != sorted((r["community_id"], r["entity_id"], r["level"]) for r in found.tables["memberships"]):
        yield "memberships: they are not the members of the communities"


def _reports(found: Snapshot) -> Iterator[str]:
    communities, reports = found.rows("communities", "id"), found.rows("community_reports", "community_id")
    if communities.keys() != reports.keys():
        yield (
            f"community_reports: {len(communities.keys() - reports.keys())} missing, "
            f"{len(reports.keys() - communities.keys())} too many"
        )
    chunks = {row["id"]: row["document_id"] for row in found.tables["chunks"]}
    for name, report in reports.items():
        community, findings = communities.get(name), json.loads(report["findings"])
        cited = {chunk for finding in findings for chunk in finding["citations"]}
        if community is None:
            continue
        if (report["level"], report["shard"]) != (community["level"], community["shard"]):
            yield f"community_reports: {name} stands at another level or shard than its community"
        if cited != set(report["citations"]):
            yield f"community_reports: {name} does not list what it cites"
        for chunk in cited | set(report["citations"]):
            if chunk not in chunks:
                yield f"community_reports: {name} cites {chunk}, which is not there"
            elif chunks[chunk] not in report["documents"]:
                yield f"community_reports: {name} does not list the document of {chunk}"
        if not set(report["documents"]) <= set(chunks.values()):
            yield f"community_reports: {name} rests on a document that has no chunk"
        if not {e for finding in findings for e in finding["entities"]} <= set(community["members"]):
            yield f"community_reports: a finding of {name} names an entity that is no member"
