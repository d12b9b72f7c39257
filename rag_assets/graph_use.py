"""What a run asked of the graph store, as metadata: requests, rows, the pool, and how far behind the store is."""

from rag_assets.work import GRAPH, GRAPH_LETTERS, GRAPH_QUEUES
from resources.index import Index

RISING = ("graph_", "neo4j_pool_acquired", "neo4j_pool_timed_out", "neo4j_pool_created", "neo4j_pool_closed")
"""Counters that only grow: a run shows what it added."""


class GraphUse:
    """Counts from here on."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._before = index.graph.metadata()

    def metadata(self) -> dict[str, int | float]:
        """Requests and rows since the start, the pool as it stands, freshness in seconds, backlog in units."""
        catalog = self._index.catalog
        counts: dict[str, int | float] = {
            name: value - self._before.get(name, 0) if name.startswith(RISING) else value
            for name, value in self._index.graph.metadata().items()
        }
        behind, state = catalog.generations.behind(), catalog.stages.stage("entity_graph", GRAPH)
        waiting = catalog.queues.lengths()
        return counts | {
            "graph_backlog": sum(count for (stage, _), count in waiting.items() if stage in GRAPH_QUEUES),
            "graph_set_aside": len(catalog.letters.find(GRAPH_LETTERS)),
            "graph_behind_seconds": round(behind[1], 1) if behind else 0.0,
            "graph_behind_generations": catalog.generations.current() - state.generation,
        }
