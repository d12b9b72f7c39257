"""What a graph is made of: kinds of nodes and edges, their rows, and the questions and answers about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

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
