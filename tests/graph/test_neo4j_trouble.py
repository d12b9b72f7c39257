"""What a user is told, and what is left, when a Neo4j server refuses us, dies, hangs or comes back."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resources.errors import GraphUnavailable
from resources.graph import EdgeKind, NodeKind
from resources.graph.limits import Limits
from resources.graph.neo4j import Neo4jGraph
from resources.graph.neo4j_connection import Neo4jServerSettings
from resources.graph.parity import differences
from resources.graph.report_reads import read_communities
from resources.graph.traverse import TraversalLimits, traverse
from tests.graph.company import fill, random_graph, tables
from tests.graph.server.neo4j_server import Neo4jServer, serving

ENTITY, RELATED = NodeKind.ENTITY, EdgeKind.RELATED
PASSWORD = "correct-horse-battery"
Open = Callable[..., Neo4jGraph]


@pytest.fixture(scope="module")
def server() -> Iterator[Neo4jServer]:
    """A server of this module's own, with a password, that may be killed."""
    with serving(password=PASSWORD) as running:
        yield running


@pytest.fixture
def reach(server: Neo4jServer) -> Iterator[Open]:
    opened: list[Neo4jGraph] = []

    def graph(password: str = PASSWORD, database: str = "neo4j", **limits: float) -> Neo4jGraph:
        limits = {"acquire_seconds": 20.0, "retry_seconds": 1.0, **limits}
        settings = Neo4jServerSettings(server.uri, "neo4j", password, database, limits=Limits.of(**limits))
        opened.append(Neo4jGraph(settings))
        return opened[-1]

    yield graph
    for graph_ in opened:
        graph_.close()


def test_an_unknown_database_is_said_in_one_sentence(reach: Open):
    with pytest.raises(
        GraphUnavailable, match=r"database nowhere\) has no such database; correct graph\.neo4j\.database"
    ):
        reach(database="nowhere").read_nodes(ENTITY, ["a"])


def test_nobody_at_the_address_is_said_in_one_sentence():
    settings = Neo4jServerSettings("bolt://127.0.0.1:1", limits=Limits.of(retry_seconds=0.1))
    with Neo4jGraph(settings) as graph, pytest.raises(GraphUnavailable, match=r"does not answer .* Start the server"):
        graph.stats()


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


def test_a_server_killed_in_the_middle_of_the_reports_is_waited_for(server: Neo4jServer, reach: Open):
    graph = random_graph(200, 600)
    store = reach(retry_seconds=120.0)
    store.clear()
    fill(store, graph)
    ids = [row["id"] for row in graph[ENTITY]]
    members = {str(i): ids[i : i + 10] for i in range(150)}
    killer = threading.Thread(target=kill_and_restart, args=(server, store, 20))
    killer.start()
    found = list(read_communities(store, members, max_concurrency=2, nodes_at_once=20))
    killer.join()
    assert [community.id for community in found] == list(members)
    assert all(len(community.nodes) == 10 for community in found)


def test_a_query_to_a_dead_or_silent_server_is_an_error_in_time(server: Neo4jServer, reach: Open):
    store = reach(retry_seconds=30.0)
    fill(store, random_graph(50, 100))
    server.pause()
    try:
        with pytest.raises(GraphUnavailable, match=r"did not answer within 1\.0 seconds"):
            traverse(store, {"a": 1.0}, {RELATED: 1.0}, TraversalLimits(timeout_seconds=1.0))
    finally:
        server.resume()
    server.kill()
    with pytest.raises(GraphUnavailable, match=r"does not answer|did not answer"):
        traverse(store, {"a": 1.0}, {RELATED: 1.0}, TraversalLimits(timeout_seconds=2.0))
    server.start()
    assert traverse(store, {"a": 1.0}, {RELATED: 1.0}).complete


def test_a_read_only_database_is_said_and_nothing_is_half_written(server: Neo4jServer, reach: Open):
    configuration = server.home / "conf" / "neo4j.conf"
    text = configuration.read_text()
    store = reach()
    store.clear()
    store.upsert_nodes(ENTITY, [{"id": "before"}])
    before = store.stats()
    store.close()
    try:
        restart(server, configuration, text + "server.databases.read_only=neo4j\n")
        with pytest.raises(GraphUnavailable, match="holds the database read-only; make it writable"):
            reach().upsert_nodes(ENTITY, [{"id": "a"}])
        assert reach().stats() == before
    finally:
        restart(server, configuration, text)


def test_a_wrong_password_is_said_in_one_sentence_without_it(reach: Open):
    with pytest.raises(GraphUnavailable, match=r"refuses the user or the password; check graph.neo4j.user") as told:
        reach(password="wrong-and-secret").read_nodes(ENTITY, ["a"])
    assert "wrong-and-secret" not in str(told.value)
    assert "wrong-and-secret" not in repr(reach(password="wrong-and-secret").connection.settings)


def kill_and_restart(server: Neo4jServer, store: Neo4jGraph, requests: int) -> None:
    """Kill the server when the store has sent some more requests, and start it again."""
    until = store.traffic.requests + requests
    while store.traffic.requests < until:
        time.sleep(0.002)
    server.kill()
    server.start()


def restart(server: Neo4jServer, configuration: Path, text: str) -> None:
    configuration.write_text(text)
    server.kill()
    server.start()
