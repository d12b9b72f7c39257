"""The graph stores under test: every test that asks for `store` runs on each of them.

Neo4j is a real server, started once a session from Maven's jars (server/); RAG_TEST_NEO4J_URI names another, whose
database is emptied. A second one, which the tests may kill, is started always.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from resources.graph import GraphStore, SqliteGraph
from resources.graph.limits import Limits
from resources.graph.neo4j import Neo4jGraph
from resources.graph.neo4j_driver import Neo4jServerSettings
from resources.graph.sharded import ShardedGraph
from tests.graph.server.neo4j_server import Neo4jServer, serving

Graph = TypeVar("Graph", bound=GraphStore)
STORES = ["sqlite", "two-files", "neo4j", "neo4j-two-servers"]
PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="session")
def neo4j_uri() -> Iterator[str]:
    """A server for the whole session."""
    if given := os.environ.get("RAG_TEST_NEO4J_URI"):
        yield given
        return
    with serving() as running:
        yield running.uri


@pytest.fixture(scope="session")
def server() -> Iterator[Neo4jServer]:
    """Another server for the whole session, with a password and a certificate, that may be killed and started again."""
    with serving(password=PASSWORD, tls=True) as running:
        yield running


@pytest.fixture
def connect(neo4j_uri: str) -> Iterator[Callable[..., Neo4jGraph]]:
    """A graph on the first server with the limits given; closed after the test."""
    opened: list[Neo4jGraph] = []

    def graph(**limits: Any) -> Neo4jGraph:
        password = os.environ.get("RAG_TEST_NEO4J_PASSWORD")
        opened.append(Neo4jGraph(Neo4jServerSettings(neo4j_uri, password=password, limits=Limits.of(**limits))))
        return opened[-1]

    yield graph
    for graph_ in opened:
        graph_.close()


@pytest.fixture
def reach(server: Neo4jServer) -> Iterator[Callable[..., Neo4jGraph]]:
    """A graph on the second server, with other settings where they are given; closed after the test."""
    opened: list[Neo4jGraph] = []

    def graph(
        uri: str = server.uri, password: str = PASSWORD, database: str = "neo4j", ca_file: Path | None = None,
        **limits: Any,
    ) -> Neo4jGraph:  # fmt: skip
        bounds = Limits.of(**{"acquire_seconds": 20.0, "retry_seconds": 1.0, **limits})
        opened.append(Neo4jGraph(Neo4jServerSettings(uri, "neo4j", password, database, ca_file, "b", 1.0, bounds)))
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
        servers = {
            "a": request.getfixturevalue("connect")(batch_size=1_000),
            "b": request.getfixturevalue("reach")(batch_size=1_000),
        }
        graph = emptied(ShardedGraph(servers, {"a": 1.0, "b": 1.0}))
    with graph:
        yield graph


def emptied(graph: Graph) -> Graph:
    graph.clear()
    return graph
