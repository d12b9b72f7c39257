"""Three-hop walks over one Neo4j, over two, and over two with one of them dead.

`python -m benchmarks.neo4j_walks [ENTITIES RELATIONSHIPS WALKS]` prints one JSON line a store.
"""

import json
import sys

from benchmarks._neo4j import entities, fill, graph_on, relationships, servers
from resources.graph import EdgeKind, GraphStore
from resources.graph.sharded import ShardedGraph
from resources.graph.traverse import traverse


def measure(count: int = 100_000, edges: int = 300_000, walks: int = 60) -> None:
    """Print p50 and p95 of a walk from one entity for each store."""
    nodes = entities(count)
    related = relationships(nodes, edges)
    seeds = [row["id"] for row in nodes[count // 3 :: max(1, count // 2 // walks)]][:walks]
    with servers(2) as (first, second):
        with graph_on(first, "a") as one:
            fill(one, nodes, related)
            walk(one, "one server", seeds)
            one.clear()
        parts = {"a": graph_on(first, "a"), "b": graph_on(second, "b")}
        with ShardedGraph(parts, {"a": 1.0, "b": 1.0}) as two:
            fill(two, nodes, related)
            walk(two, "two servers", seeds)
            second.pause()
            try:
                walk(two, "two servers, one silent", seeds[:1])
            finally:
                second.resume()
            second.kill()
            walk(two, "two servers, one dead", seeds[:1])


def walk(store: GraphStore, name: str, seeds: list[str]) -> None:
    """Walk once from each seed, after a warm-up with the same."""
    if len(seeds) > 1:
        for seed in seeds:
            traverse(store, {seed: 1.0}, {EdgeKind.RELATED: 1.0})
    found = [traverse(store, {seed: 1.0}, {EdgeKind.RELATED: 1.0}) for seed in seeds]
    seconds = sorted(answer.seconds for answer in found)
    line = {"store": name, "walks": len(seeds), "p50_ms": round(1000 * seconds[len(seconds) // 2], 1)}
    line["p95_ms"] = round(1000 * seconds[int(len(seconds) * 0.95)], 1)
    paths = sorted(len(answer.paths) for answer in found)
    complete = all(answer.complete for answer in found)
    print(json.dumps({**line, "paths_p50": paths[len(paths) // 2], "complete": complete}), flush=True)


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
