"""The embedded graph store: one SQLite file that several processes may read and write.

Belongs here: the verbs of `GraphStore` as SQL. Does not: files and locks (sqlite_file.py), rows (rows.py).
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resources.graph.base import GraphStore
from resources.graph.kinds import ENDS, Edge, EdgeKind, End, Kind, Mark, Neighbourhood, NodeKind, Row, heaviest_first
from resources.graph.rows import EdgeRecord, NodeRecord, batches, dangling, decode_all, edge_record, moved, node_record
from resources.graph.sqlite_file import COUNTING, GraphFile, has_table
from resources.graph.traffic import Traffic

BATCH = 10_000
PARAMETERS = 1_000

# The numbers are stored: they never change, and a new kind takes a new one.
CODES: dict[Kind, int] = {
    NodeKind.DOCUMENT: 0,
    NodeKind.CHUNK: 1,
    NodeKind.ENTITY: 2,
    NodeKind.COMMUNITY: 3,
    EdgeKind.FROM_DOCUMENT: 0,
    EdgeKind.NEXT_CHUNK: 1,
    EdgeKind.FROM_CHUNK: 2,
    EdgeKind.RELATED: 3,
    EdgeKind.IN_COMMUNITY: 4,
    EdgeKind.PARENT_COMMUNITY: 5,
}
EDGE_OF = {CODES[kind]: kind for kind in EdgeKind}

ENDS_OF_EDGE = "FROM edge JOIN node a ON a.k = edge.s JOIN node b ON b.k = edge.t"
WHOLE_EDGE = f"SELECT edge.id, a.id, b.id, edge.weight, edge.properties {ENDS_OF_EDGE}"
THIN_EDGE = "SELECT e, kind, id, s, t, weight FROM edge"
AT = "IN (SELECT value FROM json_each(?1)) AND edge.kind IN (SELECT value FROM json_each(?2))"
ALL_AT = f"{THIN_EDGE} WHERE s {AT} UNION ALL {THIN_EDGE} WHERE t {AT}"
HEAVIEST_AT = f"""
WITH touching (k, e, weight, id) AS (
    SELECT s, e, weight, id FROM edge WHERE edge.s {AT} UNION SELECT t, e, weight, id FROM edge WHERE edge.t {AT}
), ranked AS (SELECT e, row_number() OVER (PARTITION BY k ORDER BY weight DESC, id) AS place FROM touching)
{THIN_EDGE} WHERE e IN (SELECT e FROM ranked WHERE place <= ?3)
"""
ENDS_AT = """
SELECT edge.{at}, other.id, edge.weight, json_extract(nullif(other.properties, ''), ?3) FROM edge
JOIN node other ON other.k = edge.{end}
WHERE edge.{at} IN (SELECT value FROM json_each(?1)) AND edge.kind = ?2
"""
BOTH_ENDS_AT = f"{ENDS_AT.format(at='s', end='t')} UNION ALL {ENDS_AT.format(at='t', end='s')}"
COUNTS = "SELECT part, kind, rows FROM counted"
COLUMNS = {"id": "edge.id", "source": "a.id", "target": "b.id", "weight": "edge.weight"}


def pack(name: str) -> str | bytes:
    """An id as it is stored: 32 hexadecimal digits, our fingerprints, take 16 bytes; anything else is text."""
    if len(name) == 32:
        try:
            packed = bytes.fromhex(name)
        except ValueError:
            return name
        return packed if packed.hex() == name else name
    return name


def unpack(stored: str | bytes) -> str:
    """The id that `pack` was given."""
    return stored.hex() if isinstance(stored, bytes) else stored


class SqliteGraph(GraphStore):
    """The graph in one file; safe to use from several threads and processes."""

    name = "sqlite"

    def __init__(self, path: Path | str) -> None:
        self.traffic = Traffic()
        self._file = GraphFile(Path(path))

    def upsert_nodes(self, kind: NodeKind, rows: Iterable[Row]) -> int:
        code, written = CODES[kind], 0
        for batch in batches(map(node_record, rows), BATCH):
            records = {pack(record.id): record for record in batch}
            with self._file.writing() as db:
                have = {row[0]: row[1:] for row in _by_ids(db, "SELECT id, k, properties FROM node", code, records)}
                new = [(code, i, r.properties) for i, r in records.items() if i not in have]
                changed = [(r.properties, have[i][0]) for i, r in records.items() if _differs(have.get(i), r)]
                db.executemany("INSERT INTO node (kind, id, properties) VALUES (?, ?, ?)", new)
                db.executemany("UPDATE node SET properties = ? WHERE k = ?", changed)
            size = sum(24 + len(row[-1]) for row in new) + sum(len(row[0]) for row in changed)
            written += self._count(len(new) + len(changed), size)
        return written

    def upsert_edges(self, kind: EdgeKind, rows: Iterable[Row]) -> int:
        code, written = CODES[kind], 0
        for batch in batches(map(edge_record, rows), BATCH):
            records = {pack(record.id): record for record in batch}
            with self._file.writing() as db:
                sources, targets = _keys_of_ends(db, kind, records.values())
                select = "SELECT id, s, t, e, weight, properties FROM edge"
                have = {row[0]: row[1:] for row in _by_ids(db, select, code, records)}
                new: list[tuple[Any, ...]] = []
                changed: list[tuple[Any, ...]] = []
                for i, r in records.items():
                    ends = (sources[r.source], targets[r.target])
                    old = have.get(i)
                    if old is None:
                        new.append((code, i, *ends, r.weight, r.properties))
                    elif old[:2] != ends:
                        raise moved(kind, r)
                    elif old[3:] != (r.weight, r.properties):
                        changed.append((r.weight, r.properties, old[2]))
                db.executemany("INSERT INTO edge (kind, id, s, t, weight, properties) VALUES (?, ?, ?, ?, ?, ?)", new)
                db.executemany("UPDATE edge SET weight = ?, properties = ? WHERE e = ?", changed)
            size = sum(48 + len(row[-1]) for row in new) + sum(8 + len(row[1]) for row in changed)
            written += self._count(len(new) + len(changed), size)
        return written

    def delete_nodes(self, kind: NodeKind, ids: Iterable[str]) -> int:
        deleted = 0
        for batch in batches(map(pack, ids), BATCH):
            with self._file.writing() as db:
                keys = _json(row[0] for row in _by_ids(db, "SELECT k FROM node", CODES[kind], set(batch)))
                edges = [
                    db.execute(f"DELETE FROM edge WHERE {end} IN (SELECT value FROM json_each(?))", (keys,)).rowcount
                    for end in ("s", "t")
                ]
                nodes = db.execute("DELETE FROM node WHERE k IN (SELECT value FROM json_each(?))", (keys,)).rowcount
            self.traffic.add(requests=1, rows_deleted=nodes + sum(edges))
            deleted += nodes
        return deleted

    def delete_edges(self, kind: EdgeKind, ids: Iterable[str]) -> int:
        deleted = 0
        for batch in batches(map(pack, ids), BATCH):
            with self._file.writing() as db:
                keys = _json(row[0] for row in _by_ids(db, "SELECT e FROM edge", CODES[kind], set(batch)))
                edges = db.execute("DELETE FROM edge WHERE e IN (SELECT value FROM json_each(?))", (keys,)).rowcount
            self.traffic.add(requests=1, rows_deleted=edges)
            deleted += edges
        return deleted

    def read_nodes(self, kind: NodeKind, ids: Iterable[str]) -> list[dict[str, Any]]:
        asked = dict.fromkeys(map(pack, ids))
        with self._reading() as db:
            found = dict(_by_ids(db, "SELECT id, properties FROM node", CODES[kind], asked))
        there = [i for i in asked if i in found]
        return [{"id": unpack(i), **p} for i, p in zip(there, decode_all(found[i] for i in there), strict=True)]

    def read_property(self, kind: NodeKind, ids: Iterable[str], name: str) -> dict[str, Any]:
        select = f"SELECT id, json_extract(nullif(properties, ''), '$.{json.dumps(name)}') FROM node"
        with self._reading() as db:
            found = dict(_by_ids(db, select, CODES[kind], set(map(pack, ids))))
        return {unpack(i): value for i, value in found.items() if value is not None}

    def read_edges_of_groups(
        self, kind: EdgeKind, groups: Mapping[str, Sequence[str]]
    ) -> dict[str, list[dict[str, Any]]]:
        within = (
            "SELECT id, s, t, weight, properties FROM edge WHERE kind = ?2 "
            "AND s IN (SELECT value FROM json_each(?1)) AND t IN (SELECT value FROM json_each(?1))"
        )
        found = {}
        with self._reading() as db:
            for group, ids in groups.items():
                names = {k: unpack(i) for end in set(ENDS[kind]) for k, i in _keys(db, end, ids)}
                rows = [
                    (unpack(i), names[source], names[target], weight, text)
                    for i, source, target, weight, text in db.execute(within, (_json(names), CODES[kind]))
                ]
                found[group] = _edge_rows(sorted(rows))
        return found

    def read_edges_by_id(self, kind: EdgeKind, ids: Iterable[str]) -> list[dict[str, Any]]:
        asked = dict.fromkeys(map(pack, ids))
        with self._reading() as db:
            found = {row[0]: row for row in _by_ids(db, WHOLE_EDGE, CODES[kind], asked, "edge.")}
        rows = (found[i] for i in asked if i in found)
        return _edge_rows([(unpack(i), unpack(source), unpack(target), *rest) for i, source, target, *rest in rows])

    def degrees(self, kind: EdgeKind, ids: Iterable[str]) -> dict[str, int]:
        count = (
            "SELECT {end}, count(*) FROM edge WHERE {end} IN (SELECT value FROM json_each(?)) AND kind = ? GROUP BY 1"
        )
        asked = list(dict.fromkeys(ids))
        found = dict.fromkeys(asked, 0)
        with self._reading() as db:
            for end, node_kind in zip(("s", "t"), ENDS[kind], strict=True):
                names = {k: unpack(i) for k, i in _keys(db, node_kind, asked)}
                for k, edges in db.execute(count.format(end=end), (_json(names), CODES[kind])):
                    found[names[k]] += edges
        return found

    def neighbours(
        self,
        ids: Iterable[str],
        kinds: Collection[EdgeKind],
        limit: int | None = None,
        timeout: float | None = None,
    ) -> Neighbourhood:
        asked, codes = set(map(pack, ids)), _json(CODES[kind] for kind in kinds)
        with self._reading() as db:
            names = dict(_ids_to_keys(db, asked))
            if limit is None:
                rows = db.execute(ALL_AT, (_json(names), codes)).fetchall()
            else:
                rows = db.execute(HEAVIEST_AT, (_json(names), codes, limit)).fetchall()
            others = {end for row in rows for end in row[3:5]} - names.keys()
            names |= db.execute("SELECT k, id FROM node WHERE k IN (SELECT value FROM json_each(?))", (_json(others),))
        ids_of = {k: unpack(stored) for k, stored in names.items()}
        # by its key: an edge whose ends were both asked for came twice
        edges = {
            e: Edge(EDGE_OF[code], unpack(i), ids_of[source], ids_of[target], weight)
            for e, code, i, source, target, weight in rows
        }
        return Neighbourhood(sorted(edges.values(), key=heaviest_first))

    def ends(self, kind: EdgeKind, ids: Iterable[str], name: str) -> list[End]:
        with self._reading() as db:
            names = {k: unpack(i) for k, i in _ids_to_keys(db, set(map(pack, ids)))}
            rows = db.execute(BOTH_ENDS_AT, (_json(names), CODES[kind], f"$.{json.dumps(name)}")).fetchall()
        return [End(names[node], unpack(end), weight, value) for node, end, weight, value in rows]

    def stream_edges(
        self, kind: EdgeKind, columns: Sequence[str] = ("source", "target", "weight")
    ) -> Iterator[list[tuple[Any, ...]]]:
        select = f"SELECT {', '.join(COLUMNS[column] for column in columns)} {ENDS_OF_EDGE} WHERE edge.kind = ?"
        packed = [place for place, column in enumerate(columns) if column != "weight"]
        for batch in self._scan(select, kind):
            table = list(zip(*batch, strict=True))
            for place in packed:
                table[place] = tuple(map(unpack, table[place]))
            yield list(zip(*table, strict=True))

    def stats(self) -> dict[Kind, int]:
        with self._reading() as db:
            kept = has_table(db, "counted")  # not in an older file that has only been read since
            rows = {(part, kind): rows for part, kind, rows in db.execute(COUNTS if kept else COUNTING)}
        return {kind: rows.get((_part(kind), code), 0) for kind, code in CODES.items()}

    def marks(self, kind: Kind) -> Iterator[list[Mark]]:
        if isinstance(kind, NodeKind):
            for batch in self._scan("SELECT id, properties FROM node WHERE kind = ?", kind):
                yield [NodeRecord(unpack(i), text).mark() for i, text in batch]
            return
        for batch in self._scan(f"{WHOLE_EDGE} WHERE edge.kind = ?", kind):
            yield [EdgeRecord(unpack(i), unpack(s), unpack(t), w, text).mark() for i, s, t, w, text in batch]

    def clear(self) -> None:
        with self._file.writing() as db:
            for table in ("edge", "node"):
                self.traffic.add(requests=1, rows_deleted=db.execute(f"DELETE FROM {table}").rowcount)

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self.traffic.add(requests=1)
        with self._file.reading() as db:
            yield db

    def _scan(self, select: str, kind: Kind) -> Iterator[list[tuple[Any, ...]]]:
        with self._reading() as db:
            cursor = db.execute(select, (CODES[kind],))
            try:
                while batch := cursor.fetchmany(BATCH):
                    yield batch
            finally:
                cursor.close()

    def _count(self, rows: int, size: int) -> int:
        self.traffic.add(requests=1, rows_written=rows, bytes_written=size)
        return rows


def _by_ids(
    db: sqlite3.Connection, select: str, code: int, ids: Iterable[str | bytes], of: str = ""
) -> Iterator[tuple[Any, ...]]:
    for batch in batches(ids, PARAMETERS):
        marks = ",".join("?" * len(batch))
        yield from db.execute(f"{select} WHERE {of}id IN ({marks}) AND {of}kind = ?", (*batch, code))


def _keys(db: sqlite3.Connection, kind: NodeKind, ids: Iterable[str]) -> Iterator[tuple[int, str | bytes]]:
    yield from _by_ids(db, "SELECT k, id FROM node", CODES[kind], set(map(pack, ids)))


def _ids_to_keys(db: sqlite3.Connection, ids: Iterable[str | bytes]) -> Iterator[tuple[int, str | bytes]]:
    """(key, id) of the nodes of any kind with these ids."""
    for batch in batches(ids, PARAMETERS):
        yield from db.execute(f"SELECT k, id FROM node WHERE id IN ({','.join('?' * len(batch))})", batch)


def _keys_of_ends(
    db: sqlite3.Connection, kind: EdgeKind, records: Collection[EdgeRecord]
) -> tuple[dict[str, int], dict[str, int]]:
    source, target = ENDS[kind]
    wanted = ({r.source for r in records}, {r.target for r in records})
    sources = {unpack(i): k for k, i in _keys(db, source, wanted[0])}
    targets = {unpack(i): k for k, i in _keys(db, target, wanted[1])}
    missing = sorted((wanted[0] - sources.keys()) | (wanted[1] - targets.keys()))
    if missing:
        raise dangling(kind, missing)
    return sources, targets


def _differs(old: tuple[Any, ...] | None, record: NodeRecord) -> bool:
    return old is not None and old[1] != record.properties


def _part(kind: Kind) -> str:
    return "node" if isinstance(kind, NodeKind) else "edge"


def _edge_rows(found: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Rows of (id, source, target, weight, properties)."""
    return [
        {"id": i, "source": source, "target": target, "weight": weight, **properties}
        for (i, source, target, weight, _), properties in zip(found, decode_all(row[4] for row in found), strict=True)
    ]


def _json(values: Iterable[int]) -> str:
    return json.dumps(list(values))
