"""What is expected of the entity graph: everything in it is said by a living chunk, and the graph store agrees.

Belongs here: rows and expectations of `entity_graph_suite`. Does not: communities, which are made after it.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from rag_assets import graph_rows
from rag_assets.checks import parity
from rag_assets.checks.scope import Scope, behind
from rag_assets.checks.suites import Expectations, Rows
from rag_assets.checks.support import Support, late_documents, supported
from rag_assets.graph_letters import set_aside
from rag_assets.stage import batches
from resources.graph import EdgeKind, Look, NodeKind
from resources.graph.kinds import Kind
from resources.index import Index
from resources.tables import SCAN, is_in

if TYPE_CHECKING:
    import pyarrow as pa

STAGE = "entity_graph"
KINDS: tuple[Kind, ...] = (
    NodeKind.DOCUMENT, NodeKind.CHUNK, NodeKind.ENTITY, EdgeKind.FROM_DOCUMENT, EdgeKind.NEXT_CHUNK,
    EdgeKind.FROM_CHUNK, EdgeKind.RELATED,
)  # fmt: skip
WIDESPREAD = 200
"""Support that an ordinary run does not read again: a name that stands in more chunks is proven in a full reconcile."""
_RELATIONSHIP = ("id", "source_id", "target_id", "support_count")


def rows(index: Index, scope: Scope) -> Rows:
    """Kinds `entities` and `relationships`: what supports them; kind `graph_store`: whether it holds the same."""
    ids = scope.units(STAGE)
    if ids is None or 4 * len(ids) >= index.tables.entities.count():
        alive = index.tables.chunks.read(None, ("id",))["id"]
        known = index.tables.entities.read(None, ("id",))["id"]
        for shard in range(index.settings.graph.shards):
            yield from _judged(index, *_shard(index, shard), alive, known)
    else:
        for batch in batches(ids):
            yield from _touched(index, batch)
    yield parity.KIND, parity.everything(index, KINDS, lambda: _waiting(index)) if ids is None else _some(index, ids)


def _shard(index: Index, shard: int) -> tuple[Support, Support]:
    """All of one shard, with everything that supports it."""
    tables, where = index.tables, f"shard = {shard}"
    entities = tables.entities.read(where, ("id", "mention_count"))
    mentions = tables.mentions.read(where, ("entity_id", "chunk_id", "document_id"))
    relationships = tables.relationships.read(where, _RELATIONSHIP)
    # what is said of a name and itself is no relationship
    said = f"{where} AND source_id <> target_id"
    statements = tables.statements.read(said, ("relationship_id", "chunk_id", "document_id"))
    return (
        Support(entities, "mention_count", mentions, "entity_id"),
        Support(relationships, "support_count", statements, "relationship_id"),
    )


def _touched(index: Index, ids: Sequence[str]) -> Rows:
    """These entities, the relationships among them and those at entities that are no more, with what supports all
    that is not widespread."""
    import pyarrow as pa

    tables = index.tables
    entities = tables.entities.by("id", ids, ("id", "mention_count"))
    unread = _widespread(entities, "mention_count")
    mentions = tables.mentions.by("entity_id", set(ids) - unread, ("entity_id", "chunk_id", "document_id"))
    there = entities["id"].to_pylist()
    relationships = pa.concat_tables(
        [_among(index, there, _RELATIONSHIP), _at(index, sorted(set(ids).difference(there)), _RELATIONSHIP)]
    )
    unread_too = _widespread(relationships, "support_count")
    rare = set(relationships["id"].to_pylist()) - unread_too
    statements = tables.statements.by("relationship_id", rare, ("relationship_id", "chunk_id", "document_id"))
    said_in = {*mentions["chunk_id"].to_pylist(), *statements["chunk_id"].to_pylist()}
    yield from _judged(
        index,
        Support(entities, "mention_count", mentions, "entity_id", unread),
        Support(relationships, "support_count", statements, "relationship_id", unread_too),
        tables.chunks.by("id", said_in, ("id",))["id"],
        entities["id"],
    )


def _judged(
    index: Index, entities: Support, relationships: Support, alive: "pa.ChunkedArray", known: "pa.ChunkedArray"
) -> Rows:
    documents, late = late_documents(index), behind(index, "entities", "relationships")
    yield "entities", supported(entities, alive, documents, late)
    columns, found = supported(relationships, alive, documents, late), relationships.rows.to_pydict()
    ends = dict(zip(found["id"], zip(found["source_id"], found["target_id"], strict=True), strict=True))
    there = late.union(known.to_pylist())
    columns["ends_missing"] = [sum(end not in there for end in ends.get(i, ())) for i in columns["id"]]
    yield "relationships", columns


def _widespread(rows: "pa.Table", count: str) -> set[str]:
    pairs = zip(rows["id"].to_pylist(), rows[count].to_pylist(), strict=True)
    return {i for i, support in pairs if support > WIDESPREAD}


def _among(index: Index, ids: Collection[str], columns: Sequence[str]) -> "pa.Table":
    """The relationships with both ends among these entities."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = sorted(set(ids))
    if len(wanted) <= SCAN // 4:
        where = f"{is_in('source_id', wanted)} AND {is_in('target_id', wanted)}"
        return index.tables.relationships.read(where if wanted else "false", columns)
    found = index.tables.relationships.by("source_id", wanted, columns)
    return found.filter(pc.is_in(found["target_id"], pa.array(wanted, pa.string())))


def _at(index: Index, ids: Sequence[str], columns: Sequence[str]) -> "pa.Table":
    """The relationships with an end among these entities."""
    return index.tables.relationships.read(
        f"{is_in('source_id', ids)} OR {is_in('target_id', ids)}" if ids else "false", columns
    )


def _some(index: Index, ids: Sequence[str]) -> parity.Columns:
    """The first ids, which are hashes: nodes and relationships by content, mentions by their number."""
    some = ids[: parity.MOST]
    nodes = graph_rows.entity_nodes(index, some)
    edges = graph_rows.related(_among(index, some, graph_rows.RELATIONSHIP).to_pylist())
    seen = index.graph.look(
        Look(
            nodes={NodeKind.ENTITY: some}, among={EdgeKind.RELATED: some}, degrees={EdgeKind.FROM_CHUNK: some},
            stats=True,
        )
    )  # fmt: skip
    late = late_entities(index, late_documents(index) | behind(index, "projection"))
    refused = set_aside(index)
    waits = {(NodeKind.ENTITY.value, i) for i in late}
    for edge in (*edges, *seen.among[EdgeKind.RELATED]):
        if not late.isdisjoint((edge["id"], edge["source"], edge["target"])):
            waits.add((EdgeKind.RELATED.value, edge["id"]))
    aside = refused | waits
    mentions = {} if refused else {node["id"]: node["mention_count"] for node in nodes if node["id"] not in late}
    parts = [
        parity.compared(NodeKind.ENTITY, nodes, seen.nodes[NodeKind.ENTITY], aside),
        parity.compared(EdgeKind.RELATED, edges, seen.among[EdgeKind.RELATED], aside),
        parity.counted(EdgeKind.FROM_CHUNK, mentions, seen.degrees[EdgeKind.FROM_CHUNK]),
        parity.totals({} if refused else _counts(index), seen.stats),
    ]
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def _counts(index: Index) -> dict[Kind, int]:
    """The number of rows of each kind by the tables, where nothing waits to be projected."""
    tables = index.tables
    wanted: dict[Kind, int] = {
        NodeKind.ENTITY: tables.entities.count(), EdgeKind.RELATED: tables.relationships.count(),
        NodeKind.DOCUMENT: tables.documents.count("status = 'ok'"), NodeKind.CHUNK: tables.chunks.count(),
        EdgeKind.FROM_DOCUMENT: tables.chunks.count(),
    }  # fmt: skip
    waits = late_documents(index) or behind(index, "projection", "entities", "relationships")
    return {} if waits else wanted


def late_entities(index: Index, documents: set[str]) -> set[str]:
    """Entities that wait to be reduced, and those in these documents, whose rights may have changed since."""
    mentions = index.tables.mentions
    named = mentions.by("document_id", documents, ("entity_id",))["entity_id"].to_pylist() if documents else ()
    return behind(index, "entities", "relationships").union(named)


def _waiting(index: Index) -> Callable[[Kind, str], bool]:
    """Which rows wait to be projected, or were refused: they may differ."""
    documents = late_documents(index) | behind(index, "projection")
    waiting = documents | behind(index, "relationships") | late_entities(index, documents)
    aside = set_aside(index)
    chunks: set[str] = set()
    for batch in batches(sorted(documents)):
        chunks.update(index.tables.chunks.by("document_id", batch, ("id",))["id"].to_pylist())
        chunks.update(edge.source for edge in index.graph.neighbours(batch, {EdgeKind.FROM_DOCUMENT}).edges)
    heads = {chunk[:16] for chunk in chunks}

    def waits(kind: Kind, row: str) -> bool:
        late = row in waiting or row in chunks or (kind == EdgeKind.FROM_CHUNK and row[:16] in heads)
        return late or (kind.value, row) in aside

    return waits


def expectations(index: Index) -> Expectations:
    import great_expectations.expectations as gxe

    support = [
        gxe.ExpectColumnValuesToBeInSet(column="copies", value_set=[1]),
        gxe.ExpectColumnValuesToBeBetween(column="support", min_value=1),
        gxe.ExpectColumnValuesToBeInSet(column="support_miscounted", value_set=[0]),
        gxe.ExpectColumnValuesToBeInSet(column="support_in_dead_chunks", value_set=[0]),
    ]
    ends = gxe.ExpectColumnValuesToBeInSet(column="ends_missing", value_set=[0])
    return {"entities": support, "relationships": [*support, ends], parity.KIND: parity.expectations()}
