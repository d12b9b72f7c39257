"""Reading what 719 community reports need from a real Neo4j: batched through our gate, and one read an item.

`python -m benchmarks.neo4j_reports [COMMUNITIES]` prints one JSON line a way. The naive way is the failure that the
batched one exists for: one session for every node and every edge, all communities at once.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks._neo4j import fill, graph_on, grouped, servers
from resources.graph.neo4j import Neo4jGraph
from resources.graph.report_reads import read_communities
from tests.graph.server.neo4j_server import Neo4jServer

NODES_EACH, EDGES_EACH = 25, 30
NODE = "MATCH (n:`__Entity__` {id: $id}) RETURN n"
EDGE = "MATCH ()-[r:RELATED {id: $id}]->() RETURN r"


def measure(communities: int = 719) -> None:
    """Print a line for each pool and way."""
    members, nodes, edges = grouped(communities, NODES_EACH, EDGES_EACH)
    of = [edges[i * EDGES_EACH : (i + 1) * EDGES_EACH] for i in range(communities)]
    with servers(1) as (server,):
        with graph_on(server) as store:
            fill(store, nodes, edges)
        for pool, seconds in ((50, 10.0), (5, 1.0)):
            with graph_on(server, pool_size=pool, acquire_seconds=seconds) as store:
                show("batched", pool, seconds, communities, lambda store=store: batched(store, members))
            ids = [(ids, [row["id"] for row in rows]) for ids, rows in zip(members.values(), of, strict=True)]
            show("naive", pool, seconds, communities, lambda p=pool, s=seconds: naive(server, ids, p, s))


def batched(store: Neo4jGraph, members: dict[str, list[str]]) -> dict[str, Any]:
    """Our way; raises where a community came back short."""
    store.connection.ensure_schema()
    before = store.traffic.requests
    for community in read_communities(store, members, max_concurrency=store.limits.max_concurrency, with_degrees=True):
        if (len(community.nodes), len(community.edges)) != (NODES_EACH, EDGES_EACH):
            raise AssertionError(f"{community.id} came back short")
    counts = store.connection.gate.counts()
    requests = store.traffic.requests - before
    return {"failed": counts.timed_out, "requests": requests, "peak_sessions": counts.peak}


def naive(server: Neo4jServer, ids: list[tuple[list[str], list[str]]], pool: int, seconds: float) -> dict[str, Any]:
    """A thread a community and a session an item, as many as the machine starts."""
    import neo4j

    failed = 0
    options = {"max_connection_pool_size": pool, "connection_acquisition_timeout": seconds, "telemetry_disabled": True}
    with neo4j.GraphDatabase.driver(server.uri, auth=None, **options) as driver:

        def read(statement: str, name: str) -> bool:
            try:
                with driver.session(database="neo4j") as session:
                    session.run(statement, id=name).consume()
            except neo4j.exceptions.ConnectionAcquisitionTimeoutError:
                return False
            return True

        with ThreadPoolExecutor(512) as threads:
            asked = [threads.submit(read, NODE, name) for nodes, _ in ids for name in nodes]
            asked += [threads.submit(read, EDGE, name) for _, edges in ids for name in edges]
            failed = sum(not future.result() for future in asked)
    return {"failed": failed, "requests": len(asked), "peak_sessions": pool}


def show(way: str, pool: int, acquire: float, communities: int, work: Callable[[], dict[str, Any]]) -> None:
    start = time.perf_counter()
    found = work()
    line = {"way": way, "communities": communities, "pool": pool, "acquire_seconds": acquire, **found}
    print(json.dumps({**line, "seconds": round(time.perf_counter() - start, 2)}), flush=True)


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
