"""The graph store: one seam (base.py), an embedded implementation (sqlite.py) and a server's (neo4j.py)."""

from pathlib import Path

from resources.graph.base import ENDS, Edge, EdgeKind, GraphStore, Kind, Mark, Neighbourhood, NodeKind, Row, Traffic
from resources.graph.sqlite import SqliteGraph

__all__ = [
    "ENDS",
    "Edge",
    "EdgeKind",
    "GraphStore",
    "Kind",
    "Mark",
    "Neighbourhood",
    "NodeKind",
    "Row",
    "SqliteGraph",
    "Traffic",
    "open_graph",
]


def open_graph(path: Path | str) -> GraphStore:
    """The embedded store at a path, made if it is not there."""
    return SqliteGraph(path)
