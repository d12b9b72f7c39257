"""Rows that the graph store refused: set aside with the reason, put back by `rag retry`.

A letter names the operation, never the row: the tables hold that, and what is put back is read from them again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from knowledge.fingerprint import shard_of
from rag_assets.work import GRAPH, GRAPH_LETTERS
from resources.catalog.letters import Letter
from resources.graph import EdgeKind, NodeKind
from resources.graph.apply import Applied, DeadLetter, Operation, apply, verb_for
from resources.graph.kinds import Kind
from resources.index import Index
from resources.settings import graph_partition

Row = Mapping[str, Any]
OF_DOCUMENTS: tuple[Kind, ...] = (
    NodeKind.DOCUMENT, NodeKind.CHUNK, EdgeKind.FROM_DOCUMENT, EdgeKind.NEXT_CHUNK, EdgeKind.FROM_CHUNK,
)  # fmt: skip


def record(
    index: Index, applied: Applied, delete: Mapping[Kind, Sequence[str]], upsert: Mapping[Kind, Sequence[Row]]
) -> None:
    """Put the refused rows among the dead letters, and take out what came right."""
    letters = index.catalog.letters
    refused = {_unit(letter.verb, letter.kind, _id(letter.item)): letter for letter in applied.letters}
    if not applied.waiting and letters.count():
        tried = [_unit(verb_for("delete", kind), kind, i) for kind, ids in delete.items() for i in ids]
        tried += [_unit(verb_for("upsert", kind), kind, i) for kind, ids in delete.items() for i in ids]
        tried += [_unit(verb_for("upsert", kind), kind, row["id"]) for kind, rows in upsert.items() for row in rows]
        letters.clear(GRAPH_LETTERS, [unit for unit in tried if unit not in refused])
    owners = _documents(index, applied.letters)
    failures = {unit: (owners.get(_id(letter.item), ""), letter.error, False) for unit, letter in refused.items()}
    letters.put(GRAPH_LETTERS, GRAPH, failures)


def put_back(index: Index) -> list[Letter]:
    """Ask again for what is due: a row through the queue of what it belongs to, a deletion at once.

    The letters stay until their rows are written; they go with `settle` where the tables no longer ask for any.
    """
    due = index.catalog.letters.due(GRAPH_LETTERS)
    queues: dict[str, dict[str, set[str]]] = {}
    deletions: list[Operation] = []
    for letter in due:
        verb, kind, row = letter.unit.split(" ", 2)
        if verb.startswith("delete"):
            deletions.append(Operation.of(verb, kind, [row]))
            continue
        stage, partition, unit = _queue(index, kind, row, letter.document_id)
        queues.setdefault(stage, {}).setdefault(partition, set()).add(unit)
    for stage, units in queues.items():
        index.catalog.queues.touch(stage, units)
    applied = apply(index.graph, deletions)
    record(index, applied, {o.kind: list(o.items) for o in deletions}, {})
    return due


def settle(index: Index, due: Sequence[Letter]) -> None:
    """Take out letters that were put back and not refused again."""
    now = {letter.unit: letter.due for letter in index.catalog.letters.find(GRAPH_LETTERS)}
    index.catalog.letters.clear(GRAPH_LETTERS, [x.unit for x in due if x.unit in now and now[x.unit] is not None])


def set_aside(index: Index) -> set[tuple[str, str]]:
    """(kind, id) of the rows that are known not to be in the graph store as the tables have them."""
    found = (letter.unit.split(" ", 2) for letter in index.catalog.letters.find(GRAPH_LETTERS))
    return {(kind, row) for _, kind, row in found}


def _queue(index: Index, kind: str, row: str, document: str) -> tuple[str, str, str]:
    if kind in OF_DOCUMENTS:
        return "projection", GRAPH, document
    if kind == NodeKind.ENTITY:
        return "entities", graph_partition(shard_of(row, index.settings.graph.shards)), row
    if kind == EdgeKind.RELATED:
        return "relationships", graph_partition(_shard_of_relationship(index, row)), row
    return "communities_projection", GRAPH, document or row


def _shard_of_relationship(index: Index, relationship: str) -> int:
    found = index.tables.relationships.by("id", [relationship], ("shard",))["shard"].to_pylist()
    return int(found[0]) if found else 0


def _documents(index: Index, letters: Iterable[DeadLetter]) -> dict[str, str]:
    """{row id: the document, or for a community's edge the community, that the row belongs to}."""
    owners: dict[str, str] = {}
    chunks: dict[str, str] = {}
    for letter in letters:
        row, kind = letter.item, letter.kind
        if isinstance(row, str):
            continue
        if kind == NodeKind.DOCUMENT:
            owners[row["id"]] = row["id"]
        elif kind == NodeKind.CHUNK:
            owners[row["id"]] = row["document_id"]
        elif kind in (EdgeKind.FROM_DOCUMENT, EdgeKind.IN_COMMUNITY):
            owners[row["id"]] = row["target"]
        elif kind == EdgeKind.PARENT_COMMUNITY:
            owners[row["id"]] = row["source"]
        elif kind in (EdgeKind.NEXT_CHUNK, EdgeKind.FROM_CHUNK):
            chunks[row["id"]] = row["source"] if kind == EdgeKind.NEXT_CHUNK else row["target"]
    if chunks:
        rows = index.tables.chunks.by("id", set(chunks.values()), ("id", "document_id")).to_pydict()
        of = dict(zip(rows["id"], rows["document_id"], strict=True))
        owners |= {edge: of.get(chunk, "") for edge, chunk in chunks.items()}
    return owners


def _unit(verb: str, kind: str, row: str) -> str:
    return f"{verb} {kind} {row}"


def _id(item: Any) -> str:
    return item if isinstance(item, str) else str(item["id"])
