"""Writing a graph into an empty Neo4j: batches of 5,000, coloured writers, and one MERGE a row.

`python -m benchmarks.neo4j_writes [ENTITIES RELATIONSHIPS]` prints one JSON line a way.
"""

import json
import math
import sys
import time
from itertools import islice

from benchmarks._neo4j import Rows, entities, graph_on, relationships, servers
from resources.graph import EdgeKind, NodeKind
from resources.graph.neo4j import Neo4jGraph
from tests.graph.server.neo4j_server import Neo4jServer

NAIVE_ROWS = 2_000
MERGE_NODE = "MERGE (n:`__Entity__` {id: $id}) SET n = $row"
MERGE_EDGE = """
MATCH (a:`__Entity__` {id: $source}) MATCH (b:`__Entity__` {id: $target})
MERGE (a)-[r:RELATED {id: $id}]->(b) SET r.weight = $weight, r.predicate = $predicate
"""


def measure(count: int = 100_000, edges: int = 300_000) -> None:
    """Print a line for each way of writing."""
    nodes = entities(count)
    related = relationships(nodes, edges)
    with servers(1) as (server,):
        for writers in (1, 4):
            with graph_on(server, writers=writers) as store:
                store.clear()
                store.connection.ensure_schema()
                batched(store, nodes, related, writers)
        naive(server, nodes, related)


def batched(store: Neo4jGraph, nodes: Rows, related: Rows, writers: int) -> None:
    """Through the store."""
    for kind, rows in ((NodeKind.ENTITY, nodes), (EdgeKind.RELATED, related)):
        before, start = store.traffic.requests, time.perf_counter()
        written = store.upsert_nodes(kind, rows) if isinstance(kind, NodeKind) else store.upsert_edges(kind, rows)
        seconds = time.perf_counter() - start
        line = {"way": "batched", "writers": writers, "kind": kind, "rows": written}
        line |= {"requests": store.traffic.requests - before, "batches": math.ceil(len(rows) / store.limits.batch_size)}
        line |= {"retries": store.traffic.retries, "rows_per_second": round(written / seconds)}
        print(json.dumps({**line, "seconds": round(seconds, 1)}), flush=True)


def naive(server: Neo4jServer, nodes: Rows, related: Rows) -> None:
    """One transaction a row, for the first rows: it is slow enough to be told from a few."""
    import neo4j

    with graph_on(server) as store:
        store.clear()
    with neo4j.GraphDatabase.driver(server.uri, auth=None, telemetry_disabled=True) as driver:
        there = {row["id"] for row in nodes[:NAIVE_ROWS]}
        for kind, rows in (("entity", nodes[:NAIVE_ROWS]), ("related", related)):
            wanted = [row for row in rows if kind == "entity" or {row["source"], row["target"]} <= there]
            some, start = list(islice(wanted, NAIVE_ROWS)), time.perf_counter()
            for row in some:
                statement = MERGE_NODE if kind == "entity" else MERGE_EDGE
                parameters = {"id": row["id"], "row": row} if kind == "entity" else row
                driver.execute_query(statement, parameters, database_="neo4j")
            seconds = time.perf_counter() - start
            line = {"way": "one MERGE a row", "writers": 1, "kind": kind, "rows": len(some), "requests": len(some)}
            print(json.dumps({**line, "rows_per_second": round(len(some) / seconds)}), flush=True)


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
