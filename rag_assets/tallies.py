"""Names in very many chunks: what their mentions add up to is kept by bucket of documents.

So a document that changes has one bucket of each such name counted anew, not every chunk that holds it.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from knowledge.resolution import Entity, MentionRow, Tally, tallied
from resources.index import Index

FROM = 256
"""Chunks from which a name is kept so: a bucket of one costs about what all of the other does."""
BUCKETS = 32
MOST = BUCKETS // 4
"""Changed buckets above which all mentions are read, as without tallies."""
COLUMNS = ("chunk_id", "document_id", "entity_id", "canonical", "surface", "type", "origin", "description")
Buckets = dict[int, Tally]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reduce is asked for.

    ids: to be reduced. stored: {id: its row}, of those that were there before. documents: no row of another one changed
    since these were reduced last; None where any may have. rows: reads all that speaks of the ids that it is given.
    """

    ids: Set[str]
    stored: Mapping[str, Mapping[str, Any]]
    documents: Collection[str] | None
    rows: Callable[[Set[str]], Iterable[Sequence[Any]]]


def reduce(index: Index, asked: Asked) -> dict[str, Entity]:
    """`{entity id: entity}` of what is asked for, its tallies brought up to date; rows come in the order of COLUMNS."""
    counts = {e: row["mention_count"] for e, row in asked.stored.items() if row["mention_count"] > FROM}
    stored = _stored(index, counts)
    changed = {bucket_of(document) for document in asked.documents or ()}
    known: set[str] = set()
    if asked.documents is not None and len(changed) <= MOST:
        # one that a killed run left half done is counted anew
        known = {e for e, found in stored.items() if sum(tally.chunks for tally in found.values()) == counts[e]}
    mentions = [MentionRow(*row) for row in asked.rows(asked.ids - known)]
    found = tallied(mentions)
    wide = {e for e, tally in found.items() if tally.chunks > FROM}
    now = _by_bucket(row for row in mentions if row.entity_id in wide) if wide else {}
    again = _by_bucket(_mentions_in(index, known, changed))
    for e in known:
        now[e] = {b: tally for b, tally in stored[e].items() if b not in changed} | again.get(e, {})
        if now[e]:
            found[e] = _sum(now[e].values())
    _store(index, stored, {e: buckets for e, buckets in now.items() if e in found and found[e].chunks > FROM})
    return {e: tally.entity(e) for e, tally in found.items()}


def bucket_of(document: str) -> int:
    """Which bucket a document belongs to; its id is random, so buckets are of a size."""
    return int(document[:2], 16) * BUCKETS // 256


def _mentions_in(index: Index, entities: Collection[str], buckets: Collection[int]) -> Iterable[MentionRow]:
    """The mentions of these entities in the documents of these buckets."""
    if not buckets:
        return ()
    width = 256 // BUCKETS
    ranges = (
        f"document_id >= '{b * width:02x}' AND document_id < '{_after((b + 1) * width)}'" for b in sorted(buckets)
    )
    rows = index.tables.mentions.by("entity_id", entities, COLUMNS, " OR ".join(f"({one})" for one in ranges))
    return (MentionRow(*row) for row in zip(*(rows[name].to_pylist() for name in COLUMNS), strict=True))


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


def _sum(tallies: Collection[Tally]) -> Tally:
    total = Tally(next(iter(tallies)).canonical)
    for tally in tallies:
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
