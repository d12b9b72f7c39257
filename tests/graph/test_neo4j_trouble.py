"""What a user is told, and what is left, when a Neo4j server refuses us, dies, hangs or comes back."""

import threading
import time
from collections.abc import Callable

import pytest

from resources.errors import GraphUnavailable
from resources.graph import EdgeKind, NodeKind
from resources.graph.limits import Limits
from resources.graph.neo4j import Neo4jGraph
from resources.graph.neo4j_driver import Neo4jServerSettings
from resources.graph.parity import differences
from resources.graph.report_reads import read_communities
from resources.graph.traverse import TraversalLimits, traverse
from tests.graph.company import fill, random_graph, tables
from tests.graph.server.neo4j_server import Neo4jServer
from tests.graph.server.old_server import old_server

ENTITY, RELATED = NodeKind.ENTITY, EdgeKind.RELATED
Open = Callable[..., Neo4jGraph]


def test_an_unknown_database_is_said_in_one_sentence(reach: Open):
    with pytest.raises(
        GraphUnavailable, match=r"database nowhere\) has no such database; correct graph\.neo4j\.database"
    ):
        reach(database="nowhere").read_nodes(ENTITY, ["a"])


def test_nobody_at_the_address_is_said_in_one_sentence():
    settings = Neo4jServerSettings("bolt://127.0.0.1:1", limits=Limits.of(retry_seconds=0.1))
    with Neo4jGraph(settings) as graph, pytest.raises(GraphUnavailable, match=r"does not answer .* Start the server"):
        graph.stats()


@pytest.mark.parametrize(
    ("bolt", "agent", "sentence"),
    [
        ((5, 4), "Neo4j/5.20.0", r"is Neo4j/5\.20\.0; the graph store needs Neo4j 5\.26 or newer: upgrade the server"),
        ((4, 4), "Neo4j/4.4.40", r"is Neo4j/4\.4\.40; the graph store needs Neo4j 5\.26 or newer: upgrade the server"),
        (
            None,
            "Neo4j/2.3.12",
            r"speaks no Bolt of today; the graph store needs Neo4j 5\.26 or newer: upgrade the server",
        ),
    ],
)
def test_a_server_that_is_too_old_is_said_in_one_sentence(bolt: tuple[int, int] | None, agent: str, sentence: str):
    with old_server(bolt, agent) as uri:
        settings = Neo4jServerSettings(uri, limits=Limits.of(retry_seconds=0.1))
        with Neo4jGraph(settings) as graph:
            for ask in (graph.probe, graph.stats, lambda: graph.upsert_nodes(ENTITY, [{"id": "a"}])):
                with pytest.raises(GraphUnavailable, match=sentence):
                    ask()


def test_a_server_killed_in_the_middle_of_a_build_leaves_nothing_twice(server: Neo4jServer, reach: Open):
    graph = random_graph(300, 1_500)
    store = reach(batch_size=50, retry_seconds=120.0)
    store.clear()
    store.upsert_nodes(ENTITY, graph[ENTITY])
    killer = threading.Thread(target=kill_and_restart, args=(server, store, 8))
    killer.start()
    written = store.upsert_edges(RELATED, graph[RELATED])
    killer.join()
    # A commit whose answer was lost is sent again and finds its rows there, so fewer may be counted than written.
    assert 1_500 - 50 <= written <= 1_500
    assert store.traffic.retries > 0
    assert differences(store, tables(graph)) == []


def test_a_server_killed_in_the_middle_of_the_reports_is_waited_for_and_a_query_is_an_error_in_time(
    server: Neo4jServer, reach: Open
):
    graph = random_graph(1_500, 3_000)
    store, asking = reach(retry_seconds=120.0), reach(retry_seconds=30.0)
    store.clear()
    fill(store, graph)
    ids = [row["id"] for row in graph[ENTITY]]
    members = {str(at): ids[at : at + 10] for at in range(0, len(ids), 10)}
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(GraphUnavailable) as error:
            traverse(asking, {"a": 1.0}, {RELATED: 1.0}, TraversalLimits(timeout_seconds=1.0))
        told.append(str(error.value))

    killer = threading.Thread(target=kill_and_restart, args=(server, store, 20, ask))
    killer.start()
    found = list(read_communities(store, members, max_concurrency=2, nodes_at_once=20))
    killer.join()
    assert [community.id for community in found] == list(members)
    assert all(len(community.nodes) == 10 for community in found)
    (sentence,) = told
    assert "does not answer" in sentence or "did not answer within 1.0 seconds" in sentence
    assert traverse(asking, {"a": 1.0}, {RELATED: 1.0}).complete


def test_a_query_to_a_silent_server_is_an_error_in_time(server: Neo4jServer, reach: Open):
    store = reach(retry_seconds=30.0)
    fill(store, random_graph(50, 100))
    server.pause()
    try:
        with pytest.raises(GraphUnavailable, match=r"did not answer within 1\.0 seconds"):
            traverse(store, {"a": 1.0}, {RELATED: 1.0}, TraversalLimits(timeout_seconds=1.0))
    finally:
        server.resume()


def test_a_certificate_of_ones_own_is_trusted_and_no_other(server: Neo4jServer, reach: Open):
    trusting = reach(ca_file=server.certificate)
    trusting.upsert_nodes(ENTITY, [{"id": "encrypted"}])
    assert trusting.read_nodes(ENTITY, ["encrypted"]) == [{"id": "encrypted"}]
    with pytest.raises(GraphUnavailable, match="does not answer"):
        reach(uri=server.uri.replace("bolt:", "bolt+s:"), retry_seconds=0.1).stats()


def test_a_cluster_s_address_is_routed(server: Neo4jServer, reach: Open):
    routed = reach(uri=server.uri.replace("bolt:", "neo4j:"))
    routed.upsert_nodes(ENTITY, [{"id": "routed"}])
    assert routed.read_nodes(ENTITY, ["routed"]) == [{"id": "routed"}]


def test_a_wrong_password_is_said_in_one_sentence_without_it(reach: Open):
    with pytest.raises(GraphUnavailable, match=r"refuses the user or the password; check graph.neo4j.user") as told:
        reach(password="wrong-and-secret").read_nodes(ENTITY, ["a"])
    assert "wrong-and-secret" not in str(told.value)
    assert "wrong-and-secret" not in repr(reach(password="wrong-and-secret").connection.settings)


def kill_and_restart(
    server: Neo4jServer, store: Neo4jGraph, requests: int, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Kill the server when the store has sent some more requests, and start it again."""
    until = store.traffic.requests + requests
    while store.traffic.requests < until:
        time.sleep(0.002)
    server.kill()
    try:
        meanwhile()
    finally:
        server.start()
