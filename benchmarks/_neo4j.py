"""Real Neo4j servers and synthetic graphs for the benchmarks of the graph store."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from knowledge.fingerprint import fingerprint
from resources.graph import EdgeKind, GraphStore, NodeKind
from resources.graph.limits import Limits
from resources.graph.neo4j import Neo4jGraph
from resources.graph.neo4j_driver import Neo4jServerSettings
from tests.graph.server.neo4j_server import Neo4jServer, serving

Rows = list[dict[str, Any]]


@contextmanager
def servers(count: int) -> Iterator[list[Neo4jServer]]:
    """That many fresh servers, with the full compiler and killed at the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving(warm=True)) for _ in range(count)]


def graph_on(server: Neo4jServer, name: str = "neo4j", **limits: Any) -> Neo4jGraph:
    """The store on a server."""
    return Neo4jGraph(Neo4jServerSettings(server.uri, name=name, limits=Limits.of(**limits)))


def entities(count: int) -> Rows:
    """Entities with fingerprints for ids."""
    return [{"id": fingerprint("entity", str(i)), "name": f"Name {i}", "type": "ORG"} for i in range(count)]


def relationships(nodes: Rows, count: int, seed: int = 1) -> Rows:
    """Distinct relationships, a few entities being hubs (the cube of a uniform number picks one end)."""
    draw = random.Random(seed)
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < count:
        source = nodes[int(len(nodes) * draw.random() ** 3)]["id"]
        target = nodes[draw.randrange(len(nodes))]["id"]
        if source != target:
            ends = sorted((source, target))
            name = fingerprint("related", *ends)
            rows[name] = {"id": name, "source": ends[0], "target": ends[1], "weight": 1.0, "predicate": "works with"}
    return list(rows.values())


def grouped(
    communities: int, nodes_each: int, edges_each: int, seed: int = 2
) -> tuple[dict[str, list[str]], Rows, Rows]:
    """Communities of so many entities and inner relationships: members, entities, relationships."""
    nodes = entities(communities * nodes_each)
    draw = random.Random(seed)
    members: dict[str, list[str]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for i in range(communities):
        ids = [row["id"] for row in nodes[i * nodes_each : (i + 1) * nodes_each]]
        members[f"community {i}"] = ids
        inner: set[tuple[str, str]] = set()
        while len(inner) < edges_each:
            source, target = sorted(draw.sample(ids, 2))
            inner.add((source, target))
        for source, target in sorted(inner):
            name = fingerprint("related", source, target)
            rows[name] = {"id": name, "source": source, "target": target, "weight": 1.0}
    return members, nodes, list(rows.values())


def fill(store: GraphStore, nodes: Rows, edges: Rows) -> None:
    """Write entities and relationships."""
    store.upsert_nodes(NodeKind.ENTITY, nodes)
    store.upsert_edges(EdgeKind.RELATED, edges)
