"""Names in very many chunks: what their mentions add up to is kept by bucket of documents.

So a document that changes has one bucket of each such name counted anew, not every chunk that holds it.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from knowledge.resolution import Entity, MentionRow, Tally, tallied
from resources.index import Index
from resources.tables import IN_LIST, is_in

FROM = 256
"""Chunks from which a name is kept so: a bucket of one costs about what all of the other does."""
BUCKETS = 32
MOST = BUCKETS // 4
"""Changed buckets above which all mentions are read, as without tallies."""
COLUMNS = ("chunk_id", "document_id", "entity_id", "canonical", "surface", "type", "origin", "description")
Buckets = dict[int, Tally]
Rows = Callable[[Set[str]], Iterable[Sequence[Any]]]


def reduce(index: Index, ids: Set[str], documents: Collection[str] | None, rows: Rows) -> dict[str, Entity]:
    """`{entity id: entity}` of these, and their tallies brought up to date.

    `documents`: no mention of another one changed since these were reduced last; None where any may have. `rows`
    reads all mentions of the ids that it is given, in the order of COLUMNS.
    """
    entities = index.tables.entities.by("id", ids, ("id", "mention_count")).to_pylist()
    counts = {row["id"]: row["mention_count"] for row in entities if row["mention_count"] > FROM}
    stored = _stored(index, counts)
    changed = None if documents is None else {bucket_of(document) for document in documents}
    known: set[str] = set()
    if changed is not None and len(changed) <= MOST:
        # one that a killed run left half done is counted anew
        known = {e for e, found in stored.items() if sum(tally.chunks for tally in found.values()) == counts[e]}
    mentions = [MentionRow(*row) for row in rows(ids - known)]
    found = tallied(mentions)
    wide = {e for e, tally in found.items() if tally.chunks > FROM}
    now = _by_bucket(row for row in mentions if row.entity_id in wide) if wide else {}
    again = _by_bucket(_mentions_in(index, known, changed or ())) if known else {}
    for e in known:
        now[e] = {b: tally for b, tally in stored[e].items() if b not in (changed or ())} | again.get(e, {})
        if now[e]:
            found[e] = _sum(now[e].values())
    _store(index, stored, {e: buckets for e, buckets in now.items() if e in found and found[e].chunks > FROM})
    return {e: tally.entity(e) for e, tally in found.items()}


def bucket_of(document: str) -> int:
    """Which bucket a document belongs to; its id is random, so buckets are of a size."""
    return int(document[:2], 16) * BUCKETS // 256


def _mentions_in(index: Index, entities: Collection[str], buckets: Collection[int]) -> Iterable[MentionRow]:
    """The mentions of these entities in the documents of these buckets."""
    width, wanted = 256 // BUCKETS, sorted(entities)
    ranges = [f"(document_id >= '{b * width:02x}' AND document_id < '{_after((b + 1) * width)}')" for b in buckets]
    for at in range(0, len(wanted) if ranges else 0, IN_LIST):
        where = f"{is_in('entity_id', wanted[at : at + IN_LIST])} AND ({' OR '.join(sorted(ranges))})"
        rows = index.tables.mentions.read(where, COLUMNS)
        yield from (MentionRow(*row) for row in zip(*(rows[name].to_pylist() for name in COLUMNS), strict=True))


def _after(prefix: int) -> str:
    return f"{prefix:02x}" if prefix < 256 else "g"


def _by_bucket(mentions: Iterable[MentionRow]) -> dict[str, Buckets]:
    rows: dict[int, list[MentionRow]] = {}
    for row in mentions:
        rows.setdefault(bucket_of(row.document_id), []).append(row)
    found: dict[str, Buckets] = {}
    for bucket, of in sorted(rows.items()):
        for entity, tally in tallied(of).items():
            found.setdefault(entity, {})[bucket] = tally
    return found


def _sum(tallies: Iterable[Tally]) -> Tally:
    first, *others = tallies
    total = replace(
        first, surfaces=first.surfaces.copy(), types=first.types.copy(), descriptions=Counter(first.descriptions)
    )
    for tally in others:
        total.add(tally)
    return total


def _stored(index: Index, entities: Collection[str]) -> dict[str, Buckets]:
    found: dict[str, Buckets] = {}
    for row in index.tables.tallies.by("entity_id", entities).to_pylist():
        votes = json.loads(row["votes"])
        found.setdefault(row["entity_id"], {})[row["bucket"]] = Tally(
            row["canonical"],
            Counter(votes["surfaces"]),
            Counter(votes["types"]),
            Counter({(titled, text): n for titled, text, n in votes["descriptions"]}),
            row["chunks"],
            row["documents"],
        )
    return found


def _store(index: Index, old: Mapping[str, Buckets], new: Mapping[str, Buckets]) -> None:
    """Write the buckets that differ, and drop those of names that are no longer in so many chunks."""
    before = {(e, b): tally for e, buckets in old.items() for b, tally in buckets.items()}
    after = {(e, b): tally for e, buckets in new.items() for b, tally in buckets.items()}
    differ = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    rows = [_row(*key, after[key]) for key in differ if key in after]
    table = index.tables.tallies
    table.replace([_id(*key) for key in differ], table.arrow(rows), fresh=not before)


def _id(entity: str, bucket: int) -> str:
    return f"{entity}.{bucket:02d}"


def _row(entity: str, bucket: int, tally: Tally) -> dict[str, Any]:
    votes = {
        "surfaces": dict(sorted(tally.surfaces.items())),
        "types": dict(sorted(tally.types.items())),
        "descriptions": sorted([*key, n] for key, n in tally.descriptions.items()),
    }
    return {
        "id": _id(entity, bucket), "entity_id": entity, "bucket": bucket, "canonical": tally.canonical,
        "chunks": tally.chunks, "documents": tally.documents, "votes": json.dumps(votes, ensure_ascii=False),
    }  # fmt: skip
