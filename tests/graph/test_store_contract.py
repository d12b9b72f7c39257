"""What every graph store promises, one sentence a test."""

import pytest

from resources.errors import GraphError
from resources.graph import EdgeKind, GraphStore, Look, NodeKind
from resources.graph.parity import differences
from tests.graph.company import company, edge, fill, random_graph, tables

RELATED, ENTITY = EdgeKind.RELATED, NodeKind.ENTITY

HOSTILE = [
    'it\'s "quoted"',
    "back`tick``s",
    "}) DETACH DELETE n //",
    "'; DROP TABLE node; --",
    "$id {row} \\u0060 \\",
    "naïve 漢字 🧪👩‍🔬 ‮right to left",
    "line\nbreak\ttab\x00nul",
    "x" * 10_000,
]


def test_what_was_written_is_read_back_whole(store: GraphStore):
    graph = company()
    assert fill(store, graph) == sum(map(len, graph.values()))
    for kind, rows in graph.items():
        ids = [row["id"] for row in rows]
        read = store.read_nodes(kind, ids) if isinstance(kind, NodeKind) else store.read_edges_by_id(kind, ids)
        assert read == rows
    assert store.stats() == {kind: len(rows) for kind, rows in graph.items()}


def test_upserting_twice_writes_once(store: GraphStore):
    fill(store, company())
    before = store.traffic.rows_written
    assert fill(store, company()) == 0
    assert store.traffic.rows_written == before


def test_only_rows_that_differ_are_counted(store: GraphStore):
    fill(store, company())
    rows = company()[RELATED]
    rows[1] = {**rows[1], "weight": 7.0}
    assert store.upsert_edges(RELATED, rows) == 1
    assert store.read_edges_by_id(RELATED, ["e1-e2"])[0]["weight"] == 7.0
    assert store.upsert_nodes(ENTITY, [*company()[ENTITY], {"id": "e9"}]) == 1


def test_an_upsert_replaces_the_whole_row(store: GraphStore):
    store.upsert_nodes(ENTITY, [{"id": "a", "name": "A", "old": 1}, {"id": "b"}])
    store.upsert_edges(RELATED, [edge("a", "b", 2, old=1)])
    store.upsert_nodes(ENTITY, [{"id": "a", "name": "B", "none": None}])
    store.upsert_edges(RELATED, [edge("a", "b", 2)])
    assert store.read_nodes(ENTITY, ["a"]) == [{"id": "a", "name": "B"}]
    assert store.read_edges(RELATED, ["a", "b"]) == [edge("a", "b", 2.0)]


def test_the_last_of_equal_ids_in_one_call_wins(store: GraphStore):
    assert store.upsert_nodes(ENTITY, [{"id": "a", "name": "old"}, {"id": "a", "name": "new"}]) == 1
    assert store.read_nodes(ENTITY, ["a"]) == [{"id": "a", "name": "new"}]


def test_properties_keep_their_json_types(store: GraphStore):
    row = {
        "id": "a",
        "whole": 3,
        "large": 2**62,
        "part": 0.1,
        "yes": True,
        "no": False,
        "empty": "",
        "names": ["x", "y"],
        "nothing": [],
        "mixed": [1, "x", None],
        "numbers": [1, 2.5],
        "nested": {"a": {"b": [1, {"c": None}]}},
        "huge": 2**80,
    }
    store.upsert_nodes(ENTITY, [row])
    read = store.read_nodes(ENTITY, ["a"])[0]
    assert read == row
    assert {name: type(value) for name, value in read.items()} == {name: type(value) for name, value in row.items()}
    assert store.upsert_nodes(ENTITY, [row]) == 0


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_stored_as_data(store: GraphStore, name: str):
    key = name[:1_000]
    rows = [{"id": key, "name": name, "type": name, key: name}, {"id": "other"}]
    store.upsert_nodes(ENTITY, rows)
    relation = {"id": key, "source": key, "target": "other", "weight": 1.0, "predicate": name, key: name}
    store.upsert_edges(RELATED, [relation])
    assert store.read_nodes(ENTITY, [key, "other"]) == rows
    assert store.read_edges(RELATED, [key, "other"]) == [relation]
    assert store.neighbours([key], [RELATED]).edges[0].source == key
    assert store.delete_nodes(ENTITY, [key]) == 1
    assert store.stats()[ENTITY] == 1
    assert store.stats()[RELATED] == 0


def test_kinds_do_not_mix(store: GraphStore):
    store.upsert_nodes(ENTITY, [{"id": "same", "name": "entity"}])
    store.upsert_nodes(NodeKind.CHUNK, [{"id": "same", "ordinal": 1}])
    assert store.read_nodes(ENTITY, ["same"]) == [{"id": "same", "name": "entity"}]
    assert store.delete_nodes(NodeKind.CHUNK, ["same"]) == 1
    assert store.read_nodes(ENTITY, ["same"]) == [{"id": "same", "name": "entity"}]


def test_reads_keep_the_order_asked_for_and_leave_out_what_is_missing(store: GraphStore):
    fill(store, company())
    assert [row["id"] for row in store.read_nodes(ENTITY, ["e3", "nobody", "e0", "e3"])] == ["e3", "e0"]
    assert [row["id"] for row in store.read_edges_by_id(RELATED, ["e2-e3", "x", "e0-e1"])] == ["e2-e3", "e0-e1"]


def test_one_property_is_read_of_the_nodes_that_have_it(store: GraphStore):
    store.upsert_nodes(ENTITY, [{"id": "a", "mention_count": 3, "name": "A"}, {"id": "b", "name": "B"}])
    store.upsert_nodes(ENTITY, [{"id": "c" * 32}])
    store.upsert_nodes(NodeKind.CHUNK, [{"id": "b", "mention_count": 5}])
    asked = ["b", "nobody", "a", "c" * 32, "a"]
    assert store.read_property(ENTITY, asked, "mention_count") == {"a": 3}
    assert store.read_property(ENTITY, asked, "name") == {"a": "A", "b": "B"}
    assert store.read_property(ENTITY, [], "name") == {}


def test_the_other_ends_come_with_one_property_each(store: GraphStore):
    store.upsert_nodes(ENTITY, [{"id": "a", "mention_count": 3}, {"id": "b"}])
    store.upsert_nodes(NodeKind.CHUNK, [{"id": "c1"}, {"id": "c2"}])
    pairs = [("a", "c1", 3.0), ("b", "c1", 1.0), ("a", "c2", 1.0)]
    edges = [{"id": f"{s}-{t}", "source": s, "target": t, "weight": w} for s, t, w in pairs]
    store.upsert_edges(EdgeKind.FROM_CHUNK, edges)
    store.upsert_edges(RELATED, [{"id": "a-b", "source": "a", "target": "b", "weight": 2.0}])
    found = store.ends(EdgeKind.FROM_CHUNK, ["c1", "nobody", "c1"], "mention_count")
    assert sorted(found) == [("c1", "a", 3.0, 3), ("c1", "b", 1.0, None)]
    assert sorted(store.ends(EdgeKind.FROM_CHUNK, ["a"], "ordinal")) == [("a", "c1", 3.0, None), ("a", "c2", 1.0, None)]
    both = sorted(store.ends(RELATED, ["a", "b"], "mention_count"), key=lambda end: end.node)
    assert both == [("a", "b", 2.0, None), ("b", "a", 2.0, 3)]
    assert store.ends(RELATED, [], "mention_count") == []


def test_deleting_a_node_takes_its_edges(store: GraphStore):
    fill(store, company())
    assert store.delete_nodes(ENTITY, ["e1", "nobody"]) == 1
    assert [row["id"] for row in store.read_edges(RELATED, ["e0", "e1", "e2", "e3"])] == ["e2-e3"]
    assert store.stats()[EdgeKind.FROM_CHUNK] == 4
    assert store.stats()[EdgeKind.IN_COMMUNITY] == 3


def test_deleting_edges_leaves_the_nodes(store: GraphStore):
    fill(store, company())
    assert store.delete_edges(RELATED, ["e0-e1", "nothing"]) == 1
    assert store.delete_edges(RELATED, ["e0-e1"]) == 0
    assert store.stats()[RELATED] == 2
    assert store.stats()[ENTITY] == 4


def test_an_edge_without_its_end_is_refused_and_nothing_of_it_is_left(store: GraphStore):
    store.upsert_nodes(ENTITY, [{"id": "a"}, {"id": "b"}])
    with pytest.raises(GraphError, match="not there \\('nobody'\\); write the nodes first"):
        store.upsert_edges(RELATED, [edge("a", "b"), edge("a", "nobody")])
    assert store.stats()[RELATED] == 0
    assert store.stats()[ENTITY] == 2


def test_an_edge_keeps_its_ends(store: GraphStore):
    fill(store, company())
    with pytest.raises(GraphError, match="keeps its ends"):
        store.upsert_edges(RELATED, [{**edge("e0", "e3"), "id": "e0-e1"}])
    assert store.read_edges_by_id(RELATED, ["e0-e1"])[0]["target"] == "e1"


@pytest.mark.parametrize(
    "row",
    [
        {"name": "no id"},
        {"id": ""},
        {"id": 7},
        {"id": "a", "_own": 1},
        {"id": "a", "value": float("nan")},
        {"id": "a", "value": object()},
        {"id": "a", "value": "\ud800"},
        {"id": "\ud800"},
        {"id": "x" * 4_001},
    ],
    ids=["no id", "empty id", "number", "reserved", "nan", "object", "surrogate", "surrogate id", "long id"],
)
def test_a_node_that_cannot_be_stored_is_refused(store: GraphStore, row: dict):
    with pytest.raises(GraphError):
        store.upsert_nodes(ENTITY, [{"id": "good"}, row])
    assert store.stats()[ENTITY] == 0


@pytest.mark.parametrize("weight", [float("inf"), float("nan"), "1", None, True])
def test_an_edge_without_a_finite_weight_is_refused(store: GraphStore, weight: object):
    store.upsert_nodes(ENTITY, [{"id": "a"}, {"id": "b"}])
    with pytest.raises(GraphError, match="weight"):
        store.upsert_edges(RELATED, [{**edge("a", "b"), "weight": weight}])


def test_edges_are_read_only_where_both_ends_are_in_the_group(store: GraphStore):
    fill(store, company())
    groups = {"first": ["e0", "e1"], "all": ["e0", "e1", "e2", "e3"], "apart": ["e0", "e3"], "none": [], "gone": ["x"]}
    read = store.read_edges_of_groups(RELATED, groups)
    assert {group: [row["id"] for row in rows] for group, rows in read.items()} == {
        "first": ["e0-e1"],
        "all": ["e0-e1", "e1-e2", "e2-e3"],
        "apart": [],
        "none": [],
        "gone": [],
    }
    assert read["first"] == [edge("e0", "e1", 1.0, predicate="knows")]
    assert store.read_edges(EdgeKind.FROM_CHUNK, ["e0", "c0", "c1"]) == [edge("e0", "c0")]


def test_neighbours_are_found_in_both_directions_each_edge_once(store: GraphStore):
    fill(store, company())
    found = store.neighbours(["e1", "e2"], [RELATED])
    assert [(e.kind, e.id, e.source, e.target, e.weight) for e in found.edges] == [
        (RELATED, "e2-e3", "e2", "e3", 3.0),
        (RELATED, "e1-e2", "e1", "e2", 2.0),
        (RELATED, "e0-e1", "e0", "e1", 1.0),
    ]
    assert found.shards
    assert not found.failed


def test_neighbours_are_limited_to_the_heaviest_of_each_node_and_to_the_kinds(store: GraphStore):
    fill(store, company())
    assert [e.id for e in store.neighbours(["e1"], [RELATED], limit=1).edges] == ["e1-e2"]
    assert [e.id for e in store.neighbours(["e0", "e3"], [RELATED], limit=1).edges] == ["e2-e3", "e0-e1"]
    both = store.neighbours(["e0"], [EdgeKind.FROM_CHUNK, EdgeKind.IN_COMMUNITY])
    assert [(e.kind, e.target) for e in both.edges] == [
        (EdgeKind.FROM_CHUNK, "c0"),
        (EdgeKind.FROM_CHUNK, "c3"),
        (EdgeKind.IN_COMMUNITY, "sub"),
    ]
    assert store.neighbours(["e0"], []).edges == []


def test_degrees_count_both_directions_and_name_every_node(store: GraphStore):
    fill(store, company())
    assert store.degrees(RELATED, ["e0", "e1", "nobody"]) == {"e0": 1, "e1": 2, "nobody": 0}
    assert store.degrees(EdgeKind.FROM_CHUNK, ["c3", "e0"]) == {"c3": 2, "e0": 2}


def test_all_edges_stream_in_the_columns_asked_for(store: GraphStore):
    fill(store, company())
    rows = [row for batch in store.stream_edges(RELATED) for row in batch]
    assert sorted(rows) == [("e0", "e1", 1.0), ("e1", "e2", 2.0), ("e2", "e3", 3.0)]
    ids = [row for batch in store.stream_edges(RELATED, ("weight", "id")) for row in batch]
    assert sorted(ids) == [(1.0, "e0-e1"), (2.0, "e1-e2"), (3.0, "e2-e3")]
    assert list(store.stream_edges(EdgeKind.NEXT_CHUNK, ("source",)))


def test_a_store_holds_what_the_tables_hold_and_the_check_says_so(store: GraphStore):
    more = random_graph(60, 200)
    graph = {kind: [*rows, *more.get(kind, [])] for kind, rows in company().items()}
    fill(store, graph)
    assert differences(store, tables(graph)) == []


def test_a_cleared_store_is_empty_and_can_be_filled_again(store: GraphStore):
    fill(store, company())
    store.clear()
    assert set(store.stats().values()) == {0}
    assert fill(store, company()) == sum(map(len, company().values()))


def test_empty_calls_do_nothing(store: GraphStore):
    assert store.upsert_nodes(ENTITY, []) == 0
    assert store.upsert_edges(RELATED, iter([])) == 0
    assert store.delete_nodes(ENTITY, []) == store.delete_edges(RELATED, []) == 0
    assert store.read_nodes(ENTITY, []) == store.read_edges_by_id(RELATED, []) == []
    assert store.read_edges_of_groups(RELATED, {}) == {}
    assert store.degrees(RELATED, []) == {}
    assert store.neighbours([], [RELATED]).edges == []


def test_many_rows_are_taken_from_an_iterator(store: GraphStore):
    graph = random_graph(1_200, 2_600)
    store.upsert_nodes(ENTITY, iter(graph[ENTITY]))
    assert store.upsert_edges(RELATED, iter(graph[RELATED])) == 2_600
    ids = [row["id"] for row in graph[ENTITY]]
    assert len(store.read_edges(RELATED, ids)) == 2_600
    assert sum(store.degrees(RELATED, ids).values()) == 5_200
    assert sum(map(len, store.stream_edges(RELATED))) == 2_600
    assert store.delete_edges(RELATED, (row["id"] for row in graph[RELATED][:1_300])) == 1_300


def test_changes_of_several_kinds_are_written_together(store: GraphStore):
    graph = company()
    assert store.write({}, graph) == (sum(map(len, graph.values())), 0)
    assert differences(store, tables(graph)) == []
    turned = {"id": "e0-e1", "source": "e3", "target": "e1", "weight": 2.0}
    wanted = {
        **graph,
        NodeKind.CHUNK: graph[NodeKind.CHUNK][:3],
        EdgeKind.FROM_DOCUMENT: graph[EdgeKind.FROM_DOCUMENT][:3],
        EdgeKind.NEXT_CHUNK: graph[EdgeKind.NEXT_CHUNK][:1],
        EdgeKind.FROM_CHUNK: graph[EdgeKind.FROM_CHUNK][:3],
        RELATED: [turned, *graph[RELATED][1:]],
    }
    written, deleted = store.write(
        {NodeKind.CHUNK: ["c3"], RELATED: ["e0-e1"]}, {ENTITY: graph[ENTITY], RELATED: [turned]}
    )
    assert (written, deleted) == (1, 2)
    assert differences(store, tables(wanted)) == []


def test_nothing_of_several_kinds_is_written_where_an_edge_lacks_its_end(store: GraphStore):
    store.upsert_nodes(ENTITY, [{"id": "a"}])
    with pytest.raises(GraphError, match="nodes that are not there"):
        store.write({}, {RELATED: [edge("a", "nobody")], EdgeKind.IN_COMMUNITY: [edge("a", "nowhere")]})
    assert sum(store.stats().values()) == 1


def test_one_look_sees_what_the_single_reads_see(store: GraphStore):
    fill(store, company())
    ids = ["e2", "e0", "nobody", "e1"]
    seen = store.look(
        Look(
            nodes={ENTITY: ids, NodeKind.DOCUMENT: ["d2"]}, edges={RELATED: ["e1-e2", "none"]}, among={RELATED: ids},
            degrees={RELATED: ids, EdgeKind.IN_COMMUNITY: ["sub"]}, stats=True,
        )
    )  # fmt: skip
    assert seen.nodes == {ENTITY: store.read_nodes(ENTITY, ids), NodeKind.DOCUMENT: [{"id": "d2", "title": "Travel"}]}
    assert seen.edges == {RELATED: store.read_edges_by_id(RELATED, ["e1-e2"])}
    assert seen.among == {RELATED: store.read_edges(RELATED, ids)}
    assert seen.degrees == {RELATED: store.degrees(RELATED, ids), EdgeKind.IN_COMMUNITY: {"sub": 2}}
    assert seen.stats == store.stats()
    assert store.look(Look()).stats == {}
