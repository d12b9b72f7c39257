"""Reading what 719 community reports need from a real Neo4j: batched through our gate, and one read an item.

`python -m benchmarks.neo4j_reports [COMMUNITIES]` prints one JSON line a way. The naive way is the failure that the
batched one exists for: one session for every node and every edge, all communities at once.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
    with servers(1) as (server,):
        with graph_on(server) as store:
            fill(store, nodes, edges)
        for pool, seconds in ((50, 10.0), (5, 1.0)):
            with graph_on(server, pool_size=pool, acquire_seconds=seconds) as store:
                show("batched", pool, seconds, partial(batched, store, members))
        ids = [*(row["id"] for row in nodes), *(row["id"] for row in edges)]
        show("naive", 5, 1.0, partial(naive, server, ids, len(nodes), 5, 1.0))


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


def naive(server: Neo4jServer, ids: list[str], nodes: int, pool: int, seconds: float) -> dict[str, Any]:
    """A session an item and no bound on how many ask; the first `nodes` ids are nodes, the others edges."""
    import neo4j

    with neo4j.GraphDatabase.driver(
        server.uri, auth=None, max_connection_pool_size=pool, connection_acquisition_timeout=seconds
    ) as driver:

        def read(place: int) -> bool:
            try:
                with driver.session(database="neo4j") as session:
                    session.run(NODE if place < nodes else EDGE, id=ids[place]).consume()
            except neo4j.exceptions.ConnectionAcquisitionTimeoutError:
                return False
            return True

        with ThreadPoolExecutor(512) as threads:
            answered = sum(threads.map(read, range(len(ids))))
    return {"failed": len(ids) - answered, "requests": len(ids), "peak_sessions": pool}


def show(way: str, pool: int, acquire: float, work: Callable[[], dict[str, Any]]) -> None:
    """Do it, and print what came of it."""
    start = time.perf_counter()
    found = work()
    line = {"way": way, "pool": pool, "acquire_seconds": acquire, **found}
    print(json.dumps({**line, "seconds": round(time.perf_counter() - start, 2)}), flush=True)


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
