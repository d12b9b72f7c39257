"""Whether the graph store holds what the tables say: row by row for some ids, by checksums for all.

Belongs here: the columns that a comparison gives. Does not: which ids (graph, communities), the checksums (resources).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from rag_assets.graph_rows import tables_of
from resources.graph.kinds import Kind, Row
from resources.graph.parity import differences
from resources.graph.rows import mark_of
from resources.index import Index

MOST = 1_000
"""Ids that an ordinary run compares one by one; a full reconcile compares everything."""
KIND = "graph_store"
Columns = dict[str, list[Any]]


def compared(
    kind: Kind, wanted: Iterable[Row], found: Iterable[Row], aside: Collection[tuple[str, str]] = ()
) -> Columns:
    """Rows of the tables against those of the store, by id and content; but for what is set aside: (kind, id)."""
    there, here = (
        _digests(kind, (row for row in rows if (kind.value, row["id"]) not in aside)) for rows in (wanted, found)
    )
    states = {
        i: "missing" if i not in here else "extra" if i not in there else _same(there[i], here[i])
        for i in sorted(there.keys() | here.keys())
    }
    return _columns(kind, states)


def counted(kind: Kind, wanted: Mapping[str, int], found: Mapping[str, int]) -> Columns:
    """How many edges of a kind each node has; `wanted` by the tables, `found` in the store."""
    return _columns(f"{kind} at", {i: _same(count, found.get(i, 0)) for i, count in wanted.items()})


def totals(wanted: Mapping[Kind, int], found: Mapping[Kind, int]) -> Columns:
    """How many rows there are of each kind."""
    return _columns("all", {str(kind): _same(count, found.get(kind, 0)) for kind, count in wanted.items()})


def everything(index: Index, kinds: Collection[Kind], late: Callable[[], Callable[[Kind, str], bool]]) -> Columns:
    """All rows of these kinds, by checksum: a line for each kind that there is, and for each id that differs and is
    not late. What is late is asked after the rows were read: before, it would miss what began in between."""
    tables = {kind: rows for kind, rows in tables_of(index).items() if kind in kinds}
    columns = _columns(
        "all", {str(kind): "equal" for kind, count in index.graph.stats().items() if count and kind in kinds}
    )
    differ = differences(index.graph, tables)
    waits = late()
    for found in differ:
        for state in ("missing", "extra", "changed"):
            ids: Sequence[str] = getattr(found, state)
            more = _columns(found.kind, {i: state for i in ids if not waits(found.kind, i)})
            columns = {name: [*columns[name], *more[name]] for name in columns}
    return columns


def expectations() -> list[Any]:
    import great_expectations.expectations as gxe

    return [gxe.ExpectColumnValuesToBeInSet(column="state", value_set=["equal"])]


def _digests(kind: Kind, rows: Iterable[Row]) -> dict[str, int]:
    return {mark.id: mark.digest for mark in (mark_of(kind, row) for row in rows)}


def _same(one: int, other: int) -> str:
    return "equal" if one == other else "changed"


def _columns(kind: str, states: Mapping[str, str]) -> Columns:
    return {"id": [f"{kind} {i}" for i in states], "state": list(states.values())}
