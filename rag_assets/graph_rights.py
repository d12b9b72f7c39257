"""Who may see a node of the graph: the rights of the documents that it rests on.

Belongs here: permission set and classification of entities and communities. Does not: who may read what in an answer,
which the catalog decides.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

from knowledge.fingerprint import fingerprint
from resources.graph import NodeKind
from resources.index import Index
from resources.settings import Classification
from resources.tables import is_in

Rights = dict[str, str]
RIGHTS = ("acl_id", "classification")
ORDER = {name: place for place, name in enumerate(get_args(Classification))}
NOBODY: Rights = {"acl_id": fingerprint("acls"), "classification": get_args(Classification)[-1]}
"""Of what rests on no document: it is shown to nobody until it does."""


def rights_of(documents: Iterable[Mapping[str, Any]]) -> Rights:
    """One permission set as it is, several as the hash of all of them; the strictest classification."""
    rows = list(documents)
    if not rows:
        return NOBODY
    sets = sorted({row["acl_id"] for row in rows})
    strictest = max((row["classification"] for row in rows), key=ORDER.__getitem__)
    return {"acl_id": sets[0] if len(sets) == 1 else fingerprint("acls", *sets), "classification": strictest}


def of_entities(index: Index, entities: Collection[str] | None) -> dict[str, Rights]:
    """{entity: rights} by all documents that mention it; of all entities for None."""
    if entities is not None and (same := _common(index)) is not None:
        return dict.fromkeys(entities, same)  # a name in thousands of documents need not ask each of them
    columns, mentions = ("entity_id", "document_id"), index.tables.mentions
    rows = mentions.read(None, columns) if entities is None else mentions.by("entity_id", entities, columns)
    support: dict[str, set[str]] = {}
    for entity, document in zip(rows["entity_id"].to_pylist(), rows["document_id"].to_pylist(), strict=True):
        support.setdefault(entity, set()).add(document)
    return _rights(index, support, everything=entities is None)


def of_communities(index: Index, communities: Collection[str] | None) -> dict[str, Rights]:
    """{community: rights} by all documents that its report rests on, which who reads the report must be allowed."""
    columns, reports = ("community_id", "documents"), index.reports()
    rows = reports.read(None, columns) if communities is None else reports.by("community_id", communities, columns)
    support = {row["community_id"]: row["documents"] for row in rows.to_pylist()}
    if support and (same := _common(index)) is not None:
        return {unit: same if documents else NOBODY for unit, documents in support.items()}
    return _rights(index, support, everything=communities is None)


def _common(index: Index) -> Rights | None:
    """The rights of every document, where all have the same."""
    table = index.tables.documents
    known = table.read("status = 'ok'", RIGHTS, most=1).to_pylist()
    if not known:
        return None
    differs = " OR ".join(f"NOT {is_in(name, [known[0][name]])}" for name in RIGHTS)
    return None if table.count(f"status = 'ok' AND ({differs})") else rights_of(known)


def _rights(index: Index, support: Mapping[str, Collection[str]], *, everything: bool) -> dict[str, Rights]:
    columns, table = ("id", *RIGHTS), index.tables.documents
    wanted = {document for documents in support.values() for document in documents}
    rows = table.read(None, columns) if everything else table.by("id", wanted, columns)
    known = {row["id"]: row for row in rows.to_pylist()}
    return {unit: rights_of(known[d] for d in documents if d in known) for unit, documents in support.items()}


def entities_of_changed(index: Index, documents: Sequence[str]) -> set[str]:
    """The entities in documents whose rights are not those that the graph store has: theirs may be others too."""
    columns = ("id", *RIGHTS)
    there = {row["id"]: row for row in index.graph.read_nodes(NodeKind.DOCUMENT, documents)}
    rows = index.tables.documents.by("id", list(there), columns).to_pylist()
    changed = [row["id"] for row in rows if any(there[row["id"]].get(name) != row[name] for name in RIGHTS)]
    if not changed:
        return set()
    return set(index.tables.mentions.by("document_id", changed, ("entity_id",))["entity_id"].to_pylist())
