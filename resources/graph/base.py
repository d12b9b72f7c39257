"""The seam of the graph store: the verbs that every store has.

Belongs here: what callers and stores agree on. Does not: SQL, Cypher, traversal (traverse.py), parity (parity.py).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from resources.graph.kinds import ENDS, EdgeKind, End, Kind, Look, Mark, Neighbourhood, NodeKind, Row, Seen
from resources.graph.traffic import Traffic


class GraphStore(Protocol):
    """Where the graph is kept for traversal. Batched only: for one item, pass a list of one.

    Every store passes tests/graph/test_store_contract.py. Rows, ids and groups may be any iterable, of any length:
    the store cuts them into its own batches, and what a verb has returned is durable. Verbs raise `GraphError`
    (a row that cannot be stored; an edge whose end is not there), `GraphUnavailable` or `GraphSaturated`.
    """

    name: str
    traffic: Traffic

    def upsert_nodes(self, kind: NodeKind, rows: Iterable[Row]) -> int:
        """Write whole rows (a property left out is gone); returns how many were new or different."""
        ...

    def upsert_edges(self, kind: EdgeKind, rows: Iterable[Row]) -> int:
        """Write whole rows between nodes that are there; returns how many were new or different.

        An edge keeps its ends for life: the same id between other nodes is refused.
        """
        ...

    def delete_nodes(self, kind: NodeKind, ids: Iterable[str]) -> int:
        """Remove nodes and every edge at them; returns how many nodes were there."""
        ...

    def delete_edges(self, kind: EdgeKind, ids: Iterable[str]) -> int:
        """Remove edges; returns how many were there."""
        ...

    def delete(self, ids: Mapping[Kind, Sequence[str]]) -> dict[Kind, int]:
        """Delete of several kinds, edges first, in as few requests as the store can; returns what was there."""
        deleted: dict[Kind, int] = {}
        for kind, names in sorted(ids.items(), key=lambda item: isinstance(item[0], NodeKind)):
            many = self.delete_nodes(kind, names) if isinstance(kind, NodeKind) else self.delete_edges(kind, names)
            deleted[kind] = many
        return deleted

    def write(self, delete: Mapping[Kind, Sequence[str]], upsert: Mapping[Kind, Sequence[Row]]) -> tuple[int, int]:
        """Deletions, then upserts, nodes before the edges between them, in as few requests as the store can.

        Returns how many rows were new or different, and how many were deleted.
        """
        deleted = sum(self.delete(delete).values())
        written = 0
        for kind, rows in sorted(upsert.items(), key=lambda item: isinstance(item[0], EdgeKind)):
            if isinstance(kind, NodeKind):
                written += self.upsert_nodes(kind, rows)
            else:
                written += self.upsert_edges(kind, rows)
        return written, deleted

    def look(self, at: Look) -> Seen:
        """Several reads at once, in as few requests as the store can."""
        return Seen(
            nodes={kind: self.read_nodes(kind, ids) for kind, ids in at.nodes.items()},
            edges={kind: self.read_edges_by_id(kind, ids) for kind, ids in at.edges.items()},
            among={kind: self.read_edges(kind, ids) for kind, ids in at.among.items()},
            degrees={kind: self.degrees(kind, ids) for kind, ids in at.degrees.items()},
            stats=self.stats() if at.stats else {},
        )

    def read_nodes(self, kind: NodeKind, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Whole rows in the order of `ids`; what is not there is left out."""
        ...

    def read_property(self, kind: NodeKind, ids: Iterable[str], name: str) -> dict[str, Any]:
        """{id: one number or text} of the nodes that have it; many times as fast as whole rows."""
        ...

    def read_edges(self, kind: EdgeKind, among: Iterable[str]) -> list[dict[str, Any]]:
        """Whole rows of the edges with both ends in `among`, by id."""
        return self.read_edges_of_groups(kind, {"": list(among)})[""]

    def read_edges_of_groups(
        self, kind: EdgeKind, groups: Mapping[str, Sequence[str]]
    ) -> dict[str, list[dict[str, Any]]]:
        """`read_edges` for many groups of nodes in as few requests as the store can; every group is a key."""
        ...

    def read_edges_by_id(self, kind: EdgeKind, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Whole rows in the order of `ids`; what is not there is left out."""
        ...

    def degrees(self, kind: EdgeKind, ids: Iterable[str]) -> dict[str, int]:
        """How many edges of a kind each node has, in both directions; 0 for a node that is not there."""
        ...

    def neighbours(
        self,
        ids: Iterable[str],
        kinds: Collection[EdgeKind],
        limit: int | None = None,
        timeout: float | None = None,
    ) -> Neighbourhood:
        """The edges at nodes, in both directions: the `limit` heaviest of each node (ties by id), each edge once.

        A store of several shards that cannot reach one within `timeout` seconds says so and gives the rest.
        """
        ...

    def ends(self, kind: EdgeKind, ids: Iterable[str], name: str) -> list[End]:
        """The other ends of the edges of a kind at some nodes, in no order; of each end one number or text."""
        asked, found = set(ids), list[End]()
        edges = self.neighbours(asked, {kind}).edges
        source, target = ENDS[kind]
        out = [(edge.source, edge.target, edge.weight) for edge in edges if edge.source in asked]
        back = [(edge.target, edge.source, edge.weight) for edge in edges if edge.target in asked]
        for other, some in ((target, out), (source, back)):
            values = self.read_property(other, {end for _, end, _ in some}, name)
            found += [End(node, end, weight, values.get(end)) for node, end, weight in some]
        return found

    def stream_edges(
        self, kind: EdgeKind, columns: Sequence[str] = ("source", "target", "weight")
    ) -> Iterator[list[tuple[Any, ...]]]:
        """All edges of a kind in batches, in no order; columns are any of id, source, target and weight."""
        ...

    def stats(self) -> dict[Kind, int]:
        """How many rows there are of every kind."""
        ...

    def marks(self, kind: Kind) -> Iterator[list[Mark]]:
        """Id, owner and digest of every row of a kind, from its content as it stands, in batches and in no order."""
        ...

    def clear(self) -> None:
        """Remove everything."""
        ...

    def probe(self, timeout: float = 10.0) -> str:
        """What answers, asked now by a write that changes no row of ours; raises what is wrong with it."""
        self.stats()
        return self.name

    def idle(self) -> int | None:
        """How many sessions its pool could lend now; None where there is no pool."""
        return None

    def metadata(self) -> dict[str, int]:
        """What was done since it was opened, and how its pool stands, for the metadata of a materialization."""
        return self.traffic.metadata()

    def close(self) -> None:
        """Let go of files and connections; a closed store cannot be used again."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
