"""Rebuilds the graph store from the tables and proves that they agree."""

from collections.abc import Mapping

from rag_assets.graph_rows import tables_of
from rag_assets.work import GRAPH
from resources.errors import GraphError
from resources.graph.parity import align, differences
from resources.index import Index


def rebuild_graph(index: Index, holder: str, *, moved: bool = False) -> Mapping[str, int]:
    """{kind: rows} of the new graph. Raises GraphError where it does not equal the tables.

    `moved`: nothing is dropped first; only what differs is written, and the rest goes on serving.
    """
    with index.catalog.leases.hold([GRAPH], holder):
        if not moved:
            index.graph.clear()
        align(index.graph, tables_of(index))
        differ = differences(index.graph, tables_of(index))
    if differ:
        listed = "; ".join(difference.first() for difference in differ)
        raise GraphError(f"the rebuilt graph does not equal the tables ({listed}); run `rag rebuild graph` again.")
    return {str(kind): count for kind, count in index.graph.stats().items()}
