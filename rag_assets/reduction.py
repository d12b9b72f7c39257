"""The reduce of touched mentions and statements to entities and relationships, shard by shard."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from knowledge import resolution
from knowledge.counters import Counters
from knowledge.reconcile import reconcile
from knowledge.resolution import MentionRow, StatementRow
from resources.index import Index
from resources.settings import graph_partition
from resources.tables import SCAN, Table

Reduced = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reduction:
    """One of the two reduces: from which rows, by which column, to which table."""

    stage: str
    id_column: str
    columns: tuple[str, ...]
    reduce: Callable[[Iterable[Any]], Reduced]
    support: Callable[[Index], Table]
    result: Callable[[Index], Table]


ENTITIES = Reduction(
    "entities",
    "entity_id",
    ("chunk_id", "document_id", "entity_id", "canonical", "surface", "type", "origin", "description"),
    lambda rows: resolution.reduce_mentions(MentionRow(*row) for row in rows),
    lambda index: index.tables.mentions,
    lambda index: index.tables.entities,
)
RELATIONSHIPS = Reduction(
    "relationships",
    "relationship_id",
    ("chunk_id", "document_id", "source_id", "target_id", "predicate", "weight", "description"),
    lambda rows: resolution.reduce_statements(StatementRow(*row) for row in rows),
    lambda index: index.tables.statements,
    lambda index: index.tables.relationships,
)


def reduce_shard(index: Index, reduction: Reduction, shard: int, *, full: bool, counters: Counters) -> list[str]:
    """Bring one shard's rows up to date; returns the ids that were looked at, vanished ones included.

    They stay in the queue until the graph store has them too.
    """
    support, result = reduction.support(index), reduction.result(index)
    ids = set(index.catalog.stages.queued(reduction.stage, graph_partition(shard)))
    where = f"shard = {shard}"
    if full:
        ids |= set(result.read(where, ("id",))["id"].to_pylist())
        ids |= set(support.read(where, (reduction.id_column,))[reduction.id_column].to_pylist())
    if not ids:
        return []
    rows = _support(support, reduction, ids, where)
    found = reduction.reduce(rows)
    wanted = {i: one.fingerprint for i, one in found.items()}
    have = result.by("id", ids, ("id", "fingerprint")).to_pydict()
    plan = reconcile(wanted, dict(zip(have["id"], have["fingerprint"], strict=True)))
    result.delete(plan.gone)
    arrow = result.arrow([{**asdict(found[i]), "shard": shard} for i in plan.work])
    result.replace(plan.work, arrow, fresh=not have["id"])
    counters.add(
        Counters(
            rows_new=len(plan.new),
            rows_changed=len(plan.changed),
            rows_removed=len(plan.gone),
            bytes_written=arrow.nbytes,
        )
    )
    return sorted(ids)


def _support(table: Table, reduction: Reduction, ids: set[str], where: str) -> Iterable[Sequence[Any]]:
    """The rows that speak of these ids; of many ids by one scan of the shard."""
    names = tuple(dict.fromkeys((*reduction.columns, reduction.id_column)))
    rows = table.by(reduction.id_column, ids, names) if len(ids) <= SCAN else table.read(where, names)
    columns = [rows[name].to_pylist() for name in reduction.columns]
    wanted = rows[reduction.id_column].to_pylist()
    return (row for i, row in zip(wanted, zip(*columns, strict=True), strict=True) if i in ids)
