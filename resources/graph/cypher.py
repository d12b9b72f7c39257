"""The statements of the Neo4j store. Values are parameters always; labels and types come from fixed names here.

Belongs here: Cypher text. Does not: running it (neo4j.py), constraints and indexes (schema.py).
"""

from collections.abc import Collection, Sequence
from functools import cache

from resources.graph.kinds import ENDS, EdgeKind, NodeKind
from resources.graph.neo4j_rows import LABELS, TYPES


def quoted(name: str) -> str:
    """A label or type between backticks, those in it doubled."""
    return f"`{name.replace('`', '``')}`"


def by_id(name: str, kind: EdgeKind | NodeKind) -> str:
    """The hint to find the row `name` of a kind through the index of its ids.

    A plan made when there were few rows reads all of them for every id, and is kept for a while when there are many.
    """
    return f"USING INDEX SEEK {name}:{quoted(LABELS[kind] if isinstance(kind, NodeKind) else TYPES[kind])}(id)"


@cache
def node(kind: NodeKind, ids: str = "ids") -> str:
    """The nodes `n` of a kind with the ids in the parameter."""
    return f"UNWIND ${ids} AS id\nMATCH (n:{quoted(LABELS[kind])} {{id: id}}) {by_id('n', kind)}"


@cache
def edge(kind: EdgeKind, ids: str = "ids") -> str:
    """The edges `r` from `a` to `b` of a kind with the ids in the parameter."""
    return f"UNWIND ${ids} AS id\nMATCH (a)-[r:{quoted(TYPES[kind])} {{id: id}}]->(b) {by_id('r', kind)}"


@cache
def ends(kind: EdgeKind, ids: str = "ids") -> str:
    """The node `a` that edges of a kind may come from, and `b` that they may go to, of each id in the parameter."""
    source, target = ENDS[kind]
    return f"""UNWIND ${ids} AS id
OPTIONAL MATCH (a:{quoted(LABELS[source])} {{id: id}}) {by_id("a", source)}
OPTIONAL MATCH (b:{quoted(LABELS[target])} {{id: id}}) {by_id("b", target)}"""


@cache
def upsert_nodes(kind: NodeKind, rows: str = "rows") -> str:
    """Write `$rows` of {id, labels, properties}; returns how many were new or different."""
    label = quoted(LABELS[kind])
    return f"""
UNWIND ${rows} AS row
MERGE (n:{label} {{id: row.id}})
WITH n, row
WHERE properties(n) <> row.properties
   OR size(labels(n)) <> size(row.labels) OR NOT all(label IN row.labels WHERE label IN labels(n))
SET n = row.properties
REMOVE n:$([label IN labels(n) WHERE NOT label IN row.labels])
SET n:$(row.labels)
RETURN count(*) AS written_{rows}
"""


@cache
def upsert_edges(kind: EdgeKind, rows: str = "rows") -> str:
    """Write `$rows` of {id, source, target, properties}; returns how many found their ends and how many changed."""
    source, target = ENDS[kind]
    return f"""
UNWIND ${rows} AS row
MATCH (a:{quoted(LABELS[source])} {{id: row.source}}) {by_id("a", source)}
MATCH (b:{quoted(LABELS[target])} {{id: row.target}}) {by_id("b", target)}
MERGE (a)-[r:{quoted(TYPES[kind])} {{id: row.id}}]->(b)
WITH r, row, properties(r) <> row.properties AS differs
FOREACH (_ IN CASE WHEN differs THEN [1] ELSE [] END | SET r = row.properties)
RETURN count(*) AS matched_{rows}, sum(toInteger(differs)) AS written_{rows}
"""


@cache
def missing_nodes(kind: NodeKind) -> str:
    """Which of `$ids` are not there."""
    return f"""
UNWIND $ids AS id
OPTIONAL MATCH (n:{quoted(LABELS[kind])} {{id: id}}) {by_id("n", kind)}
WITH id, n WHERE n IS NULL
RETURN id
"""


@cache
def delete(kinds: tuple[EdgeKind | NodeKind, ...]) -> str:
    """Remove the ids in the parameters named after the kinds, edges before nodes, in one request.

    Where the nodes have more than `$most` edges, nothing is done and no row returned: `strip` them first.
    """
    return "\n".join([*_deletions(kinds), f"RETURN {', '.join(kind.value for kind in kinds)}"])


@cache
def write(deleted: tuple[EdgeKind | NodeKind, ...], upserted: tuple[EdgeKind | NodeKind, ...]) -> str:
    """`delete`, then the rows in the parameters `new_` and the kind, nodes before edges, in one request.

    Returns the number of deletions of each kind, of written rows of each kind, of matched rows of each kind of edge;
    where nodes to delete have more than `$most` edges, nothing is done and no row returned.
    """
    nodes = [kind for kind in upserted if isinstance(kind, NodeKind)]
    edges = [kind for kind in upserted if isinstance(kind, EdgeKind)]
    parts = _deletions(deleted)
    parts += [f"CALL () {{ {upsert_nodes(kind, f'new_{kind.value}')} }}" for kind in nodes]
    parts += [f"CALL () {{ {upsert_edges(kind, f'new_{kind.value}')} }}" for kind in edges]
    names = [kind.value for kind in deleted] + [f"written_new_{kind.value}" for kind in upserted]
    names += [f"matched_new_{kind.value}" for kind in edges]
    return "\n".join([*parts, f"RETURN {', '.join(names)}"])


@cache
def strip(kind: NodeKind) -> str:
    """Remove at most `$size` edges of any kind at the nodes `$ids`; returns how many."""
    return f"""
UNWIND $ids AS id
MATCH (x:{quoted(LABELS[kind])} {{id: id}})-[r]-() {by_id("x", kind)}
WITH r LIMIT $size
DELETE r
RETURN count(*)
"""


def _deletions(kinds: Collection[EdgeKind | NodeKind]) -> list[str]:
    nodes = [kind for kind in kinds if isinstance(kind, NodeKind)]
    edges = [kind for kind in kinds if isinstance(kind, EdgeKind)]
    attached = " + ".join(f"at_{kind.value}" for kind in nodes)
    # One sum over all kinds, so that what follows runs once or not at all.
    return [
        *(f"CALL () {{ {_find(kind)} RETURN sum(count {{ (x)--() }}) AS at_{kind.value} }}" for kind in nodes),
        *([f"WITH {attached} AS attached WHERE attached <= $most"] if nodes else []),
        *(f"CALL () {{ {_find(kind)} DELETE x RETURN count(*) AS {kind.value} }}" for kind in edges),
        *(f"CALL () {{ {_find(kind)} DETACH DELETE x RETURN count(*) AS {kind.value} }}" for kind in nodes),
    ]


def _find(kind: EdgeKind | NodeKind) -> str:
    """The rows `x` of a kind with the ids in the parameter named after it."""
    if isinstance(kind, NodeKind):
        pattern = f"(x:{quoted(LABELS[kind])} {{id: id}})"
    else:
        pattern = f"()-[x:{quoted(TYPES[kind])} {{id: id}}]->()"
    return f"UNWIND ${kind.value} AS id MATCH {pattern} {by_id('x', kind)}"


@cache
def read_nodes(kind: NodeKind) -> str:
    """`$ids` as (id, properties, labels)."""
    return f"{node(kind)} RETURN n.id, properties(n), labels(n)"


@cache
def read_property(kind: NodeKind, name: str) -> str:
    """`$ids` as (id, one property) of the nodes that have it."""
    return f"{node(kind)} WHERE n.{quoted(name)} IS NOT NULL RETURN n.id, n.{quoted(name)}"


@cache
def edges_among(kind: EdgeKind) -> str:
    """The edges with both ends in `$ids` as (id, source, target, properties)."""
    return f"{among(kind)} RETURN r.id, a.id, b.id, properties(r)"


@cache
def among(kind: EdgeKind, ids: str = "ids") -> str:
    """The edges `r` from `a` to `b` of a kind with both ends in the parameter."""
    source, _ = ENDS[kind]
    # `coalesce`, so that no plan of a time of few nodes seeks all of `b` for every `a`. And the parameter, not a list
    # per row: the server hashes a constant list once, and searches any other from its start.
    return f"""
UNWIND ${ids} AS id
MATCH (a:{quoted(LABELS[source])} {{id: id}})-[r:{quoted(TYPES[kind])}]->(b) {by_id("a", source)}
WHERE coalesce(b.id, '') IN ${ids}"""


@cache
def read_edges_by_id(kind: EdgeKind) -> str:
    """`$ids` as (id, source, target, properties)."""
    return f"{edge(kind)} RETURN r.id, a.id, b.id, properties(r)"


@cache
def degrees(kind: EdgeKind) -> str:
    """`$ids` as (id, edges in both directions)."""
    type_ = quoted(TYPES[kind])
    return f"""
{ends(kind)}
RETURN id, CASE WHEN a IS NULL THEN 0 ELSE count {{ (a)-[:{type_}]->() }} END
         + CASE WHEN b IS NULL THEN 0 ELSE count {{ (b)<-[:{type_}]-() }} END
"""


@cache
def neighbours(kinds: Collection[EdgeKind], limited: bool) -> str:
    """The edges at `$ids` in both directions as (type, id, source, target, weight), the `$limit` heaviest of each."""
    ways = []
    for kind in kinds:
        for end, (left, right) in zip(ENDS[kind], (("-", "->"), ("<-", "-")), strict=True):
            found = f"(x:{quoted(LABELS[end])} {{id: id}}){left}[r:{quoted(TYPES[kind])}]{right}() {by_id('x', end)}"
            ways.append(f"MATCH {found} RETURN r, startNode(r).id AS source, endNode(r).id AS target")
    heaviest = "ORDER BY r.weight DESC, r.id LIMIT $limit" if limited else ""
    return f"""
UNWIND $ids AS id
CALL (id) {{
    CALL (id) {{ {" UNION ALL ".join(ways)} }}
    WITH DISTINCT r, source, target {heaviest}
    RETURN r, source, target
}}
RETURN DISTINCT type(r), r.id, source, target, r.weight
"""


@cache
def page_of_nodes(kind: NodeKind) -> str:
    """The next `$size` nodes after the id `$after`."""
    return (
        f"MATCH (n:{quoted(LABELS[kind])}) {by_id('n', kind)} WHERE n.id > $after "
        "RETURN n.id, properties(n), labels(n) ORDER BY n.id LIMIT $size"
    )


@cache
def page_of_edges(kind: EdgeKind, whole: bool) -> str:
    """The next `$size` edges after the id `$after`."""
    last = "properties(r)" if whole else "r.weight"
    return (
        f"MATCH (a)-[r:{quoted(TYPES[kind])}]->(b) {by_id('r', kind)} WHERE r.id > $after "
        f"RETURN r.id, a.id, b.id, {last} ORDER BY r.id LIMIT $size"
    )


@cache
def strangers(kind: EdgeKind | NodeKind) -> str:
    """Rows of a kind whose id is no text, by the server's own id: somebody else made them."""
    if isinstance(kind, NodeKind):
        pattern, name = f"(x:{quoted(LABELS[kind])})", "x"
    else:
        pattern, name = f"()-[x:{quoted(TYPES[kind])}]->()", "x"
    return f"MATCH {pattern} WHERE x.id IS NULL OR NOT x.id IS :: STRING RETURN elementId({name})"


@cache
def stats() -> str:
    """The number of rows of every kind, nodes first, from the server's counters."""
    parts = [f"CALL () {{ MATCH (n:{quoted(LABELS[kind])}) RETURN count(n) AS {kind.value} }}" for kind in NodeKind]
    parts += [
        f"CALL () {{ MATCH ()-[r:{quoted(TYPES[kind])}]->() RETURN count(r) AS {kind.value} }}" for kind in EdgeKind
    ]
    return "\n".join([*parts, f"RETURN {', '.join(kind.value for kind in (*NodeKind, *EdgeKind))}"])


@cache
def clear(*, edges: bool) -> str:
    """Remove at most `$size` edges of every kind, or nodes of every kind; returns how many."""
    kinds: Sequence[EdgeKind | NodeKind] = list(EdgeKind) if edges else list(NodeKind)
    verb = "DELETE" if edges else "DETACH DELETE"
    parts = []
    for kind in kinds:
        of = f"(x:{quoted(LABELS[kind])})" if isinstance(kind, NodeKind) else f"()-[x:{quoted(TYPES[kind])}]->()"
        parts.append(f"CALL () {{ MATCH {of} WITH x LIMIT $size {verb} x RETURN count(*) AS {kind} }}")
    return "\n".join([*parts, f"RETURN {' + '.join(kinds)}"])
