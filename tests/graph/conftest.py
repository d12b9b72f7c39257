"""The graph stores under test: every test that asks for `store` runs on each of them.

Neo4j is a real server, started once a session from Maven's jars (server/); RAG_TEST_NEO4J_URI names another, whose
database is emptied.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from resources.graph import GraphStore, SqliteGraph
from resources.graph.limits import Limits
from resources.graph.neo4j import Neo4jGraph
from resources.graph.neo4j_connection import Neo4jServerSettings
from resources.graph.sharded import ShardedGraph
from tests.graph.server.neo4j_server import serving

Graph = TypeVar("Graph", bound=GraphStore)
STORES = ["sqlite", "two-files", "neo4j", "neo4j-two-servers"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # With several workers, each server is started by one of them.
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        asked = set(getattr(item, "fixturenames", ()))
        if "reach" in asked or "server" in asked:
            item.add_marker(pytest.mark.xdist_group("neo4j trouble"))
        elif "neo4j_graph" in asked or "neo4j" in item.name:
            item.add_marker(pytest.mark.xdist_group("neo4j"))


@pytest.fixture(scope="session")
def neo4j_uri() -> Iterator[str]:
    """A server for the whole session."""
    if given := os.environ.get("RAG_TEST_NEO4J_URI"):
        yield given.split()[0]
        return
    with serving() as server:
        yield server.uri


@pytest.fixture(scope="session")
def second_uri() -> Iterator[str]:
    """Another server for the whole session."""
    with serving() as server:
        yield server.uri


@pytest.fixture
def connect(neo4j_uri: str) -> Iterator[Callable[..., Neo4jGraph]]:
    """A graph on the first server, or on another, with the limits given; closed after the test."""
    opened: list[Neo4jGraph] = []

    def graph(uri: str = neo4j_uri, **limits: Any) -> Neo4jGraph:
        password = os.environ.get("RAG_TEST_NEO4J_PASSWORD")
        settings = Neo4jServerSettings(uri, password=password, name=uri, limits=Limits.of(**limits))
        opened.append(Neo4jGraph(settings))
        return opened[-1]

    yield graph
    for graph_ in opened:
        graph_.close()


@pytest.fixture
def neo4j_graph(connect: Callable[..., Neo4jGraph]) -> Neo4jGraph:
    """An empty graph on the first server."""
    return emptied(connect(batch_size=1_000))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    if request.param == "sqlite":
        graph: GraphStore = SqliteGraph(tmp_path / "graph.db")
    elif request.param == "two-files":
        files = {name: SqliteGraph(tmp_path / name / "graph.db") for name in ("a", "b")}
        graph = ShardedGraph(files, {"a": 1.0, "b": 1.0})
    elif request.param == "neo4j":
        graph = request.getfixturevalue("neo4j_graph")
    else:
        connect = request.getfixturevalue("connect")
        servers = {"a": connect(batch_size=1_000), "b": connect(request.getfixturevalue("second_uri"))}
        graph = emptied(ShardedGraph(servers, {"a": 1.0, "b": 1.0}))
    with graph:
        yield graph


def emptied(graph: Graph) -> Graph:
    graph.clear()
    return graph
