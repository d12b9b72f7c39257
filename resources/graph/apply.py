"""The one way into a graph store: operations in groups, where a group that fails leaves the others.

Belongs here: order, the search for a poisoned row, dead letters and their replay. Does not: what the operations are
(they come from the reconciled tables), where dead letters are kept (the catalog).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resources.errors import GraphError, GraphSaturated, GraphUnavailable
from resources.graph.base import GraphStore
from resources.graph.kinds import EdgeKind, Kind, NodeKind, Row
from resources.graph.rows import batches

BATCH = 5_000
VERBS = ("delete_edges", "delete_nodes", "upsert_nodes", "upsert_edges")


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb of a store with its kind and its rows, or for a deletion its ids."""

    verb: str
    kind: Kind
    items: Iterable[Any]

    @classmethod
    def of(cls, verb: str, kind: str, items: Iterable[Any]) -> "Operation":
        """An operation from its parts as text, as dead letters keep them; raises GraphError for one that is unknown."""
        if verb not in VERBS:
            raise GraphError(f"the graph has no operation {verb!r}; there are {', '.join(VERBS)}.")
        kinds: Mapping[str, Kind] = {k.value: k for k in (NodeKind if verb.endswith("nodes") else EdgeKind)}
        if kind not in kinds:
            raise GraphError(f"{verb} has no kind {kind!r}; there are {', '.join(kinds)}.")
        return cls(verb, kinds[kind], items)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row or an id that a store refuses, with the reason; `rag retry` puts it back."""

    verb: str
    kind: str
    item: Any
    error: str

    def operation(self) -> Operation:
        """The letter as an operation of one item."""
        return Operation.of(self.verb, self.kind, [self.item])


@dataclass(slots=True)
class Applied:
    """What came of some operations: rows changed, rows refused, and groups that wait for a store to come back."""

    written: int = 0
    deleted: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    waiting: dict[str, GraphError] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return not self.letters and not self.waiting

    def add(self, more: "Applied") -> None:
        """What came of more operations."""
        self.written += more.written
        self.deleted += more.deleted
        self.letters += more.letters
        self.waiting |= more.waiting


def verb_for(what: str, kind: Kind) -> str:
    """The verb of a store that upserts or deletes rows of a kind."""
    return f"{what}_{'nodes' if isinstance(kind, NodeKind) else 'edges'}"


def upserts(rows: Mapping[Kind, Iterable[Row]]) -> list[Operation]:
    """Operations that write rows, nodes first."""
    return [
        Operation(verb_for("upsert", kind), kind, items)
        for kind, items in sorted(rows.items(), key=lambda item: isinstance(item[0], EdgeKind))
    ]


def deletions(ids: Mapping[Kind, Iterable[str]]) -> list[Operation]:
    """Operations that delete, edges first."""
    return [
        Operation(verb_for("delete", kind), kind, items)
        for kind, items in sorted(ids.items(), key=lambda item: isinstance(item[0], NodeKind))
    ]


def carry_out(store: GraphStore, delete: Mapping[Kind, Sequence[str]], upsert: Mapping[Kind, Sequence[Row]]) -> Applied:
    """Deletions and rows together, in as few requests as the store can.

    Where it refuses a row or is away: group by group, so that the others go on.
    """
    try:
        return Applied(*store.write(delete, upsert))
    except GraphError:
        return apply(store, [*deletions(delete), *upserts(upsert)])


def apply(store: GraphStore, operations: Iterable[Operation]) -> Applied:
    """Carry operations out in their order, each a group of its own.

    A store that is away or saturated fails a group as a whole: it waits, and is done by the next run. A row that is
    refused is found by halving its batch and set aside; the rest of the batch is written.
    """
    applied = Applied()
    for operation in operations:
        checked = Operation.of(operation.verb, operation.kind, operation.items)
        try:
            for batch in batches(checked.items, BATCH):
                _carry_out(store, checked, batch, applied)
        except (GraphUnavailable, GraphSaturated) as error:
            applied.waiting[f"{checked.verb} {checked.kind}"] = error
    return applied


def _carry_out(store: GraphStore, operation: Operation, items: list[Any], applied: Applied) -> None:
    verb: Callable[..., int] = getattr(store, operation.verb)
    try:
        changed = verb(operation.kind, items)
    except (GraphUnavailable, GraphSaturated):
        raise
    except GraphError as error:
        if len(items) == 1:
            applied.letters.append(DeadLetter(operation.verb, operation.kind.value, items[0], str(error)))
            return
        half = len(items) // 2
        _carry_out(store, operation, items[:half], applied)
        _carry_out(store, operation, items[half:], applied)
        return
    if operation.verb.startswith("delete"):
        applied.deleted += changed
    else:
        applied.written += changed
