"""The graph store: one seam (base.py, kinds.py), an embedded implementation (sqlite.py) and a server's (neo4j.py)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resources.graph.base import GraphStore
from resources.graph.kinds import ENDS, Edge, EdgeKind, Kind, Look, Mark, Neighbourhood, NodeKind, Row, Seen
from resources.graph.sqlite import SqliteGraph
from resources.graph.traffic import Traffic

if TYPE_CHECKING:
    from resources.graph.neo4j_driver import Neo4jServerSettings

__all__ = [
    "ENDS",
    "Edge",
    "EdgeKind",
    "GraphStore",
    "Kind",
    "Look",
    "Mark",
    "Neighbourhood",
    "NodeKind",
    "Row",
    "Seen",
    "SqliteGraph",
    "Traffic",
    "open_graph",
    "open_neo4j",
]


def open_graph(path: Path | str) -> GraphStore:
    """The embedded store at a path, made if it is not there."""
    return SqliteGraph(path)


def open_neo4j(servers: "Sequence[Neo4jServerSettings]") -> GraphStore:
    """The graph in one Neo4j database, or sharded over several by their names and capacities; connects when used."""
    from resources.graph.neo4j import Neo4jGraph
    from resources.graph.sharded import ShardedGraph

    if len(servers) == 1:
        return Neo4jGraph(servers[0])
    stores = {server.name: Neo4jGraph(server) for server in servers}
    return ShardedGraph(stores, {server.name: server.capacity for server in servers}, name="neo4j")
