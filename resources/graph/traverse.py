"""Multi-hop search over any graph store: hops, time, nodes and fan-out are bounded, and the answer says by what.

Belongs here: asking `neighbours` hop by hop. Does not: scores and order (knowledge/traversal.py), routing to servers
(sharded.py).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from knowledge.traversal import Frontier, Path, Step
from resources.graph.base import GraphStore
from resources.graph.kinds import Edge, EdgeKind, heaviest_first
from resources.graph.rows import batches

STEP_NODES = 512


@dataclass(frozen=True, slots=True)
class TraversalLimits:
    """How far a traversal may go: hops, seconds, nodes reached, and the heaviest edges followed at each node."""

    max_hops: int = 3
    timeout_seconds: float = 30.0
    max_nodes: int = 10_000
    edges_per_node: int | None = 200


@dataclass(frozen=True, slots=True)
class Traversal:
    """What a traversal found; `stopped` names what cut it short: "timeout", "nodes" or "shards"."""

    paths: list[Path]
    edges: list[Edge]
    shards: tuple[str, ...]
    failed: tuple[str, ...]
    seconds: float
    stopped: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.stopped

    @property
    def summary(self) -> dict[str, object]:
        """The counts, for logs and answers."""
        return {
            "paths_found": len(self.paths),
            "shards_queried": len(self.shards),
            "seconds": round(self.seconds, 4),
            "complete": self.complete,
            "stopped": list(self.stopped),
        }


def saturating(edge: Edge) -> float:
    """A strength in 0 … 1 from a weight of support: 1/2 for one, 2/3 for two, never quite 1."""
    weight = max(edge.weight, 0.0)
    return weight / (1.0 + weight)


def traverse(
    store: GraphStore,
    seeds: Mapping[str, float],
    kinds: Mapping[EdgeKind, float],
    limits: TraversalLimits | None = None,
    strength: Callable[[Edge], float] = saturating,
    clock: Callable[[], float] = time.monotonic,
) -> Traversal:
    """The best path to every node within reach of the seeds `{id: score}` over the kinds `{kind: factor in 0 … 1}`.

    The same store and seeds give the same answer, unless time ran out or a shard did not answer: then the answer is
    what was found until then, and says so.
    """
    limits = limits or TraversalLimits()
    start = clock()
    frontier = Frontier(seeds, limits.max_nodes)
    edges: dict[tuple[str, str], Edge] = {}
    shards: set[str] = set()
    failed: set[str] = set()
    late = False
    for _ in range(limits.max_hops):
        shown: dict[tuple[str, str], Edge] = {}
        for ids in batches(frontier.open, STEP_NODES):
            left = limits.timeout_seconds - (clock() - start)
            if left <= 0:
                late = True
                break
            found = store.neighbours(ids, list(kinds), limits.edges_per_node, timeout=left)
            shown |= {(edge.kind, edge.id): edge for edge in found.edges}
            shards.update(found.shards)
            failed.update(found.failed)
        edges |= shown
        frontier.advance(Step(e.id, e.source, e.target, kinds[e.kind] * strength(e)) for e in shown.values())
        if late or not frontier.open:
            break
    reached = frontier.best.keys()
    stopped = {"timeout": late, "nodes": frontier.dropped > 0, "shards": bool(failed)}
    return Traversal(
        paths=frontier.paths(),
        edges=sorted((e for e in edges.values() if e.source in reached and e.target in reached), key=heaviest_first),
        shards=tuple(sorted(shards)),
        failed=tuple(sorted(failed)),
        seconds=clock() - start,
        stopped=tuple(name for name, hit in stopped.items() if hit),
    )
