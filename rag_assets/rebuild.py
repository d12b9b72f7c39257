"""Rebuilds the graph store from the tables, or fills up what moved, and proves that they agree."""

from collections.abc import Mapping

from rag_assets.graph_rows import tables_of
from rag_assets.work import GRAPH, GRAPH_STORE
from resources.errors import GraphError
from resources.graph.parity import align, differences
from resources.graph.sharded import ShardedGraph
from resources.index import Index


def rebuild_graph(index: Index, holder: str, *, moved: bool = False) -> Mapping[str, int]:
    """{kind: rows} of the new graph. Raises GraphError where it does not equal the tables.

    `moved`: nothing is dropped, only what is missing or different is written, and what the settings of before read
    stays where it is: a server that was added is filled while the old ones serve.
    """
    with index.catalog.leases.hold([GRAPH], holder):
        if not moved:
            index.graph.clear()
        align(index.graph, tables_of(index))
        differ = differences(index.graph, tables_of(index))
        if not differ:
            index.catalog.put(GRAPH_STORE, index.graph_place)
    if differ:
        listed = "; ".join(difference.first() for difference in differ)
        raise GraphError(f"the rebuilt graph does not equal the tables ({listed}); run `rag rebuild graph` again.")
    return {str(kind): count for kind, count in index.graph.stats().items()}


def tidy_graph(index: Index, holder: str) -> int:
    """Remove from each server what lives on another one now; returns how many rows. For when nobody reads it there."""
    with index.catalog.leases.hold([GRAPH], holder):
        return index.graph.tidy() if isinstance(index.graph, ShardedGraph) else 0
