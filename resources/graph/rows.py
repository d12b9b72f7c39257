"""Rows in one canonical form, so that equal rows are equal text, in every store and in the tables.

Belongs here: validation, encoding and digests of single rows. Does not: reading or writing them.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from resources.errors import GraphError
from resources.graph.kinds import Kind, Mark, NodeKind, Row

T = TypeVar("T")

ID_BYTES = 4_000

encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class NodeRecord(NamedTuple):
    """A node as it is stored: its properties are canonical JSON, or empty."""

    id: str
    properties: str

    def row(self) -> dict[str, Any]:
        return {"id": self.id, **decode(self.properties)}

    def mark(self) -> Mark:
        return Mark(self.id, self.id, _digest(encode([self.id]), self.properties))


class EdgeRecord(NamedTuple):
    """An edge as it is stored."""

    id: str
    source: str
    target: str
    weight: float
    properties: str

    def row(self) -> dict[str, Any]:
        head = {"id": self.id, "source": self.source, "target": self.target, "weight": self.weight}
        return {**head, **decode(self.properties)}

    def mark(self) -> Mark:
        head = encode([self.id, self.source, self.target, self.weight])
        ends = sorted((self.source, self.target))
        return Mark(self.id, ends[0], _digest(head, self.properties), ends[1])


def node_record(row: Row) -> NodeRecord:
    """The canonical form of a node; raises GraphError where it cannot be stored."""
    return NodeRecord(_text(row, "id"), _properties(row, 1))


def edge_record(row: Row) -> EdgeRecord:
    """The canonical form of an edge; raises GraphError where it cannot be stored."""
    weight = row.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not math.isfinite(weight):
        raise GraphError(f"edge {row.get('id')!r} has the weight {weight!r}; a weight is a finite number.")
    return EdgeRecord(
        _text(row, "id"), _text(row, "source"), _text(row, "target"), float(weight), _properties(row, 4, _EDGE)
    )


def mark_of(kind: Kind, row: Row) -> Mark:
    """Id, owner and digest of a row as any store would give them; for the tables' side of a parity check."""
    return node_record(row).mark() if isinstance(kind, NodeKind) else edge_record(row).mark()


def decode(properties: str) -> dict[str, Any]:
    """The properties of canonical text."""
    return json.loads(properties) if properties else {}


def decode_all(properties: Iterable[str]) -> list[dict[str, Any]]:
    """As `decode`, of many texts at once: half of the time of one by one."""
    found: list[dict[str, Any]] = json.loads(f"[{','.join(text or '{}' for text in properties)}]")
    return found


def batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size`, drawn lazily."""
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


def packed(groups: Mapping[str, Sequence[str]], size: int) -> Iterator[dict[str, Sequence[str]]]:
    """Groups in lots of together about `size` different nodes; no group is cut."""
    lot: dict[str, Sequence[str]] = {}
    nodes: set[str] = set()
    for group, ids in groups.items():
        more = set(ids) - nodes
        if lot and more and len(nodes) + len(more) > size:
            yield lot
            lot, nodes, more = {}, set(), set(ids)
        lot[group] = ids
        nodes |= more
    if lot:
        yield lot


def shared_out(groups: Mapping[str, Sequence[str]], edges: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """{group: the edges with both ends in it}, in the order of the edges."""
    homes: dict[str, set[str]] = {}
    for group, names in groups.items():
        for node in names:
            homes.setdefault(node, set()).add(group)
    found: dict[str, list[dict[str, Any]]] = {group: [] for group in groups}
    for edge in edges:
        for group in homes[edge["source"]] & homes[edge["target"]]:
            found[group].append(edge)
    return found


def moved(kind: Kind, record: EdgeRecord) -> GraphError:
    """The refusal of an edge whose id stands between other nodes already."""
    return GraphError(
        f"the {kind} edge {record.id!r} is there between other nodes than {record.source!r} and {record.target!r}; "
        "an edge keeps its ends: delete it first, or give the new one its own id."
    )


def dangling(kind: Kind, missing: Sequence[str]) -> GraphError:
    """The refusal of edges whose ends are not there."""
    names = ", ".join(repr(name) for name in missing[:3])
    return GraphError(
        f"{kind} edges name {len(missing)} nodes that are not there ({names}{', …' if len(missing) > 3 else ''}); "
        "write the nodes first. Nothing of this batch was written."
    )


_NODE = frozenset({"id"})
_EDGE = frozenset({"id", "source", "target", "weight"})


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise GraphError(f"a row of the graph has {name} {value!r}; it must be text that is not empty.")
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError as error:
        raise GraphError(f"a row of the graph has {name} {value!r} with a lone surrogate, no text.") from error
    if size > ID_BYTES:
        raise GraphError(f"a row of the graph has {name} {value[:40]!r}… of {size} bytes; at most {ID_BYTES} are kept.")
    return value


def _properties(row: Row, plain: int, own: frozenset[str] = _NODE) -> str:
    if len(row) <= plain and all(name in own for name in row):
        return ""
    kept = {name: value for name, value in row.items() if name not in own and value is not None}
    for name in kept:
        if not isinstance(name, str) or name.startswith("_"):
            raise GraphError(f"row {row['id']!r} has a property {name!r}; names are text and do not begin with '_'.")
    if len(kept) == 1:  # a count or a level, as most edges have it: the encoder takes ten times as long
        ((name, value),) = kept.items()
        if type(value) is int and name.isidentifier():
            return f'{{"{name}":{value}}}'
    try:
        text = encode(kept) if kept else ""
        text.encode()
    except UnicodeEncodeError as error:
        raise GraphError(f"row {row['id']!r} has a property with a lone surrogate, which is no text.") from error
    except (TypeError, ValueError) as error:
        raise GraphError(f"row {row['id']!r} has a property that is no JSON value.") from error
    return text


def _digest(head: str, properties: str) -> int:
    content = f"{head}\n{properties}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")
