"""Proof that a graph store holds exactly the rows it should, and the way back where it does not.

Belongs here: counts, order-free checksums and the comparison of a store with its tables. Does not: the tables.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.fingerprint import shard_of
from resources.graph.base import GraphStore
from resources.graph.kinds import EdgeKind, Kind, Mark, NodeKind, Row
from resources.graph.rows import mark_of

Tables = Mapping[Kind, Callable[[], Iterable[Row]]]
"""For every kind a function that reads its rows from the tables, in any order, as often as it is called."""

SHARDS = 64


class Checksum(NamedTuple):
    """Number of rows and the sum of their digests modulo 2^64: equal for equal rows in any order."""

    rows: int = 0
    total: int = 0

    def add(self, digest: int) -> "Checksum":
        return Checksum(self.rows + 1, (self.total + digest) % 2**64)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where store and tables disagree in one kind: counts, and the ids that differ, sorted."""

    kind: Kind
    wanted: int
    found: int
    shards: tuple[int, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    changed: tuple[str, ...]

    def first(self, ids: int = 5) -> str:
        """One line that names the first ids that differ."""
        parts = [
            f"{len(names)} {what} ({', '.join(names[:ids])}{', …' if len(names) > ids else ''})"
            for what, names in (("missing", self.missing), ("extra", self.extra), ("changed", self.changed))
            if names
        ]
        return f"{self.kind}: {self.wanted} in the tables, {self.found} in the graph; {', '.join(parts)}"


def checksums(marks: Iterable[Mark], shards: int = SHARDS) -> dict[int, Checksum]:
    """The checksum of every shard that has a row; a row's shard is that of its owner."""
    sums: dict[int, Checksum] = {}
    for mark in marks:
        shard = shard_of(mark.owner, shards)
        sums[shard] = sums.get(shard, Checksum()).add(mark.digest)
    return sums


def differences(store: GraphStore, tables: Tables, shards: int = SHARDS) -> list[Difference]:
    """What differs between the tables and a store, kind by kind; empty where they agree.

    Both sides are read once for the checksums; only shards that disagree are read again for their ids.
    """
    found = []
    for kind, rows in tables.items():
        wanted = checksums((mark_of(kind, row) for row in rows()), shards)
        have = checksums(_marks(store, kind), shards)
        bad = {shard for shard in wanted.keys() | have.keys() if wanted.get(shard) != have.get(shard)}
        if bad:
            found.append(_difference(store, kind, rows, bad, shards, (_rows(wanted), _rows(have))))
    return found


def align(store: GraphStore, tables: Tables) -> int:
    """Make a store equal to the tables while it serves: write what differs, remove what is extra; returns rows changed.

    New nodes come before the edges between them, and old ones go after.
    """
    changed = 0
    extra: dict[Kind, list[str]] = {}
    for kind in sorted(tables, key=lambda kind: isinstance(kind, EdgeKind)):
        have = {mark.id: mark for mark in _marks(store, kind)}

        def differing(kind: Kind = kind, have: dict[str, Mark] = have) -> Iterator[Row]:
            for row in tables[kind]():
                if have.pop(row["id"], None) != mark_of(kind, row):
                    yield row

        if isinstance(kind, NodeKind):
            changed += store.upsert_nodes(kind, differing())
        else:
            changed += store.upsert_edges(kind, differing())
        extra[kind] = sorted(have)
    return changed + sum(store.delete(extra).values())


def _marks(store: GraphStore, kind: Kind) -> Iterable[Mark]:
    return (mark for batch in store.marks(kind) for mark in batch)


def _rows(sums: Mapping[int, Checksum]) -> int:
    return sum(checksum.rows for checksum in sums.values())


def _difference(
    store: GraphStore,
    kind: Kind,
    rows: Callable[[], Iterable[Row]],
    bad: set[int],
    shards: int,
    counts: tuple[int, int],
) -> Difference:
    def in_bad(marks: Iterable[Mark]) -> dict[str, Mark]:
        return {mark.id: mark for mark in marks if shard_of(mark.owner, shards) in bad}

    wanted, have = in_bad(mark_of(kind, row) for row in rows()), in_bad(_marks(store, kind))
    return Difference(
        kind,
        *counts,
        shards=tuple(sorted(bad)),
        missing=tuple(sorted(wanted.keys() - have.keys())),
        extra=tuple(sorted(have.keys() - wanted.keys())),
        changed=tuple(sorted(i for i in wanted.keys() & have.keys() if wanted[i] != have[i])),
    )
