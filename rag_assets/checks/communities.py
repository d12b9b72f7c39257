"""What is expected of communities and reports: a nested partition of the related entities, each community in words
that rest on living chunks.

Belongs here: rows and expectations of `community_reports_suite`. Does not: what makes a tree (hierarchy).
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rag_assets import graph_rows
from rag_assets.checks import hierarchy, parity
from rag_assets.checks.hierarchy import COLUMNS, Tree
from rag_assets.checks.scope import Scope, behind
from rag_assets.checks.suites import Expectations, Rows
from rag_assets.checks.support import late_documents
from rag_assets.graph_letters import set_aside
from rag_assets.stage import batches
from resources.graph import EdgeKind, Look, NodeKind, Seen
from resources.graph.kinds import Kind
from resources.index import Index

READS = ("entity_graph", "communities", "community_reports")
KINDS: tuple[Kind, ...] = (NodeKind.COMMUNITY, EdgeKind.IN_COMMUNITY, EdgeKind.PARENT_COMMUNITY)
_REPORT = ("community_id", "level", "findings", "citations", "documents")


def rows(index: Index, scope: Scope) -> Rows:
    """Kinds `communities`, `entities`, `community_reports` and `graph_store`.

    Of an ordinary run: the communities that it touched with those around them, and the entities that it touched.
    """
    entities, ids = scope.units("entity_graph"), scope.units("communities", "community_reports")
    if behind(index, "communities"):
        return  # relationships changed since: the communities are about to be made again
    tree = _tree(index, ids)
    if ids is None:
        ids = sorted({*tree.rows, *index.reports().read(None, ("community_id",))["community_id"].to_pylist()})
        entities = index.tables.entities.read(None, ("id",))["id"].to_pylist()
        placed = index.tables.memberships.read(None, ("entity_id",))["entity_id"].unique().to_pylist()
        entities = sorted({*entities, *placed})
        yield parity.KIND, parity.everything(index, KINDS, lambda: _waiting(index))
        degrees: Mapping[str, int] = index.graph.degrees(EdgeKind.RELATED, entities)
    else:
        seen = _look(index, ids[: parity.MOST], entities or ())
        degrees = seen.degrees[EdgeKind.RELATED]
        yield parity.KIND, _compared(index, tree, ids[: parity.MOST], seen)
    late = behind(index, "community_reports")
    for batch in batches(ids):
        reports = index.reports().by("community_id", batch, _REPORT).to_pylist()
        copies = Counter(row["community_id"] for row in reports)
        some = [c for c in batch if c not in late]
        yield (
            "communities",
            {**hierarchy.placed(tree, some), "reports_too_many": [copies[c] - (c in tree.rows) for c in some]},
        )
        yield "community_reports", _cited(index, [row for row in reports if row["community_id"] not in late], tree)
    for batch in batches(entities or ()):
        yield "entities", _covered(index, tree, batch, degrees)


def _tree(index: Index, ids: Sequence[str] | None) -> Tree:
    """These communities, those above them and their children; all of them for None."""
    table = index.tables.communities
    if ids is None:
        return Tree(table.read(None, COLUMNS).to_pylist())
    found = table.by("id", ids, COLUMNS).to_pylist()
    found += table.by("id", {row["parent"] for row in found if row["parent"]} - set(ids), COLUMNS).to_pylist()
    below = table.by("parent", {*ids, *(row["id"] for row in found)}, COLUMNS).to_pylist()
    known = {row["id"] for row in found}
    return Tree([*found, *(row for row in below if row["id"] not in known)])


def _look(index: Index, ids: Sequence[str], entities: Sequence[str]) -> Seen:
    """What the graph store has of these communities and, for their relationships, of these entities."""
    return index.graph.look(
        Look(
            nodes={NodeKind.COMMUNITY: ids}, edges={EdgeKind.PARENT_COMMUNITY: ids},
            degrees={EdgeKind.IN_COMMUNITY: ids, EdgeKind.RELATED: entities},
        )
    )  # fmt: skip


def _late(index: Index) -> set[str]:
    """Communities whose report is about to be looked at, or rests on documents whose rights may have changed since."""
    documents = late_documents(index) | behind(index, "projection", "lookup")
    late = behind(index, "community_reports")
    if documents:
        rows = index.reports().read(None, ("community_id", "documents")).to_pylist()
        late |= {row["community_id"] for row in rows if documents.intersection(row["documents"])}
    return late


def _waiting(index: Index) -> Callable[[Kind, str], bool]:
    aside = set_aside(index) | {(NodeKind.COMMUNITY.value, c) for c in _late(index)}
    return lambda kind, row: (kind.value, row) in aside


def _compared(index: Index, tree: Tree, ids: Sequence[str], seen: Seen) -> parity.Columns:
    some = [tree.rows[c] for c in ids if c in tree.rows]
    above = graph_rows.parent_community(some)
    aside = set_aside(index)
    sizes = {} if aside else {row["id"]: row["size"] for row in some}
    nodes, late = graph_rows.community_nodes(index, some), {(NodeKind.COMMUNITY.value, c) for c in _late(index)}
    parts = [
        parity.compared(NodeKind.COMMUNITY, nodes, seen.nodes[NodeKind.COMMUNITY], aside | late),
        parity.counted(EdgeKind.IN_COMMUNITY, sizes, seen.degrees[EdgeKind.IN_COMMUNITY]),
        parity.compared(EdgeKind.PARENT_COMMUNITY, above, seen.edges[EdgeKind.PARENT_COMMUNITY], aside),
    ]
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def _cited(index: Index, reports: Sequence[dict[str, Any]], tree: Tree) -> dict[str, list[Any]]:
    """Which of the reports' citations stand nowhere; a document that is being indexed may have replaced its chunks."""
    named = [cited_by(row) for row in reports]
    asked = {chunk for row, found in zip(reports, named, strict=True) for chunk in (*row["citations"], *found)}
    alive = set(index.tables.chunks.by("id", asked, ("id",))["id"].to_pylist())
    late = behind(index, "chunks", "extractions", "lookup", "projection")
    levels = [tree.rows[row["community_id"]]["level"] if row["community_id"] in tree.rows else None for row in reports]
    return {
        "id": [row["community_id"] for row in reports],
        "dead_citations": [
            0 if late.intersection(row["documents"]) else len({*row["citations"], *found} - alive)
            for row, found in zip(reports, named, strict=True)
        ],
        "unlisted_citations": [len(found ^ set(row["citations"])) for row, found in zip(reports, named, strict=True)],
        "wrong_level": [
            level is not None and level != row["level"] for row, level in zip(reports, levels, strict=True)
        ],
    }


def cited_by(report: dict[str, Any]) -> set[str]:
    """The chunks that a report's findings cite."""
    return {chunk for finding in json.loads(report["findings"]) for chunk in finding["citations"]}


def _covered(index: Index, tree: Tree, entities: Sequence[str], degrees: Mapping[str, int]) -> dict[str, list[Any]]:
    columns = ("entity_id", "community_id", "level")
    # last of all: what is added here has no complete list of children
    memberships = index.tables.memberships.by("entity_id", entities, columns).to_pylist()
    unknown = {row["community_id"] for row in memberships} - tree.rows.keys()
    tree.add(index.tables.communities.by("id", unknown, COLUMNS).to_pylist())
    related = {entity for entity in entities if degrees[entity]}
    return hierarchy.covered(tree, entities, memberships, related)


def expectations(index: Index) -> Expectations:
    import great_expectations.expectations as gxe

    def none(*columns: str) -> list[Any]:
        return [gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[0]) for column in columns]

    return {
        "communities": none("copies_too_many", "misplaced", "not_shared_out", "reports_too_many"),
        "community_reports": none("dead_citations", "unlisted_citations", "wrong_level"),
        "entities": none("places_too_many", "memberships_wrong", "broken_path"),
        parity.KIND: parity.expectations(),
    }
