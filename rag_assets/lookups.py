"""Names of titles and headings, looked up in all texts: the one step where a new document touches old ones.

Changed chunks are matched against all names, new or vanished names against the chunks that hold them (by the
full-text index); so the cost follows the change, and the result is that of a clean build.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from knowledge import lookup
from knowledge.counters import Counters
from knowledge.fingerprint import shard_of
from knowledge.names import LONGEST, eligible, entity_id
from rag_assets.stage import batches
from resources.index import Index
from resources.settings import graph_partition

NAMES_STAGE, CHUNKS_STAGE = "lookup", "lookup_chunks"
PARTITION = "graph"
FEW = 200
"""Up to so many chunks are matched by asking the catalog for their candidates; more, by all names in memory."""
SCAN_SHARE = 50
"""A phrase query costs about what the scan of so many chunks does."""
Row = dict[str, Any]


def bring_up_to_date(index: Index, counters: Counters, *, full: bool = False) -> None:
    """Make the mentions of origin `lookup` those of a clean build."""
    _find_candidates(index, full=full)
    waiting = index.catalog.queues.take(CHUNKS_STAGE)
    known = index.catalog.names.all() if len(waiting) > FEW else None
    heads = {name.partition(" ")[0] for name in known or ()}
    for batch in batches(waiting):
        _look_up(index, batch, known, heads, counters)
        index.catalog.queues.done(CHUNKS_STAGE, {chunk: waiting[chunk] for chunk in batch})


def _find_candidates(index: Index, *, full: bool) -> None:
    """Which chunks must be matched again: those of changed documents, and those that hold a new or vanished name."""
    catalog, tables = index.catalog, index.tables
    taken = catalog.queues.take(NAMES_STAGE)
    documents = set(taken)
    if full:
        documents.update(tables.chunks.read(None, ["document_id"])["document_id"].to_pylist())
    if not documents:
        return
    given: dict[str, set[str]] = {d: set() for d in sorted(documents)}
    # chunks that are no more, too: a run that looked something up in one while it went has left it there
    chunks = set(tables.chunks.by("document_id", documents, ("id",))["id"].to_pylist())
    columns = ("document_id", "chunk_id", "canonical", "origin")
    for row in tables.mentions.by("document_id", documents, columns).to_pylist():
        if row["origin"] == "title" and eligible(row["canonical"]):
            given[row["document_id"]].add(row["canonical"])
        if row["origin"] == "lookup":
            chunks.add(row["chunk_id"])
    if 2 * len(chunks) < tables.chunks.count():
        chunks |= _holding(index, _changed_names(index, given))
    else:  # most of the index is new: matching all of it costs less than asking where each name stands
        chunks |= set(tables.chunks.read(None, ("id",))["id"].to_pylist())
    with catalog.database.begin() as connection:
        catalog.names.replace(connection, given)
        catalog.queues.hand_over(connection, NAMES_STAGE, taken, CHUNKS_STAGE, {PARTITION: chunks})


def _changed_names(index: Index, given: Mapping[str, Collection[str]]) -> set[str]:
    """Names that become known, or are known no more, when these documents give these names."""
    names = index.catalog.names
    before = names.of(given)
    added = {n for d, now in given.items() for n in set(now) - before[d]}
    removed = {n for d, now in given.items() for n in before[d] - set(now)}
    givers = names.givers(added | removed)
    new = {n for n in added if not givers[n]}
    still = {n for now in given.values() for n in now}
    gone = {n for n in removed if not (givers[n] - given.keys()) and n not in still}
    return new | gone


def _holding(index: Index, names: Collection[str]) -> set[str]:
    """Ids of the chunks that hold one of these names: by the full-text index, or by one scan for very many names."""
    chunks = index.tables.chunks
    if len(names) * SCAN_SHARE <= chunks.count():
        return set(chunks.holding(names, ("id",))["id"].to_pylist())
    rows, wanted = chunks.read(None, ("id", "words")), set(names)
    heads = {name.partition(" ")[0] for name in wanted}
    pairs = zip(rows["id"].to_pylist(), rows["words"].to_pylist(), strict=True)
    return {chunk for chunk, words in pairs if _holds(words.split(), wanted, heads)}


def _holds(words: Sequence[str], names: Collection[str], heads: Collection[str]) -> bool:
    starts = (at for at, word in enumerate(words) if word in heads)
    return any(" ".join(words[at : at + n]) in names for at in starts for n in range(1, LONGEST + 1))


def _look_up(index: Index, chunks: Sequence[str], known: set[str] | None, heads: set[str], counters: Counters) -> None:
    tables, catalog, shards = index.tables, index.catalog, index.settings.graph.shards
    columns = ("id", "document_id", "partition", "text", "words")
    texts = {row["id"]: row for row in tables.chunks.by("id", chunks, columns).to_pylist()}
    if known is None:
        known = catalog.names.known({c for row in texts.values() for c in lookup.candidates(row["text"])})
    else:  # most chunks hold no first word of a name: they need not be read
        texts = {c: row for c, row in texts.items() if not heads.isdisjoint(row["words"].split())}
    own: dict[str, set[str]] = {c: set() for c in chunks}
    found: set[str] = set()
    for row in tables.mentions.by("chunk_id", chunks, ("chunk_id", "name", "origin")).to_pylist():
        if row["origin"] == "lookup":
            found.add(row["chunk_id"])
        else:
            own[row["chunk_id"]].add(row["name"])
    old = {
        (row["chunk_id"], row["name"]): row
        for row in tables.mentions.by("chunk_id", found).to_pylist()
        if row["origin"] == "lookup"
    }
    new: dict[tuple[str, str], Row] = {}
    for chunk, row in texts.items():
        for m in lookup.find(row["text"], known, own[chunk]):
            entity = entity_id(m.name)
            new[chunk, m.name] = {
                "chunk_id": chunk, "document_id": row["document_id"], "partition": row["partition"],
                "shard": shard_of(entity, shards), "entity_id": entity, "canonical": m.name, "name": m.name,
                "surface": m.surface, "type": m.type, "spans": [o for s in m.spans for o in s],
                "description": m.description, "origin": m.origin,
            }  # fmt: skip
    differ = {k for k in old.keys() | new.keys() if old.get(k) != new.get(k)}
    if differ:
        _write(index, differ, old, new, counters)


def _write(
    index: Index,
    differ: Collection[tuple[str, str]],
    old: Mapping[tuple[str, str], Row],
    new: Mapping[tuple[str, str], Row],
    counters: Counters,
) -> None:
    queues, mentions = index.catalog.queues, index.tables.mentions
    rows = [row for k in differ for row in (old.get(k), new.get(k)) if row is not None]
    touched: dict[str, set[str]] = {}
    for row in rows:
        touched.setdefault(graph_partition(row["shard"]), set()).add(row["entity_id"])
    queues.touch("entities", touched)
    queues.touch("projection", {PARTITION: {row["document_id"] for row in rows}})
    gone = [row for k in differ for row in [old.get(k)] if row is not None and k not in new]
    mentions.delete_rows(gone)
    arrow = mentions.arrow([new[k] for k in differ if k in new])
    mentions.upsert(arrow)
    counters.bytes_written += arrow.nbytes
