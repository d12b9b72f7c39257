"""What a graph over several servers does when one is added, away, or says nothing."""

import threading
from pathlib import Path

import pytest

from resources.errors import GraphUnavailable
from resources.graph import EdgeKind, GraphStore, NodeKind, SqliteGraph
from resources.graph.limits import Limits
from resources.graph.neo4j import Neo4jGraph
from resources.graph.neo4j_driver import Neo4jServerSettings
from resources.graph.parity import align, differences
from resources.graph.sharded import ShardedGraph
from resources.graph.traverse import TraversalLimits, traverse
from tests.graph.company import fill, random_graph, tables

ENTITY, RELATED = NodeKind.ENTITY, EdgeKind.RELATED


def sharded(tmp_path: Path, *names: str, **others: GraphStore) -> ShardedGraph:
    stores: dict[str, GraphStore] = {name: SqliteGraph(tmp_path / f"{name}.db") for name in names}
    stores |= others
    return ShardedGraph(stores, dict.fromkeys(stores, 1.0))


def away(limits: Limits | None = None) -> Neo4jGraph:
    """A server that nobody runs."""
    limits = limits or Limits.of(retry_seconds=0.1, acquire_seconds=0.5)
    return Neo4jGraph(Neo4jServerSettings("bolt://127.0.0.1:1", name="away", limits=limits))


class Silent(SqliteGraph):
    """A server that takes a question and never answers."""

    def neighbours(self, *_: object, **__: object):
        threading.Event().wait()


def test_rows_lie_on_their_server_and_edges_between_servers_on_both(tmp_path: Path):
    graph = random_graph(100, 300)
    with sharded(tmp_path, "a", "b") as store:
        fill(store, graph)
        for row in graph[RELATED]:
            homes = {store.home(row["source"]), store.home(row["target"])}
            there = {name for name, part in store.stores.items() if part.read_edges_by_id(RELATED, [row["id"]])}
            assert there == homes
        assert store.stats()[RELATED] == 300
        assert store.stats()[ENTITY] == 100


def test_a_lost_copy_of_an_edge_between_servers_is_a_difference(tmp_path: Path):
    graph = random_graph(100, 300)
    with sharded(tmp_path, "a", "b") as store:
        fill(store, graph)
        crossing = [r for r in graph[RELATED] if store.home(r["source"]) != store.home(r["target"])]
        store.stores["a"].delete_edges(RELATED, [crossing[0]["id"]])
        store.stores["b"].delete_edges(RELATED, [crossing[1]["id"]])
        store.stores["b"].upsert_edges(RELATED, [{**crossing[2], "weight": 99.0}])
        (found,) = differences(store, tables(graph))
        assert set(found.changed) == {row["id"] for row in crossing[:3]}
        align(store, tables(graph))
        assert differences(store, tables(graph)) == []


def test_a_new_server_is_filled_while_the_old_ones_serve_and_only_moved_rows_are_written(tmp_path: Path):
    graph = random_graph(300, 900)
    old = sharded(tmp_path, "a", "b")
    fill(old, graph)
    new = sharded(tmp_path, "a", "b", "c")
    moved = [row for row in graph[ENTITY] if old.home(row["id"]) != new.home(row["id"])]
    assert {new.home(row["id"]) for row in moved} == {"c"}
    align(new, tables(graph))
    assert differences(old, tables(graph)) == []
    assert differences(new, tables(graph)) == []
    assert new.traffic.rows_written < 300 + 900
    assert new.tidy() > 0
    assert differences(new, tables(graph)) == []
    assert new.tidy() == 0
    old.close()
    new.close()


def test_a_walk_over_servers_finds_what_one_store_finds(tmp_path: Path):
    graph = random_graph(300, 900)
    seeds = {row["id"]: 1.0 for row in graph[ENTITY][200:204]}
    with sharded(tmp_path, "a", "b", "c") as several, SqliteGraph(tmp_path / "one.db") as one:
        fill(several, graph)
        fill(one, graph)
        found = traverse(several, seeds, {RELATED: 1.0})
        assert found.paths == traverse(one, seeds, {RELATED: 1.0}).paths
        assert found.shards == ("a", "b", "c")
        assert found.complete


def test_with_a_server_away_the_answer_is_incomplete_and_says_so(tmp_path: Path):
    graph = random_graph(100, 300)
    with sharded(tmp_path, "a", "b") as whole:
        fill(whole, graph)
        seeds = {row["id"]: 1.0 for row in graph[ENTITY][:5]}
        for server in (away(), Silent(tmp_path / "silent.db")):
            store = ShardedGraph({"a": whole.stores["a"], "b": server}, {"a": 1.0, "b": 1.0})
            found = traverse(store, seeds, {RELATED: 1.0}, TraversalLimits(timeout_seconds=2.0))
            assert not found.complete
            assert found.failed == ("b",)
            assert found.shards == ("a", "b")
            assert len(found.paths) > len(seeds)
            server.close()


def test_writes_to_a_server_that_is_away_wait_and_the_others_go_on(tmp_path: Path):
    rows = [{"id": f"n{i}"} for i in range(40)]
    part = SqliteGraph(tmp_path / "a.db")
    with ShardedGraph({"a": part, "b": away()}, {"a": 1.0, "b": 1.0}) as store:
        with pytest.raises(GraphUnavailable, match="server b of the graph did not take its part, 1 others did"):
            store.upsert_nodes(ENTITY, rows)
        assert part.stats()[ENTITY] == len([row for row in rows if store.home(row["id"]) == "a"]) > 0
        back = ShardedGraph({"a": part, "b": SqliteGraph(tmp_path / "b.db")}, {"a": 1.0, "b": 1.0})
        assert back.upsert_nodes(ENTITY, rows) == len(rows) - part.stats()[ENTITY]
        back.stores["b"].close()


def test_a_read_that_needs_a_server_that_is_away_is_an_error_not_half_an_answer(tmp_path: Path):
    with sharded(tmp_path, "a", b=away()) as store, pytest.raises(GraphUnavailable, match="does not answer"):
        store.read_nodes(ENTITY, [f"n{i}" for i in range(40)])
