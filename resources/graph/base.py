"""The seam of the graph store: kinds, rows and the verbs that every store has.

Belongs here: what callers and stores agree on. Does not: SQL, Cypher, traversal (traverse.py), parity (parity.py).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

Row = Mapping[str, Any]
"""A node is `{"id", ...}`, an edge `{"id", "source", "target", "weight", ...}`; the rest are properties: JSON values.

A property that is None is a property that is not there. Names that begin with "_" belong to the store.
"""


class NodeKind(StrEnum):
    """What a node stands for."""

    DOCUMENT = "document"
    CHUNK = "chunk"
    ENTITY = "entity"
    COMMUNITY = "community"


class EdgeKind(StrEnum):
    """What an edge says; `ENDS` says between what."""

    FROM_DOCUMENT = "from_document"
    NEXT_CHUNK = "next_chunk"
    FROM_CHUNK = "from_chunk"
    RELATED = "related"
    IN_COMMUNITY = "in_community"
    PARENT_COMMUNITY = "parent_community"


Kind = NodeKind | EdgeKind

ENDS: dict[EdgeKind, tuple[NodeKind, NodeKind]] = {
    EdgeKind.FROM_DOCUMENT: (NodeKind.CHUNK, NodeKind.DOCUMENT),
    EdgeKind.NEXT_CHUNK: (NodeKind.CHUNK, NodeKind.CHUNK),
    EdgeKind.FROM_CHUNK: (NodeKind.ENTITY, NodeKind.CHUNK),
    EdgeKind.RELATED: (NodeKind.ENTITY, NodeKind.ENTITY),
    EdgeKind.IN_COMMUNITY: (NodeKind.ENTITY, NodeKind.COMMUNITY),
    EdgeKind.PARENT_COMMUNITY: (NodeKind.COMMUNITY, NodeKind.COMMUNITY),
}
"""Source and target of each kind of edge, in the directions that Neo4j's GraphRAG tools read."""


class Edge(NamedTuple):
    """An edge without its properties: what a walk needs."""

    kind: EdgeKind
    id: str
    source: str
    target: str
    weight: float


class End(NamedTuple):
    """The other end of an edge at a node, and what was asked of that end (None where it has it not)."""

    node: str
    end: str
    weight: float
    value: Any


def heaviest_first(edge: Edge) -> tuple[float, str, str]:
    """The order of every list of edges: by weight, then id, then kind."""
    return (-edge.weight, edge.id, edge.kind)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The edges at some nodes, heaviest first, and which shards were asked for them and which did not answer."""

    edges: list[Edge]
    shards: tuple[str, ...] = ("0",)
    failed: tuple[str, ...] = ()


class Mark(NamedTuple):
    """A row's id, the node that decides its shard (an edge's smaller end), and the 64-bit digest of its content.

    `partner` is an edge's other end.
    """

    id: str
    owner: str
    digest: int
    partner: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Several reads that belong together; a store answers them in as few requests as it can."""

    nodes: Mapping[NodeKind, Sequence[str]] = field(default_factory=dict)
    edges: Mapping[EdgeKind, Sequence[str]] = field(default_factory=dict)
    """By their ids."""
    among: Mapping[EdgeKind, Sequence[str]] = field(default_factory=dict)
    """Edges with both ends among these nodes."""
    degrees: Mapping[EdgeKind, Sequence[str]] = field(default_factory=dict)
    stats: bool = False


@dataclass(slots=True)
class Seen:
    """The answers to a `Look`, each as the verb of that name gives it."""

    nodes: dict[NodeKind, list[dict[str, Any]]] = field(default_factory=dict)
    edges: dict[EdgeKind, list[dict[str, Any]]] = field(default_factory=dict)
    among: dict[EdgeKind, list[dict[str, Any]]] = field(default_factory=dict)
    degrees: dict[EdgeKind, dict[str, int]] = field(default_factory=dict)
    stats: dict[Kind, int] = field(default_factory=dict)


@dataclass(slots=True)
class Traffic:
    """What a store has done since it was opened; goes into the metadata of a materialization."""

    requests: int = 0
    rows_written: int = 0
    rows_deleted: int = 0
    bytes_written: int = 0
    retries: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(
        self,
        *,
        requests: int = 0,
        rows_written: int = 0,
        rows_deleted: int = 0,
        bytes_written: int = 0,
        retry: str | None = None,
    ) -> None:
        """Count what was done; several threads may do so at once. `retry` is the reason of one repetition."""
        with self._lock:
            self.requests += requests
            self.rows_written += rows_written
            self.rows_deleted += rows_deleted
            self.bytes_written += bytes_written
            if retry is not None:
                self.retries += 1
                self.reasons[retry] = self.reasons.get(retry, 0) + 1

    def metadata(self) -> dict[str, int]:
        """The counts, named for the metadata of a materialization."""
        return {
            "graph_requests": self.requests,
            "graph_rows_written": self.rows_written,
            "graph_rows_deleted": self.rows_deleted,
            "graph_bytes_written": self.bytes_written,
            "graph_retries": self.retries,
        }


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
