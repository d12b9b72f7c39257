"""What the comparison of a store with its tables finds, and that a store finds its way back."""

import random

from resources.graph import EdgeKind, GraphStore, NodeKind
from resources.graph.parity import align, differences
from tests.graph.company import Graph, company, edge, fill, random_graph, tables


def plant(graph: Graph, seed: int) -> tuple[Graph, set[str]]:
    """The graph with 20 rows missing, extra or changed, and the ids of those rows."""
    draw = random.Random(seed)
    entities, related = list(graph[NodeKind.ENTITY]), list(graph[EdgeKind.RELATED])
    at = draw.sample(range(len(related)), 13)
    planted = {related[i]["id"] for i in at}
    for i in at[:4]:
        related[i] = {**related[i], "weight": related[i]["weight"] + 0.001}
    for i in at[4:8]:
        related[i] = {**related[i], "predicate": "another"}
    for i in sorted(at[8:13], reverse=True):
        del related[i]
    for i in draw.sample(range(len(entities)), 4):
        entities[i] = {**entities[i], draw.choice(["name", "type"]): "other"}
        planted.add(entities[i]["id"])
    entities.append({"id": "extra"})
    related += [edge("extra", entities[0]["id"]), edge(entities[1]["id"], "extra")]
    planted |= {"extra", related[-1]["id"], related[-2]["id"]}
    assert len(planted) == 20
    return {NodeKind.ENTITY: entities, EdgeKind.RELATED: related}, planted


def test_each_of_twenty_planted_differences_is_named(store: GraphStore):
    graph = random_graph(150, 400)
    wrong, planted = plant(graph, 7)
    fill(store, wrong)
    found = differences(store, tables(graph))
    assert {i for part in found for i in (*part.missing, *part.extra, *part.changed)} == planted


def test_a_difference_is_said_in_one_line_with_the_first_ids(store: GraphStore):
    graph = company()
    fill(store, graph)
    store.delete_edges(EdgeKind.RELATED, ["e0-e1", "e1-e2"])
    store.upsert_edges(EdgeKind.RELATED, [edge("e0", "e3")])
    (found,) = differences(store, tables(graph))
    assert found.first(1) == "related: 3 in the tables, 2 in the graph; 2 missing (e0-e1, …), 1 extra (e0-e3)"


def test_aligning_makes_a_store_equal_to_the_tables_and_touches_only_what_differs(store: GraphStore):
    graph = random_graph(150, 400)
    wrong, planted = plant(graph, 1)
    fill(store, wrong)
    before = store.traffic.rows_written
    assert align(store, tables(graph)) > 0
    assert differences(store, tables(graph)) == []
    # A store of two servers writes an edge between them twice.
    assert store.traffic.rows_written - before <= 2 * len(planted)
    assert align(store, tables(graph)) == 0


def test_aligning_fills_an_empty_store(store: GraphStore):
    assert align(store, tables(company())) == sum(map(len, company().values()))
    assert differences(store, tables(company())) == []
