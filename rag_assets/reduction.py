"""The reduce of touched mentions and statements to entities and relationships, shard by shard."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from knowledge import resolution
from knowledge.counters import Counters
from knowledge.reconcile import reconcile
from knowledge.resolution import StatementRow
from rag_assets import tallies
from rag_assets.tallies import Asked
from resources.index import Index
from resources.settings import graph_partition
from resources.tables import SCAN, Table

Reduced = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reduction:
    """One of the two reduces: from which rows, by which column, to which table.

    `marks` tell whether a row differs; they are what is read of the rows that were there before.
    """

    stage: str
    id_column: str
    columns: tuple[str, ...]
    marks: tuple[str, ...]
    reduce: Callable[[Index, Asked], Reduced]
    support: Callable[[Index], Table]
    result: Callable[[Index], Table]


ENTITIES = Reduction(
    "entities",
    "entity_id",
    tallies.COLUMNS,
    ("fingerprint", "mention_count"),
    tallies.reduce,
    lambda index: index.tables.mentions,
    lambda index: index.tables.entities,
)
RELATIONSHIPS = Reduction(
    "relationships",
    "relationship_id",
    ("chunk_id", "document_id", "source_id", "target_id", "predicate", "weight", "description"),
    ("fingerprint", "documents"),
    lambda _, asked: resolution.reduce_statements(StatementRow(*row) for row in asked.rows(asked.ids)),
    lambda index: index.tables.statements,
    lambda index: index.tables.relationships,
)


def bring_up_to_date(
    index: Index, reduction: Reduction, taken: Mapping[str, Mapping[str, int]], shards: Mapping[int, Counters], *,
    documents: Collection[str], full: bool,
) -> dict[str, int]:  # fmt: skip
    """Bring the rows of these shards up to date, {shard: its counters}, from the reduction's queue, {partition: {id:
    touches}}; returns the ids that were looked at as they were taken, vanished ones too.

    They stay in the queue until the graph store has them too. `documents`: all whose rows asked for these ids, taken
    at the same moment.
    """
    queued = {shard: taken.get(graph_partition(shard), {}) for shard in shards}
    looked: dict[str, int] = {}
    if not full and sum(map(len, queued.values())) <= SCAN:  # a small change: all shards in the same few reads
        _reduce(index, reduction, {i: shard for shard, ids in queued.items() for i in ids}, shards, documents)
    else:
        for shard, ids in queued.items():
            known = _ids(index, reduction, shard) if full else ()
            looked |= dict.fromkeys(known, 0)
            asked, where = dict.fromkeys([*known, *ids], shard), f"shard = {shard}"
            _reduce(index, reduction, asked, shards, None if full else documents, where)
    for ids in queued.values():
        looked |= ids
    return dict(sorted(looked.items()))


def _ids(index: Index, reduction: Reduction, shard: int) -> list[str]:
    """Everything that there is of a shard, on either side."""
    where, column = f"shard = {shard}", reduction.id_column
    there = reduction.result(index).read(where, ("id",))["id"].to_pylist()
    return [*there, *reduction.support(index).read(where, (column,))[column].to_pylist()]


def _reduce(
    index: Index, reduction: Reduction, shard_of: Mapping[str, int], counters: Mapping[int, Counters],
    documents: Collection[str] | None, where: str | None = None,
) -> None:  # fmt: skip
    """Reduce these ids, {id: shard}; `where` names the one shard that they are of, if they are of one."""
    if not shard_of:
        return
    result, support = reduction.result(index), reduction.support(index)
    stored = {row["id"]: row for row in result.by("id", shard_of, ("id", *reduction.marks)).to_pylist()}
    rows = partial(_support, support, reduction, where)
    found = reduction.reduce(index, Asked(shard_of.keys(), stored, documents, rows))
    wanted = {i: _mark(getattr(one, name) for name in reduction.marks) for i, one in found.items()}
    have = {i: _mark(row[name] for name in reduction.marks) for i, row in stored.items()}
    plan = reconcile(wanted, have)
    result.delete(plan.gone)
    columns = [name for name in result.schema.names if name != "shard"]
    arrow = result.arrow([{n: getattr(found[i], n) for n in columns} | {"shard": shard_of[i]} for i in plan.work])
    result.replace(plan.work, arrow, fresh=not have)
    for i in plan.new:
        counters[shard_of[i]].rows_new += 1
    for i in plan.changed:
        counters[shard_of[i]].rows_changed += 1
    for i in plan.gone:
        counters[shard_of[i]].rows_removed += 1
    counters[next(iter(shard_of.values()))].bytes_written += arrow.nbytes


def _mark(values: Iterable[Any]) -> str:
    return repr([list(value) if isinstance(value, tuple) else value for value in values])


def _support(table: Table, reduction: Reduction, where: str | None, ids: Set[str]) -> Iterable[Sequence[Any]]:
    """The rows that speak of these ids; of many ids by one scan of the shard."""
    names = tuple(dict.fromkeys((*reduction.columns, reduction.id_column)))
    rows = table.by(reduction.id_column, ids, names) if len(ids) <= SCAN else table.read(where, names)
    columns = [rows[name].to_pylist() for name in reduction.columns]
    wanted = rows[reduction.id_column].to_pylist()
    return (row for i, row in zip(wanted, zip(*columns, strict=True), strict=True) if i in ids)
