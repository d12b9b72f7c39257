"""What happens to operations: groups, poisoned rows, stores that are away, replay."""

import pytest

from resources.errors import GraphError
from resources.graph import EdgeKind, GraphStore, NodeKind
from resources.graph.apply import DeadLetter, Operation, apply, upserts
from resources.graph.parity import differences
from tests.graph.company import company, edge, tables
from tests.graph.test_sharded import away

ENTITY, RELATED = NodeKind.ENTITY, EdgeKind.RELATED


def test_groups_are_carried_out_nodes_first_whatever_their_order(store: GraphStore):
    graph = company()
    applied = apply(store, upserts(dict(reversed(graph.items()))))
    assert applied.complete
    assert applied.written == sum(map(len, graph.values()))
    assert differences(store, tables(graph)) == []


def test_a_poisoned_row_is_set_aside_and_the_others_are_written(store: GraphStore):
    nodes = [{"id": f"n{i}"} for i in range(30)]
    nodes[17] = {"id": "n17", "value": float("nan")}
    edges = [edge("n1", "n2"), edge("n1", "nobody"), edge("n3", "n4")]
    applied = apply(store, upserts({ENTITY: nodes, RELATED: edges}))
    assert applied.written == 29 + 2
    assert [(letter.verb, letter.kind, letter.item["id"]) for letter in applied.letters] == [
        ("upsert_nodes", "entity", "n17"),
        ("upsert_edges", "related", "n1-nobody"),
    ]
    assert not applied.waiting


def test_a_dead_letter_is_replayed_when_its_cause_is_gone(store: GraphStore):
    store.upsert_nodes(ENTITY, [{"id": "a"}])
    (letter,) = apply(store, upserts({RELATED: [edge("a", "late")]})).letters
    store.upsert_nodes(ENTITY, [{"id": "late"}])
    applied = apply(store, [letter.operation()])
    assert applied.complete
    assert applied.written == 1


def test_deletions_are_operations_too(store: GraphStore):
    apply(store, upserts(company()))
    operations = [Operation.of("delete_edges", "related", ["e0-e1"]), Operation.of("delete_nodes", "entity", ["e3"])]
    assert apply(store, operations).deleted == 2
    assert store.stats()[RELATED] == 1


def test_with_the_store_away_every_group_waits_and_nothing_is_a_dead_letter():
    with away() as store:
        applied = apply(store, upserts({ENTITY: [{"id": "a"}], RELATED: [edge("a", "a")]}))
    assert set(applied.waiting) == {"upsert_nodes entity", "upsert_edges related"}
    assert not applied.letters
    assert not applied.complete


@pytest.mark.parametrize(("verb", "kind"), [("drop", "entity"), ("upsert_nodes", "related"), ("delete_edges", "x")])
def test_an_unknown_operation_is_refused(verb: str, kind: str):
    with pytest.raises(GraphError, match=r"the graph has no operation|has no kind"):
        DeadLetter(verb, kind, "a", "").operation()
