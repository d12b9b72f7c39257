"""Several reads of a Neo4j database as one statement.

Belongs here: the statement and what its rows mean. Does not: running it (neo4j.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from resources.graph.cypher import among, edge, ends, node, quoted
from resources.graph.kinds import EdgeKind, Kind, Look, NodeKind, Seen
from resources.graph.neo4j_rows import LABELS, TYPES, edge_record_of, node_record_of


class Part(NamedTuple):
    """One read of one kind; its rows come back under its name, and the ids that it asks for are the parameter."""

    verb: str
    kind: Kind

    @property
    def name(self) -> str:
        return f"{self.verb}_{self.kind.value}"


def parts_of(at: Look) -> dict[Part, Sequence[str]]:
    """The reads of a look with what each asks for."""
    asked: dict[Part, Sequence[str]] = {}
    for verb in ("nodes", "edges", "among", "degrees"):
        found: Mapping[Kind, Sequence[str]] = getattr(at, verb)
        asked |= {Part(verb, kind): list(dict.fromkeys(ids)) for kind, ids in found.items()}
    if at.stats:
        asked |= {Part("stats", kind): [] for kind in (*NodeKind, *EdgeKind)}
    return asked


@cache
def statement(parts: tuple[Part, ...]) -> str:
    """All parts in one request, as rows (part, a, b, c, d)."""
    return "\nUNION ALL\n".join(f"{_match(part)} AS part, {_columns(part)}" for part in parts)


def seen(at: Look, rows: Iterable[Sequence[Any]]) -> Seen:
    """What the rows of the statement say, in the order and form of the single verbs."""
    told: dict[str, list[Sequence[Any]]] = {}
    for part, *values in rows:
        told.setdefault(part, []).append(values)
    found = Seen()
    for kind, ids in at.nodes.items():
        read = told.get(f"nodes_{kind.value}", ())
        nodes = {a: node_record_of(kind, a, b, c).row() for a, b, c, _ in read}
        found.nodes[kind] = [nodes[i] for i in dict.fromkeys(ids) if i in nodes]
    for edge_kind, ids in at.edges.items():
        edges = {row[0]: edge_record_of(*row).row() for row in told.get(f"edges_{edge_kind.value}", ())}
        found.edges[edge_kind] = [edges[i] for i in dict.fromkeys(ids) if i in edges]
    for edge_kind in at.among:
        inner = [edge_record_of(*row).row() for row in told.get(f"among_{edge_kind.value}", ())]
        found.among[edge_kind] = sorted(inner, key=lambda row: str(row["id"]))
    for edge_kind in at.degrees:
        found.degrees[edge_kind] = {row[0]: row[1] for row in told.get(f"degrees_{edge_kind.value}", ())}
    if at.stats:
        # a count of nothing beside a name is no row
        counts = {kind: told.get(f"stats_{kind.value}", [[0]]) for kind in (*NodeKind, *EdgeKind)}
        found.stats = {kind: rows[0][0] for kind, rows in counts.items()}
    return found


def _match(part: Part) -> str:
    """The beginning of a part, up to its name."""
    kind = part.kind
    if isinstance(kind, NodeKind):
        everyone = f"MATCH (n:{quoted(LABELS[kind])})"
        return f"{everyone if part.verb == 'stats' else node(kind, part.name)} RETURN '{part.name}'"
    match = {
        "stats": f"MATCH ()-[r:{quoted(TYPES[kind])}]->()",
        "edges": edge(kind, part.name),
        "among": among(kind, part.name),
        "degrees": ends(kind, part.name),
    }[part.verb]
    return f"{match} RETURN '{part.name}'"


def _columns(part: Part) -> str:
    kind = part.kind
    if part.verb == "stats":
        return f"count({'n' if isinstance(kind, NodeKind) else 'r'}) AS a, null AS b, null AS c, null AS d"
    if isinstance(kind, NodeKind):
        return "n.id AS a, properties(n) AS b, labels(n) AS c, null AS d"
    if part.verb != "degrees":
        return "r.id AS a, a.id AS b, b.id AS c, properties(r) AS d"
    type_ = quoted(TYPES[kind])
    count = (
        f"CASE WHEN a IS NULL THEN 0 ELSE count {{ (a)-[:{type_}]->() }} END "
        f"+ CASE WHEN b IS NULL THEN 0 ELSE count {{ (b)<-[:{type_}]-() }} END"
    )
    return f"id AS a, {count} AS b, null AS c, null AS d"
