"""Names of passages that ingest has written and the graph does not hold yet, so that a search need not wait for it."""

from collections.abc import Collection

from knowledge.mention import mention_weight
from resources.catalog import Catalog
from resources.graph import GraphStore, NodeKind
from resources.lance import run
from resources.retrieval.reader import Reader


class Fresh:
    """Reads the mentions of new passages while the graph is behind; where it is not, it reads nothing."""

    def __init__(self, mentions: Reader, catalog: Catalog, graph: GraphStore) -> None:
        self.mentions, self.catalog, self.graph = mentions, catalog, graph

    def names(self, chunks: Collection[str]) -> dict[str, dict[str, float]]:
        """{chunk: {entity: weight of the edge}} of those chunks that the graph does not hold."""
        if not chunks or self.catalog.generations.behind() is None or not run(self.mentions.there()):
            return {}
        held = {row["id"] for row in self.graph.read_nodes(NodeKind.CHUNK, sorted(chunks))}
        new = set(chunks) - held
        if not new:
            return {}
        found: dict[str, dict[str, float]] = {chunk: {} for chunk in new}
        columns = ("chunk_id", "entity_id", "origin")
        for row in run(self.mentions.of("chunk_id", new, columns)).to_pylist():
            edges = found[row["chunk_id"]]
            edges[row["entity_id"]] = max(mention_weight(row["origin"]), edges.get(row["entity_id"], 0.0))
        return found
