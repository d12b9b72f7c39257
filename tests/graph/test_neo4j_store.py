"""What the Neo4j store promises beyond the contract, on a real server: requests, sessions, locks, labels, schema."""

import math
from collections.abc import Callable

import pytest

from resources.errors import GraphSaturated, GraphUnavailable, IndexRefused, RagError
from resources.graph import EdgeKind, NodeKind
from resources.graph.neo4j import Neo4jGraph
from resources.graph.parity import align, differences
from resources.graph.report_reads import read_communities
from tests.graph.company import company, edge, fill, random_graph, tables

ENTITY, RELATED = NodeKind.ENTITY, EdgeKind.RELATED
Connect = Callable[..., Neo4jGraph]


def raw(graph: Neo4jGraph, statement: str, **parameters: object) -> list[tuple]:
    """A statement of the test's own, as anybody else at the server would send it."""
    return graph.connection.transact("a test", lambda run: run(statement, parameters))


def test_a_write_is_as_many_requests_as_it_has_batches(neo4j_graph: Neo4jGraph, connect: Connect):
    graph = random_graph(230, 520)
    neo4j_graph.connection.ensure_schema()
    store = connect(batch_size=100)
    store.connection.ensure_schema()
    for kind, rows, write in (
        (ENTITY, graph[ENTITY], store.upsert_nodes),
        (RELATED, graph[RELATED], store.upsert_edges),
    ):
        before = store.traffic.requests
        assert write(kind, rows) == len(rows)
        assert store.traffic.requests - before == math.ceil(len(rows) / 100)


def test_the_edges_of_hubs_are_deleted_a_batch_at_a_time(neo4j_graph: Neo4jGraph, connect: Connect):
    hubs, leaves = [f"hub {i}" for i in range(3)], [f"leaf {i}" for i in range(250)]
    store = connect(batch_size=100)
    store.upsert_nodes(ENTITY, [{"id": name} for name in hubs + leaves])
    store.upsert_edges(RELATED, [edge(hub, leaf) for hub in hubs for leaf in leaves])
    before = store.traffic.requests
    assert store.delete_nodes(ENTITY, hubs[:2]) == 2
    # that they are too many; 500 edges; that there are no more; the hubs
    assert store.traffic.requests - before == 1 + 500 / 100 + 1 + 1
    assert store.write({ENTITY: hubs[2:], RELATED: ["nothing"]}, {ENTITY: [{"id": "new"}]}) == (1, 1)
    assert (store.stats()[ENTITY], store.stats()[RELATED]) == (251, 0)


def test_an_edit_of_one_document_takes_at_most_twelve_requests(neo4j_graph: Neo4jGraph, connect: Connect):
    fill(neo4j_graph, company())
    with connect() as store:
        store.delete({NodeKind.CHUNK: ["c1"], RELATED: ["e0-e1"], EdgeKind.IN_COMMUNITY: ["e1-sub"]})
        edited = {
            NodeKind.DOCUMENT: [{"id": "d1", "title": "Leave, again"}],
            NodeKind.CHUNK: [{"id": "c9", "ordinal": 1}],
            ENTITY: [{"id": "e1", "name": "Another name"}],
            NodeKind.COMMUNITY: [{"id": "sub", "level": 1, "size": 2}],
            EdgeKind.FROM_DOCUMENT: [edge("c9", "d1")],
            EdgeKind.NEXT_CHUNK: [edge("c0", "c9")],
            EdgeKind.FROM_CHUNK: [edge("e1", "c9")],
            RELATED: [edge("e0", "e1", 5.0), edge("e1", "e2", 3.0)],
        }
        fill(store, edited)
        list(read_communities(store, {"sub": ["e0", "e1"]}))
        assert store.traffic.requests <= 12


def test_four_writers_on_hubs_never_deadlock_and_every_row_is_there(neo4j_graph: Neo4jGraph, connect: Connect):
    graph = random_graph(300, 2_000)
    store = connect(writers=4, batch_size=60)
    store.upsert_nodes(ENTITY, graph[ENTITY])
    assert store.upsert_edges(RELATED, graph[RELATED]) == 2_000
    assert (store.traffic.retries, store.traffic.reasons) == (0, {})
    assert store.connection.gate.counts().peak > 1
    assert differences(store, tables(graph)) == []


def test_many_communities_are_read_through_a_small_pool_in_their_order(neo4j_graph: Neo4jGraph, connect: Connect):
    graph = random_graph(400, 1_200)
    fill(neo4j_graph, graph)
    ids = [row["id"] for row in graph[ENTITY]]
    members = {f"community {i}": ids[i * 5 : i * 5 + 8] for i in range(79)}
    store = connect(pool_size=5, acquire_seconds=10)
    idle = lambda: store.connection.gate.counts().idle  # noqa: E731
    found = list(read_communities(store, members, max_concurrency=4, idle=idle, nodes_at_once=60, with_degrees=True))
    assert [community.id for community in found] == list(members)
    counts = store.connection.gate.counts()
    assert counts.timed_out == 0
    assert counts.peak <= 5
    assert store.traffic.requests <= 2 * len(members)
    for community in found:
        inside = set(members[community.id])
        assert [row["id"] for row in community.nodes] == members[community.id]
        wanted = [row for row in graph[RELATED] if {row["source"], row["target"]} <= inside]
        assert community.edges == sorted(wanted, key=lambda row: row["id"])
        touching = [end for row in graph[RELATED] for end in (row["source"], row["target"])]
        assert community.degrees == {node: touching.count(node) for node in inside}


def test_more_readers_than_sessions_are_told_so(neo4j_graph: Neo4jGraph, connect: Connect):
    store = connect(pool_size=4, max_sessions=1, acquire_seconds=0.05)
    with (
        store.connection.gate.lend("something long"),
        pytest.raises(GraphSaturated, match=r"reading nodes \(entity\) got none within 0\.05 seconds"),
    ):
        store.read_nodes(ENTITY, ["a"])
    assert store.connection.gate.counts().timed_out == 1
    assert store.read_nodes(ENTITY, ["a"]) == []


def test_an_entity_has_the_label_of_its_type_and_loses_the_old_one(neo4j_graph: Neo4jGraph):
    hostile = "O`RG`) DETACH DELETE n //"
    rows = [{"id": "a", "type": "PERSON"}, {"id": "b", "type": hostile}, {"id": "c", "type": "Chunk"}, {"id": "d"}]
    neo4j_graph.upsert_nodes(ENTITY, rows)
    neo4j_graph.upsert_nodes(ENTITY, [{"id": "a", "type": "ORG"}])
    found = dict(raw(neo4j_graph, "MATCH (n:__Entity__) RETURN n.id, labels(n)"))
    assert {name: sorted(labels) for name, labels in found.items()} == {
        "a": ["ORG", "__Entity__"],
        "b": sorted([hostile, "__Entity__"]),
        "c": ["__Entity__"],
        "d": ["__Entity__"],
    }
    assert neo4j_graph.stats()[NodeKind.CHUNK] == 0


def test_nodes_and_edges_stand_as_graphrag_tools_read_them(neo4j_graph: Neo4jGraph):
    fill(neo4j_graph, company())
    path = """
    MATCH (d:Document)<-[:FROM_DOCUMENT]-(:Chunk)<-[:FROM_CHUNK]-(e:__Entity__)-[:IN_COMMUNITY]->(c:__Community__)
          -[:PARENT_COMMUNITY]->(top:__Community__)
    RETURN DISTINCT d.title, e.name, c.id, top.id ORDER BY d.title, e.name
    """
    assert raw(neo4j_graph, path) == [
        ("Leave", "Entity 0", "sub", "top"),
        ("Leave", "Entity 1", "sub", "top"),
        ("Travel", "Entity 0", "sub", "top"),
    ]
    named = "CALL db.index.fulltext.queryNodes('rag_names', 'travel') YIELD node RETURN node.id"
    raw(neo4j_graph, "CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")
    assert raw(neo4j_graph, named) == [("d2",)]


@pytest.mark.parametrize(
    "statement",
    [
        "MATCH (n:__Entity__ {id: 'e0'}) SET n.name = 'changed behind our back'",
        "MATCH (n:__Entity__ {id: 'e0'}) SET n.more = 1",
        "MATCH (n:__Entity__ {id: 'e0'}) REMOVE n:ORG",
        "MATCH (n:__Entity__ {id: 'e0'}) SET n:PERSON",
        "MATCH (:__Entity__ {id: 'e0'})-[r:RELATED]->() SET r.weight = 2",
        "MATCH (:__Entity__ {id: 'e0'})-[r:RELATED]->() SET r.weight = 1.5",
        "MATCH (:__Entity__ {id: 'e0'})-[r:RELATED]->() SET r.predicate = 'hates'",
        "MATCH (:__Entity__ {id: 'e0'})-[r:RELATED]->() DELETE r",
        "MATCH (n:__Entity__ {id: 'e0'}) DETACH DELETE n",
        "CREATE (:__Entity__ {id: 'e77'})",
    ],
)
def test_what_others_changed_at_the_server_is_found_and_mended(neo4j_graph: Neo4jGraph, statement: str):
    graph = company()
    fill(neo4j_graph, graph)
    raw(neo4j_graph, statement)
    assert differences(neo4j_graph, tables(graph))
    align(neo4j_graph, tables(graph))
    assert differences(neo4j_graph, tables(graph)) == []


def test_rows_that_others_made_without_an_id_are_found(neo4j_graph: Neo4jGraph):
    fill(neo4j_graph, company())
    raw(neo4j_graph, "CREATE (:__Entity__ {name: 'nobody'})")
    (found,) = differences(neo4j_graph, tables(company()))
    assert found.extra[0].startswith("(no id) ")


def test_other_peoples_nodes_are_left_alone(neo4j_graph: Neo4jGraph):
    raw(neo4j_graph, "MERGE (:Theirs {id: 'x'})")
    fill(neo4j_graph, company())
    neo4j_graph.clear()
    assert raw(neo4j_graph, "MATCH (n:Theirs) DELETE n RETURN count(*)") == [(1,)]


def test_the_schema_is_made_once_and_a_newer_one_is_refused(neo4j_graph: Neo4jGraph, connect: Connect):
    neo4j_graph.connection.ensure_schema()
    again = connect()
    again.connection.ensure_schema()
    assert again.traffic.requests == 1
    version = "MATCH (v:__RagAssets__ {id: 'schema'}) SET v.version = $version"
    raw(neo4j_graph, version, version=99)
    try:
        with pytest.raises(IndexRefused, match="has the graph schema 99, this release reads 1"):
            connect(batch_size=77).upsert_nodes(ENTITY, [{"id": "a"}])
    finally:
        raw(neo4j_graph, version, version=1)


def test_a_transaction_that_takes_too_long_is_ended_with_a_remedy(neo4j_graph: Neo4jGraph, connect: Connect):
    slow = connect(transaction_seconds=0.2, retry_seconds=0.1)
    with pytest.raises(GraphUnavailable, match=r"took too long; raise graph\.neo4j\.transaction_seconds"):
        raw(
            slow,
            "UNWIND range(1, 100000000) AS i UNWIND range(1, 1000) AS j WITH i * j AS k WHERE k < 0 RETURN count(k)",
        )


def test_an_error_never_quotes_what_was_sent(neo4j_graph: Neo4jGraph):
    with pytest.raises(RagError) as told:
        raw(neo4j_graph, "RETURN 1 + $secret.x", secret="the text of a document")
    assert "the text" not in "".join(map(str, (told.value, told.value.__cause__)))
