"""A small graph with every kind of node and edge, and ways to fill a store with it."""

import random
from typing import Any

from knowledge.fingerprint import fingerprint
from resources.graph import EdgeKind, GraphStore, Kind, NodeKind, Row

Graph = dict[Kind, list[Row]]


def edge(source: str, target: str, weight: float = 1.0, **properties: Any) -> dict[str, Any]:
    return {"id": f"{source}-{target}", "source": source, "target": target, "weight": weight, **properties}


def company() -> Graph:
    """Two documents of two chunks, four entities in a row with weights 1, 2, 3, and two levels of communities."""
    return {
        NodeKind.DOCUMENT: [{"id": "d1", "title": "Leave"}, {"id": "d2", "title": "Travel"}],
        NodeKind.CHUNK: [{"id": f"c{i}", "ordinal": i % 2} for i in range(4)],
        NodeKind.ENTITY: [
            {"id": f"e{i}", "name": f"Entity {i}", "type": "ORG", "aliases": ["a", "b"]} for i in range(4)
        ],
        NodeKind.COMMUNITY: [{"id": "top", "level": 0}, {"id": "sub", "level": 1}],
        EdgeKind.FROM_DOCUMENT: [edge("c0", "d1"), edge("c1", "d1"), edge("c2", "d2"), edge("c3", "d2")],
        EdgeKind.NEXT_CHUNK: [edge("c0", "c1"), edge("c2", "c3")],
        EdgeKind.FROM_CHUNK: [edge(f"e{i}", f"c{i}") for i in range(4)] + [edge("e0", "c3")],
        EdgeKind.RELATED: [edge(f"e{i}", f"e{i + 1}", 1.0 + i, predicate="knows") for i in range(3)],
        EdgeKind.IN_COMMUNITY: [edge(f"e{i}", "sub" if i < 2 else "top") for i in range(4)],
        EdgeKind.PARENT_COMMUNITY: [edge("sub", "top")],
    }


def random_graph(entities: int, edges: int, seed: int = 7) -> Graph:
    """Entities and relationships with fingerprints for ids; a few entities are hubs."""
    draw = random.Random(seed)
    ids = [fingerprint("entity", str(i)) for i in range(entities)]
    rows: dict[str, Row] = {}
    while len(rows) < edges:
        source, target = ids[int(entities * draw.random() ** 3)], draw.choice(ids)
        if source != target:
            source, target = min(source, target), max(source, target)
            name = fingerprint("related", source, target)
            rows[name] = {"id": name, "source": source, "target": target, "weight": float(draw.randint(1, 9))}
    nodes: list[Row] = [{"id": name, "name": f"name {i}", "type": "ORG"} for i, name in enumerate(ids)]
    return {NodeKind.ENTITY: nodes, EdgeKind.RELATED: list(rows.values())}


def fill(store: GraphStore, graph: Graph) -> int:
    """Write a graph, nodes first; returns the rows written."""
    written = 0
    for kind, rows in sorted(graph.items(), key=lambda item: isinstance(item[0], EdgeKind)):
        if isinstance(kind, NodeKind):
            written += store.upsert_nodes(kind, rows)
        else:
            written += store.upsert_edges(kind, rows)
    return written


def tables(graph: Graph) -> Any:
    """A graph as the tables of a parity check."""
    return {kind: (lambda rows=rows: iter(rows)) for kind, rows in graph.items()}
