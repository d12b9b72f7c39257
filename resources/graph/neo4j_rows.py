"""Rows as Neo4j keeps them: its property types and labels, in the conventions that its own GraphRAG tools read.

Belongs here: names of labels and types, encoding and decoding of one row. Does not: Cypher (cypher.py).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from resources.graph.kinds import EdgeKind, NodeKind
from resources.graph.rows import EdgeRecord, NodeRecord, decode, encode

LABELS: dict[NodeKind, str] = {
    NodeKind.DOCUMENT: "Document",
    NodeKind.CHUNK: "Chunk",
    NodeKind.ENTITY: "__Entity__",
    NodeKind.COMMUNITY: "__Community__",
}
TYPES: dict[EdgeKind, str] = {kind: kind.name for kind in EdgeKind}
RESERVED = frozenset(LABELS.values()) | {"__RagAssets__"}

MORE = "_more"
DIGEST = "_digest"
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
LABEL_LENGTH = 64


def node_parameters(kind: NodeKind, record: NodeRecord) -> dict[str, Any]:
    """A node as a parameter: its id, its labels and all its properties."""
    properties = decode(record.properties)
    kept = {"id": record.id, **_storable(properties), DIGEST: _signed(record.mark().digest)}
    return {"id": record.id, "labels": labels(kind, properties), "properties": kept}


def edge_parameters(record: EdgeRecord) -> dict[str, Any]:
    """An edge as a parameter: its id, its ends and all its properties."""
    kept = {"id": record.id, "weight": record.weight, **_storable(decode(record.properties))}
    kept[DIGEST] = _signed(record.mark().digest)
    return {"id": record.id, "source": record.source, "target": record.target, "properties": kept}


def labels(kind: NodeKind, properties: Mapping[str, Any]) -> list[str]:
    """The labels of a node: its kind's, and for an entity that of its type, where the type can be one."""
    found = [LABELS[kind]]
    type_ = properties.get("type")
    if kind is NodeKind.ENTITY and isinstance(type_, str) and 0 < len(type_) <= LABEL_LENGTH:
        label = "".join(letter for letter in type_ if letter.isprintable())
        if label and label not in RESERVED:
            found.append(label)
    return found


def node_record_of(kind: NodeKind, name: str, stored: Mapping[str, Any], found: Sequence[str]) -> NodeRecord:
    """The canonical form of a stored node; a wrong label shows as a property, so that its digest differs."""
    properties = _restored(stored, {"id"})
    if sorted(found) != sorted(labels(kind, properties)):
        properties = {**properties, "_labels": sorted(found)}
    return NodeRecord(name, encode(properties) if properties else "")


def edge_record_of(name: str, source: str, target: str, stored: Mapping[str, Any]) -> EdgeRecord:
    """The canonical form of a stored edge."""
    properties = _restored(stored, {"id", "weight"})
    weight = stored.get("weight")
    if not isinstance(weight, float):
        properties, weight = {**properties, "_weight": repr(weight)}, 0.0
    return EdgeRecord(name, source, target, weight, encode(properties) if properties else "")


def _storable(properties: Mapping[str, Any]) -> dict[str, Any]:
    # What Neo4j cannot hold as it is (nested or mixed values, integers beyond 64 bits, names that would each become
    # a key of the whole database) goes into one property of JSON.
    plain = {name: value for name, value in properties.items() if PLAIN_NAME.fullmatch(name) and _is_plain(value)}
    more = {name: value for name, value in properties.items() if name not in plain}
    return {**plain, MORE: encode(more)} if more else plain


def _restored(stored: Mapping[str, Any], own: set[str]) -> dict[str, Any]:
    properties = {name: value for name, value in stored.items() if name not in own and name not in (MORE, DIGEST)}
    more = stored.get(MORE)
    return {**properties, **decode(more)} if isinstance(more, str) else properties


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        return len(kinds) <= 1 and all(not isinstance(item, list) and _is_plain(item) for item in value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, (str, float))


def _signed(digest: int) -> int:
    return digest - 2**64 if digest >= 2**63 else digest
