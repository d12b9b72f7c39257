"""The graph in Neo4j, behind the same verbs as the embedded store.

Belongs here: the verbs as batches of statements. Does not: Cypher text (cypher.py), the driver (neo4j_connection.py).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

from resources.errors import GraphError
from resources.graph import cypher, neo4j_look
from resources.graph.base import GraphStore
from resources.graph.colouring import rounds, smaller_end_first
from resources.graph.kinds import (
    ENDS,
    Edge,
    EdgeKind,
    Kind,
    Look,
    Mark,
    Neighbourhood,
    NodeKind,
    Row,
    Seen,
    heaviest_first,
)
from resources.graph.neo4j_connection import Neo4jConnection
from resources.graph.neo4j_driver import Neo4jServerSettings
from resources.graph.neo4j_rows import TYPES, edge_record_of, node_parameters, node_record_of
from resources.graph.neo4j_together import Together
from resources.graph.rows import (
    EdgeRecord,
    NodeRecord,
    batches,
    dangling,
    edge_record,
    moved,
    node_record,
    packed,
    shared_out,
)
from resources.graph.schema import Run
from resources.graph.traffic import Traffic

PAGE = 20_000
KIND_OF = {name: kind for kind, name in TYPES.items()}
COLUMNS = {"id": 0, "source": 1, "target": 2, "weight": 3}


class Neo4jGraph(GraphStore):
    """One database of one server or cluster; `limits.writers` sends edges with that many sessions at once."""

    def __init__(self, settings: Neo4jServerSettings) -> None:
        self.name = settings.name
        self.traffic = Traffic()
        self.limits = settings.limits
        self.connection = Neo4jConnection(settings, self.traffic)

    def upsert_nodes(self, kind: NodeKind, rows: Iterable[Row]) -> int:
        total = 0
        for batch in batches(map(node_record, rows), self.limits.batch_size):
            records = {record.id: record for record in batch}
            total += self._upsert_nodes(kind, [records[name] for name in sorted(records)])
        return total

    def upsert_edges(self, kind: EdgeKind, rows: Iterable[Row]) -> int:
        size, writers = self.limits.batch_size, self.limits.writers
        block = size if writers == 1 else size * writers * (2 * writers + 1)
        total = 0
        with ThreadPoolExecutor(writers) if writers > 1 else nullcontext() as threads:
            for drawn in batches(map(edge_record, rows), block):
                records = list({record.id: record for record in drawn}.values())
                if threads is None:
                    total += self._upsert_edges(kind, sorted(records, key=smaller_end_first))
                    continue
                for lists in rounds(records, writers, size):
                    total += sum(threads.map(lambda part: self._upsert_edges(kind, part), lists))
        return total

    def delete_nodes(self, kind: NodeKind, ids: Iterable[str]) -> int:
        return self.delete({kind: list(ids)})[kind]

    def delete_edges(self, kind: EdgeKind, ids: Iterable[str]) -> int:
        return self.delete({kind: list(ids)})[kind]

    def delete(self, ids: Mapping[Kind, Sequence[str]]) -> dict[Kind, int]:
        deleted = dict.fromkeys(ids, 0)
        queues = {kind: list(batches(dict.fromkeys(names), self.limits.batch_size)) for kind, names in ids.items()}
        while some := {kind: queue.pop(0) for kind, queue in queues.items() if queue}:
            for kind, count in zip(some, self._delete(some), strict=True):
                deleted[kind] += count
                self.traffic.add(rows_deleted=count)
        return deleted

    def write(self, delete: Mapping[Kind, Sequence[str]], upsert: Mapping[Kind, Sequence[Row]]) -> tuple[int, int]:
        whole = Together.of(delete, upsert)
        if whole.kinds < 2 or whole.size > self.limits.batch_size:
            return super().write(delete, upsert)
        counts = self._checked(f"writing {whole.size} rows of {whole.kinds} kinds", whole)
        if not counts:
            return super().write(delete, upsert)
        deleted = whole.deleted(counts)
        self.traffic.add(rows_deleted=deleted)
        return sum(self._count(written, records) for written, records in whole.written(counts)), deleted

    def look(self, at: Look) -> Seen:
        asked = neo4j_look.parts_of(at)
        if sum(map(len, asked.values())) > self.limits.batch_size:
            return super().look(at)
        if not asked:
            return Seen()
        parameters = {part.name: ids for part, ids in asked.items() if part.verb != "stats"}
        return neo4j_look.seen(at, self.connection.read("a look", neo4j_look.statement(tuple(asked)), parameters))

    def read_nodes(self, kind: NodeKind, ids: Iterable[str]) -> list[dict[str, Any]]:
        asked = list(dict.fromkeys(ids))
        found = {}
        for name, properties, labels in self._read(f"reading nodes ({kind})", cypher.read_nodes(kind), asked):
            found[name] = node_record_of(kind, name, properties, labels).row()
        return [found[name] for name in asked if name in found]

    def read_property(self, kind: NodeKind, ids: Iterable[str], name: str) -> dict[str, Any]:
        return dict(self._read(f"reading {name} ({kind})", cypher.read_property(kind, name), list(dict.fromkeys(ids))))

    def read_edges_of_groups(
        self, kind: EdgeKind, groups: Mapping[str, Sequence[str]]
    ) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for some in packed(groups, self.limits.batch_size):
            ids = list(dict.fromkeys(name for names in some.values() for name in names))
            purpose = f"reading the edges ({kind}) of {len(some)} groups"
            rows = self.connection.read(purpose, cypher.edges_among(kind), {"ids": ids})
            found |= shared_out(some, [edge_record_of(*row).row() for row in rows])
        return {group: sorted(rows, key=lambda row: str(row["id"])) for group, rows in found.items()}

    def read_edges_by_id(self, kind: EdgeKind, ids: Iterable[str]) -> list[dict[str, Any]]:
        asked = list(dict.fromkeys(ids))
        rows = self._read(f"reading edges ({kind})", cypher.read_edges_by_id(kind), asked)
        found = {row[0]: edge_record_of(*row).row() for row in rows}
        return [found[name] for name in asked if name in found]

    def degrees(self, kind: EdgeKind, ids: Iterable[str]) -> dict[str, int]:
        return dict(self._read(f"counting edges ({kind})", cypher.degrees(kind), list(dict.fromkeys(ids))))

    def neighbours(
        self,
        ids: Iterable[str],
        kinds: Collection[EdgeKind],
        limit: int | None = None,
        timeout: float | None = None,
    ) -> Neighbourhood:
        asked, walked = list(dict.fromkeys(ids)), tuple(sorted(set(kinds)))
        statement = cypher.neighbours(walked, limit is not None) if walked else ""
        edges: dict[tuple[EdgeKind, str], Edge] = {}
        for batch in batches(asked if walked else [], self.limits.batch_size):
            rows = self.connection.read("a walk", statement, {"ids": batch, "limit": limit}, timeout)
            for type_, name, source, target, weight in rows:
                edges[KIND_OF[type_], name] = Edge(KIND_OF[type_], name, source, target, weight)
        return Neighbourhood(sorted(edges.values(), key=heaviest_first), shards=(self.name,))

    def stream_edges(
        self, kind: EdgeKind, columns: Sequence[str] = ("source", "target", "weight")
    ) -> Iterator[list[tuple[Any, ...]]]:
        places = [COLUMNS[column] for column in columns]
        for page in self._pages(cypher.page_of_edges(kind, whole=False), kind):
            yield [tuple(row[place] for place in places) for row in page]

    def stats(self) -> dict[Kind, int]:
        (counts,) = self.connection.read("counting", cypher.stats(), {})
        return dict(zip((*NodeKind, *EdgeKind), counts, strict=True))

    def marks(self, kind: Kind) -> Iterator[list[Mark]]:
        seen = 0
        if isinstance(kind, NodeKind):
            for page in self._pages(cypher.page_of_nodes(kind), kind):
                yield [node_record_of(kind, *row).mark() for row in page]
                seen += len(page)
        else:
            for page in self._pages(cypher.page_of_edges(kind, whole=True), kind):
                yield [edge_record_of(*row).mark() for row in page]
                seen += len(page)
        if self.stats()[kind] != seen:
            strange = self.connection.read("looking for rows without id", cypher.strangers(kind), {})
            yield [Mark(f"(no id) {row[0]}", "", 0) for row in strange]

    def clear(self) -> None:
        # Edges first: those of a few nodes that have very many would not fit into one transaction.
        for edges in (True, False):
            statement = _statement(cypher.clear(edges=edges), {"size": self.limits.batch_size})
            while (count := self.connection.write("removing everything", statement)[0][0]) > 0:
                self.traffic.add(rows_deleted=count)

    def probe(self, timeout: float = 10.0) -> str:
        return f"Neo4j {self.connection.probe(timeout)}"

    def idle(self) -> int | None:
        return self.connection.gate.counts().idle

    def metadata(self) -> dict[str, int]:
        return {**self.traffic.metadata(), **self.connection.gate.counts().metadata()}

    def close(self) -> None:
        self.connection.close()

    def _delete(self, ids: Mapping[Kind, list[str]]) -> tuple[int, ...]:
        """Delete at most a batch of each kind; returns how many of each were there."""
        parameters: dict[str, Any] = {kind.value: names for kind, names in ids.items()}
        work = _statement(cypher.delete(tuple(ids)), {**parameters, "most": self.limits.batch_size})
        while not (counts := self.connection.write(f"deleting {sum(map(len, ids.values()))} rows", work)):
            # The edges of a few hubs do not fit into one transaction.
            for kind in (kind for kind in ids if isinstance(kind, NodeKind)):
                slice_ = _statement(cypher.strip(kind), {"ids": ids[kind], "size": self.limits.batch_size})
                while self.connection.write("deleting the edges of nodes that have many", slice_)[0][0]:
                    pass
        return tuple(counts[0])

    def _upsert_nodes(self, kind: NodeKind, records: Sequence[NodeRecord]) -> int:
        rows = [node_parameters(kind, record) for record in records]
        work = _statement(cypher.upsert_nodes(kind), {"rows": rows})
        ((written,),) = self.connection.write(f"writing {len(rows)} nodes ({kind})", work)
        return self._count(written, records)

    def _upsert_edges(self, kind: EdgeKind, records: Sequence[EdgeRecord]) -> int:
        whole = Together({}, {}, {kind: list(records)})
        (written, _), *_ = whole.written(self._checked(f"writing {len(records)} edges ({kind})", whole))
        return self._count(written, records)

    def _checked(self, purpose: str, whole: Together) -> tuple[int, ...]:
        """The counts of a write; none where its deletions are too much for one transaction, and nothing was done.

        Nothing of it is written where an edge does not find its ends, or has others.
        """
        from neo4j.exceptions import ConstraintError

        statement, parameters = whole.statement, {**whole.parameters, "most": self.limits.batch_size}

        def work(run: Run) -> tuple[int, ...]:
            try:
                rows = run(statement, parameters)
            except ConstraintError:
                raise _MovedError from None
            if not rows:
                return ()
            (counts,) = rows
            for kind in whole.short(counts):
                raise dangling(kind, _missing(run, kind, whole.edges[kind]))
            return tuple(counts)

        try:
            return self.connection.write(purpose, work)
        except _MovedError:
            raise self._moved(whole) from None

    def _moved(self, whole: Together) -> GraphError:
        for kind, records in whole.edges.items():
            there = {row["id"]: row for row in self.read_edges_by_id(kind, [record.id for record in records])}
            gone = whole.gone.get(kind, ())
            for record in records:
                row = there.get(record.id, {"source": record.source, "target": record.target})
                if record.id not in gone and (row["source"], row["target"]) != (record.source, record.target):
                    return moved(kind, record)
        return GraphError("another writer made edges of this batch between other nodes; write it again.")

    def _count(self, written: int, records: Sequence[NodeRecord] | Sequence[EdgeRecord]) -> int:
        mean = sum(48 + len(record.properties) for record in records) / len(records)
        self.traffic.add(rows_written=written, bytes_written=round(written * mean))
        return written

    def _read(self, purpose: str, statement: str, ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for batch in batches(ids, self.limits.batch_size):
            yield from self.connection.read(purpose, statement, {"ids": batch})

    def _pages(self, statement: str, kind: Kind) -> Iterator[list[tuple[Any, ...]]]:
        after = ""
        while page := self.connection.read(f"streaming {kind}", statement, {"after": after, "size": PAGE}):
            yield page
            if len(page) < PAGE:
                return
            after = page[-1][0]


class _MovedError(Exception):
    """A batch broke the rule that an edge keeps its ends."""


def _statement(statement: str, parameters: dict[str, Any]) -> Callable[[Run], list[Any]]:
    return lambda run: run(statement, parameters)


def _missing(run: Run, kind: EdgeKind, records: Sequence[EdgeRecord]) -> list[str]:
    ends = ({record.source for record in records}, {record.target for record in records})
    names: set[str] = set()
    for node_kind, ids in zip(ENDS[kind], ends, strict=True):
        names.update(row[0] for row in run(cypher.missing_nodes(node_kind), {"ids": sorted(ids)}))
    return sorted(names)
