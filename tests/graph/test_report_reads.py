"""What community reports read: each community whole, and what lies inside another at no cost of its own."""

from pathlib import Path

import pytest

from resources.graph import EdgeKind, NodeKind, SqliteGraph
from resources.graph.report_reads import read_communities
from tests.graph.company import random_graph

TREE = {"all": 60, "half": 30, "part": 10, "other": 8}
"""Each within the one before it, by the number of its first entities."""


@pytest.mark.parametrize("threads", [1, 3])
def test_a_community_comes_with_its_entities_and_the_relationships_among_them(tmp_path: Path, threads: int):
    graph = random_graph(80, 400)
    ids = [row["id"] for row in graph[NodeKind.ENTITY]]
    members = {name: ids[:size] for name, size in TREE.items()}
    with SqliteGraph(tmp_path / "graph.db") as store:
        store.upsert_nodes(NodeKind.ENTITY, graph[NodeKind.ENTITY])
        store.upsert_edges(EdgeKind.RELATED, graph[EdgeKind.RELATED])
        found = list(read_communities(store, members, max_concurrency=threads, nodes_at_once=25))
        assert [community.id for community in found] == list(TREE)
        for community in found:
            assert [node["id"] for node in community.nodes] == members[community.id]
            assert community.edges == store.read_edges(EdgeKind.RELATED, members[community.id])
        assert all(len(community.edges) > 3 for community in found)


def test_what_is_inside_a_community_that_was_read_is_not_read_again(tmp_path: Path):
    graph = random_graph(80, 400)
    ids = [row["id"] for row in graph[NodeKind.ENTITY]]
    with SqliteGraph(tmp_path / "graph.db") as store:
        store.upsert_nodes(NodeKind.ENTITY, graph[NodeKind.ENTITY])
        store.upsert_edges(EdgeKind.RELATED, graph[EdgeKind.RELATED])

        def requests(members: dict[str, list[str]]) -> int:
            before = store.traffic.requests
            list(read_communities(store, members, max_concurrency=1, nodes_at_once=25))
            return store.traffic.requests - before

        one = requests({"all": ids[:60]})
        assert requests({name: ids[:size] for name, size in TREE.items()}) == one
        assert requests({"all": ids[:60], "beside": ids[60:]}) == 2 * one
