"""Deletions and rows of several kinds as one statement, so that a small change of the graph is one request.

Belongs here: the parameters and what the counts mean. Does not: Cypher (cypher.py), running it (neo4j.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resources.graph import cypher
from resources.graph.colouring import smaller_end_first
from resources.graph.kinds import EdgeKind, Kind, NodeKind, Row
from resources.graph.neo4j_rows import edge_parameters, node_parameters
from resources.graph.rows import EdgeRecord, NodeRecord, edge_record, node_record


@dataclass(frozen=True, slots=True)
class Together:
    """Ids to delete, nodes and edges to write, each by its kind; the last of equal ids wins."""

    gone: dict[Kind, list[str]]
    nodes: dict[NodeKind, list[NodeRecord]]
    edges: dict[EdgeKind, list[EdgeRecord]]

    @classmethod
    def of(cls, delete: Mapping[Kind, Sequence[str]], upsert: Mapping[Kind, Sequence[Row]]) -> "Together":
        """What is to be done, without the kinds of which there is nothing. Raises GraphError for a row that is none."""
        gone = {kind: list(dict.fromkeys(ids)) for kind, ids in delete.items() if ids}
        nodes: dict[NodeKind, list[NodeRecord]] = {}
        edges: dict[EdgeKind, list[EdgeRecord]] = {}
        for kind, rows in upsert.items():
            if isinstance(kind, NodeKind) and rows:
                records = {row["id"]: node_record(row) for row in rows}
                nodes[kind] = [records[name] for name in sorted(records)]
            elif isinstance(kind, EdgeKind) and rows:
                found = {row["id"]: edge_record(row) for row in rows}
                edges[kind] = sorted(found.values(), key=smaller_end_first)
        return cls(gone, nodes, edges)

    @property
    def size(self) -> int:
        """Rows and ids in all."""
        return sum(len(items) for part in (self.gone, self.nodes, self.edges) for items in part.values())

    @property
    def kinds(self) -> int:
        """How many requests it would be, kind by kind; all deletions are one."""
        return bool(self.gone) + len(self.nodes) + len(self.edges)

    @property
    def statement(self) -> str:
        return cypher.write(tuple(self.gone), (*self.nodes, *self.edges))

    @property
    def parameters(self) -> dict[str, Any]:
        named: dict[str, Any] = {kind.value: ids for kind, ids in self.gone.items()}
        for kind, records in self.nodes.items():
            named[f"new_{kind.value}"] = [node_parameters(kind, record) for record in records]
        for edge_kind, found in self.edges.items():
            named[f"new_{edge_kind.value}"] = [edge_parameters(record) for record in found]
        return named

    def short(self, counts: Sequence[int]) -> list[EdgeKind]:
        """The kinds of which some edge did not find its ends."""
        matched = counts[len(counts) - len(self.edges) :]
        return [kind for (kind, found), count in zip(self.edges.items(), matched, strict=True) if count < len(found)]

    def deleted(self, counts: Sequence[int]) -> int:
        return sum(counts[: len(self.gone)])

    def written(self, counts: Sequence[int]) -> list[tuple[int, Sequence[NodeRecord] | Sequence[EdgeRecord]]]:
        """How many rows of each kind were new or different, and the rows that were given."""
        given: list[Sequence[NodeRecord] | Sequence[EdgeRecord]] = [*self.nodes.values(), *self.edges.values()]
        return list(zip(counts[len(self.gone) : len(self.gone) + len(given)], given, strict=True))
