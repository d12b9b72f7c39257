"""How the driver lives: one a process, shared, opened after a fork, closed with the run; the store as a resource."""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from resources.graph import NodeKind
from resources.graph.neo4j import Neo4jGraph
from resources.graph.resource import GraphResource
from tests.chain.harness import Project

Connect = Callable[..., Neo4jGraph]


def test_stores_with_the_same_settings_share_one_driver_which_the_last_one_closes(
    neo4j_graph: Neo4jGraph, connect: Connect
):
    one, other, wider = connect(), connect(), connect(pool_size=60)
    one.upsert_nodes(NodeKind.ENTITY, [{"id": "a"}])
    assert one.connection.gate is other.connection.gate
    assert one.connection.gate is not wider.connection.gate
    one.close()
    assert other.read_nodes(NodeKind.ENTITY, ["a"]) == [{"id": "a"}]
    assert other.connection.gate.counts().active == 0


def test_a_forked_process_opens_a_driver_of_its_own(neo4j_graph: Neo4jGraph):
    neo4j_graph.upsert_nodes(NodeKind.ENTITY, [{"id": "a"}])
    gate = neo4j_graph.connection.gate
    reader, writer = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        try:
            writer.send((neo4j_graph.read_nodes(NodeKind.ENTITY, ["a"]), neo4j_graph.connection.gate is gate))
            neo4j_graph.close()
        finally:
            os._exit(0)
    assert reader.poll(60)
    assert reader.recv() == ([{"id": "a"}], False)
    os.waitpid(child, 0)
    assert neo4j_graph.read_nodes(NodeKind.ENTITY, ["a"]) == [{"id": "a"}]


def test_an_asset_of_ones_own_asks_the_graph_store_which_is_closed_after_the_run(
    tmp_path: Path, neo4j_graph: Neo4jGraph
):
    neo4j_graph.upsert_nodes(NodeKind.ENTITY, [{"id": "a"}])
    settings = neo4j_graph.connection.settings
    neo4j = {"uri": settings.uri, **({"password": settings.password} if settings.password else {})}
    project = Project(tmp_path, graph={"store": "neo4j", "neo4j": neo4j})
    seen: list[Neo4jGraph] = []

    @dg.asset
    def entities_found(graph: GraphResource) -> None:
        assert isinstance(graph.store, Neo4jGraph)
        assert graph.store.read_nodes(NodeKind.ENTITY, ["a"]) == [{"id": "a"}]
        seen.append(graph.store)

    assert dg.materialize([entities_found], resources={"graph": GraphResource(settings_file=str(project.file))}).success
    assert seen[0].connection.closed
