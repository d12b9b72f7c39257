"""One graph over several stores: 64 virtual shards of node ids, placed on servers by capacity.

Belongs here: routing, stubs, and what happens when a server is away. Does not: what a single store does (neo4j.py,
sqlite.py) and traversal (traverse.py).

A node lives where its id's shard is placed. An edge stands at both of its ends: where they live on different servers
it is stored on both, each with a bare node (only the id) for the end that lives elsewhere. Whatever counts or streams
takes a node from its own server and an edge from that of its smaller end, so that nothing counts twice.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from resources.errors import GraphUnavailable
from resources.graph.base import GraphStore
from resources.graph.deadline import together
from resources.graph.kinds import ENDS, Edge, EdgeKind, Kind, Mark, Neighbourhood, NodeKind, Row, heaviest_first
from resources.graph.rows import EdgeRecord, batches, dangling, edge_record, moved, node_record
from resources.graph.servers import Servers, ServersAway
from resources.graph.traffic import Traffic

BATCH = 20_000


class ShardedGraph(Servers, GraphStore):
    """Several stores as one; `capacities` says how much of the graph each takes."""

    def __init__(
        self, stores: Mapping[str, GraphStore], capacities: Mapping[str, float], name: str = "sharded"
    ) -> None:
        super().__init__(stores, capacities)
        self.name = name

    @property
    def traffic(self) -> Traffic:  # type: ignore[override]
        """The sum over the servers."""
        total = Traffic()
        for store in self.stores.values():
            t = store.traffic
            total.add(
                requests=t.requests,
                rows_written=t.rows_written,
                rows_deleted=t.rows_deleted,
                bytes_written=t.bytes_written,
            )
            total.retries += t.retries
        return total

    def upsert_nodes(self, kind: NodeKind, rows: Iterable[Row]) -> int:
        written = 0
        for batch in batches(rows, BATCH):
            parts: dict[str, list[Row]] = {}
            for row in batch:
                # Refused here, before any server has written its part.
                parts.setdefault(self.home(node_record(row).id), []).append(row)
            written += sum(self.each(parts, lambda store, part: store.upsert_nodes(kind, part)).values())
        return written

    def upsert_edges(self, kind: EdgeKind, rows: Iterable[Row]) -> int:
        written = 0
        for batch in batches(rows, BATCH):
            try:
                written += self._upsert_edges(kind, batch, self.stores)
            except ServersAway as away:
                there = [name for name in self.stores if name not in away.servers]
                self._upsert_edges(kind, [r for r in batch if set(self.homes_of(r)) <= set(there)], there)
                raise
        return written

    def _upsert_edges(self, kind: EdgeKind, batch: Sequence[Row], servers: Collection[str]) -> int:
        records = [edge_record(row) for row in batch]
        self._refuse_moved(kind, records, servers)
        self._prepare_ends(kind, records)
        parts: dict[str, list[Row]] = {}
        copies: dict[str, list[Row]] = {}
        for row in batch:
            owner, *others = self.homes_of(row)
            parts.setdefault(owner, []).append(row)
            for other in others:
                copies.setdefault(other, []).append(row)
        # The copies first: an edge that is at its owner is everywhere.
        copied = self.each(copies, lambda store, part: store.upsert_edges(kind, part))
        owned = self.each(parts, lambda store, part: store.upsert_edges(kind, part))
        return max(sum(owned.values()), sum(copied.values()))

    def delete_nodes(self, kind: NodeKind, ids: Iterable[str]) -> int:
        deleted = 0
        for batch in batches(ids, BATCH):
            elsewhere = {name: [node for node in batch if self.home(node) != name] for name in self.stores}
            self.each(elsewhere, lambda store, part: store.delete_nodes(kind, part))
            deleted += sum(self.each(self.by_home(batch), lambda store, part: store.delete_nodes(kind, part)).values())
        return deleted

    def delete_edges(self, kind: EdgeKind, ids: Iterable[str]) -> int:
        deleted = 0
        for batch in batches(ids, BATCH):
            everywhere = dict.fromkeys(self.stores, batch)
            found = self.each(everywhere, lambda store, part: _delete_edges(kind, store, part))
            deleted += len(set().union(*found.values()))
        return deleted

    def read_nodes(self, kind: NodeKind, ids: Iterable[str]) -> list[dict[str, Any]]:
        asked = list(dict.fromkeys(ids))
        parts = self.each(self.by_home(asked), lambda store, part: store.read_nodes(kind, part))
        found = {row["id"]: row for rows in parts.values() for row in rows}
        return [found[node] for node in asked if node in found]

    def read_property(self, kind: NodeKind, ids: Iterable[str], name: str) -> dict[str, Any]:
        parts = self.by_home(dict.fromkeys(ids))
        found = self.each(parts, lambda store, part: store.read_property(kind, part, name))
        return {node: value for values in found.values() for node, value in values.items()}

    def read_edges_of_groups(
        self, kind: EdgeKind, groups: Mapping[str, Sequence[str]]
    ) -> dict[str, list[dict[str, Any]]]:
        parts: dict[str, dict[str, Sequence[str]]] = {}
        for group, ids in groups.items():
            for server in {self.home(node) for node in ids}:
                parts.setdefault(server, {})[group] = ids
        found: dict[str, dict[str, dict[str, Any]]] = {group: {} for group in groups}
        for part in self.each(parts, lambda store, part: store.read_edges_of_groups(kind, part)).values():
            for group, rows in part.items():
                found[group] |= {row["id"]: row for row in rows}
        return {group: [rows[name] for name in sorted(rows)] for group, rows in found.items()}

    def read_edges_by_id(self, kind: EdgeKind, ids: Iterable[str]) -> list[dict[str, Any]]:
        asked = list(dict.fromkeys(ids))
        parts = self.each(dict.fromkeys(self.stores, asked), lambda store, part: store.read_edges_by_id(kind, part))
        found = {row["id"]: row for rows in parts.values() for row in rows}
        return [found[name] for name in asked if name in found]

    def degrees(self, kind: EdgeKind, ids: Iterable[str]) -> dict[str, int]:
        asked = list(dict.fromkeys(ids))
        parts = self.each(self.by_home(asked), lambda store, part: store.degrees(kind, part))
        found = {node: count for counts in parts.values() for node, count in counts.items()}
        return {node: found[node] for node in asked}

    def neighbours(
        self,
        ids: Iterable[str],
        kinds: Collection[EdgeKind],
        limit: int | None = None,
        timeout: float | None = None,
    ) -> Neighbourhood:
        walked = tuple(kinds)
        parts = self.by_home(dict.fromkeys(ids))
        asks = {
            server: (lambda server=server, part=part: self.stores[server].neighbours(part, walked, limit, timeout))
            for server, part in parts.items()
        }
        done, failed = together(asks, timeout)
        edges: dict[tuple[EdgeKind, str], Edge] = {}
        for server in sorted(done):
            edges |= {(edge.kind, edge.id): edge for edge in done[server].edges}
        return Neighbourhood(sorted(edges.values(), key=heaviest_first), tuple(sorted(parts)), tuple(sorted(failed)))

    def stream_edges(
        self, kind: EdgeKind, columns: Sequence[str] = ("source", "target", "weight")
    ) -> Iterator[list[tuple[Any, ...]]]:
        whole = ("id", "source", "target", "weight")
        places = [whole.index(column) for column in columns]
        for server, store in self.stores.items():
            for batch in store.stream_edges(kind, whole):
                yield [tuple(row[at] for at in places) for row in batch if self.home(min(row[1], row[2])) == server]

    def stats(self) -> dict[Kind, int]:
        nodes: dict[Kind, int] = {kind: sum(map(len, self.marks(kind))) for kind in NodeKind}
        return nodes | {kind: sum(map(len, self.stream_edges(kind, ("id",)))) for kind in EdgeKind}

    def marks(self, kind: Kind) -> Iterator[list[Mark]]:
        if isinstance(kind, NodeKind):
            for server, store in self.stores.items():
                for batch in store.marks(kind):
                    yield [mark for mark in batch if self.home(mark.owner) == server]
            return
        # Edges that stand on two servers wait for their other copy: one that is missing or different shows as changed.
        waiting: dict[str, Mark] = {}
        for server, store in self.stores.items():
            for batch in store.marks(kind):
                ready = []
                for mark in batch:
                    homes = self.homes(mark.owner, mark.partner)
                    if server not in homes:
                        continue
                    if len(homes) == 1 or waiting.get(mark.id) == mark:
                        waiting.pop(mark.id, None)
                        ready.append(mark)
                    elif mark.id in waiting:
                        ready.append(waiting.pop(mark.id)._replace(digest=~mark.digest % 2**64))
                    else:
                        waiting[mark.id] = mark
                yield ready
        yield [mark._replace(digest=~mark.digest % 2**64) for mark in waiting.values()]

    def clear(self) -> None:
        self.each(dict.fromkeys(self.stores), lambda store, _: store.clear())

    def probe(self, timeout: float = 10.0) -> str:
        done, failed = together({name: partial(store.probe, timeout) for name, store in self.stores.items()})
        for name, error in sorted(failed.items()):
            raise GraphUnavailable(f"server {name} of the graph, {len(done)} others are well: {error}") from error
        return ", ".join(f"{name}: {what}" for name, what in sorted(done.items()))

    def idle(self) -> int | None:
        return min((free for store in self.stores.values() if (free := store.idle()) is not None), default=None)

    def metadata(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for store in self.stores.values():
            for name, value in store.metadata().items():
                total[name] = total.get(name, 0) + value
        return total

    def close(self) -> None:
        for store in self.stores.values():
            store.close()

    def tidy(self) -> int:
        """Remove what no longer belongs where it is: after servers were added, aligned and taken into use."""
        removed = 0
        for server, store in self.stores.items():
            for edge_kind in EdgeKind:
                strays = [
                    name
                    for batch in store.stream_edges(edge_kind, ("id", "source", "target"))
                    for name, source, target in batch
                    if server not in self.homes(source, target)
                ]
                removed += store.delete_edges(edge_kind, strays)
            for kind in NodeKind:
                bare = [mark.id for batch in store.marks(kind) for mark in batch if self.home(mark.owner) != server]
                for edge_kind in (edge_kind for edge_kind, ends in ENDS.items() if kind in ends):
                    bare = [node for node, edges in store.degrees(edge_kind, bare).items() if not edges]
                removed += store.delete_nodes(kind, bare)
        return removed

    def _refuse_moved(self, kind: EdgeKind, batch: Sequence[EdgeRecord], servers: Collection[str]) -> None:
        # Before any server writes: one would refuse what another, which has not seen the edge, has taken already.
        records = {record.id: record for record in batch}
        ids = {server: list(records) for server in servers}
        found = self.each(ids, lambda store, part: store.read_edges_by_id(kind, part))
        for row in (row for rows in found.values() for row in rows):
            record = records[row["id"]]
            if (row["source"], row["target"]) != (record.source, record.target):
                raise moved(kind, record)

    def _prepare_ends(self, kind: EdgeKind, batch: Sequence[EdgeRecord]) -> None:
        for node_kind, end in zip(ENDS[kind], ("source", "target"), strict=True):
            nodes = {getattr(record, end) for record in batch}
            there = {row["id"] for row in self.read_nodes(node_kind, nodes)}
            if missing := sorted(nodes - there):
                raise dangling(kind, missing)
            bare: dict[str, set[str]] = {}
            for record in batch:
                node = getattr(record, end)
                for server in self.homes(record.source, record.target):
                    if server != self.home(node):
                        bare.setdefault(server, set()).add(node)
            self.each(bare, partial(_write_bare, node_kind))


def _delete_edges(kind: EdgeKind, store: GraphStore, ids: Sequence[str]) -> set[str]:
    """The edges that were there."""
    there = {row["id"] for row in store.read_edges_by_id(kind, ids)}
    store.delete_edges(kind, sorted(there))
    return there


def _write_bare(kind: NodeKind, store: GraphStore, nodes: Collection[str]) -> int:
    # Only what is not there: after servers were added, the former home's whole row still serves.
    there = {row["id"] for row in store.read_nodes(kind, nodes)}
    return store.upsert_nodes(kind, [{"id": node} for node in sorted(set(nodes) - there)])
