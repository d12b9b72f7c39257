"""What a multi-hop search finds, and how it says that it stopped."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from knowledge.traversal import Frontier, Step, best_first
from resources.graph import EdgeKind, GraphStore, NodeKind
from resources.graph.traverse import TraversalLimits, traverse
from tests.graph.company import company, edge, fill, random_graph

RELATED = EdgeKind.RELATED


def test_paths_are_found_hop_by_hop_with_their_scores(store: GraphStore):
    fill(store, company())
    found = traverse(store, {"e0": 1.0}, {RELATED: 1.0}, TraversalLimits(max_hops=2))
    assert [(path.nodes, path.edges, round(path.score, 6)) for path in found.paths] == [
        (("e0",), (), 1.0),
        (("e0", "e1"), ("e0-e1",), 0.5),
        (("e0", "e1", "e2"), ("e0-e1", "e1-e2"), round(0.5 * 2 / 3, 6)),
    ]
    assert found.complete
    assert found.summary["paths_found"] == 3
    assert [e.id for e in found.edges] == ["e1-e2", "e0-e1"]


def test_a_kind_has_a_factor_and_kinds_not_asked_for_are_not_walked(store: GraphStore):
    fill(store, company())
    found = traverse(store, {"e0": 1.0}, {EdgeKind.FROM_CHUNK: 0.5}, TraversalLimits(max_hops=1))
    assert {path.nodes[-1]: path.score for path in found.paths} == {"e0": 1.0, "c0": 0.25, "c3": 0.25}


def test_the_same_question_has_the_same_answer(store: GraphStore):
    graph = random_graph(300, 1_500)
    fill(store, graph)
    seeds = {row["id"]: 1.0 for row in graph[NodeKind.ENTITY][100:103]}
    first = traverse(store, seeds, {RELATED: 1.0}, TraversalLimits(edges_per_node=5))
    again = traverse(store, dict(reversed(seeds.items())), {RELATED: 1.0}, TraversalLimits(edges_per_node=5))
    assert first.paths == again.paths
    assert first.edges == again.edges
    assert first.complete


def test_the_node_budget_keeps_the_best_and_says_so(store: GraphStore):
    fill(store, company())
    found = traverse(store, {"e1": 1.0}, {RELATED: 1.0}, TraversalLimits(max_nodes=2))
    assert [path.nodes[-1] for path in found.paths] == ["e1", "e2"]
    assert found.stopped == ("nodes",)


def test_what_was_found_in_time_is_returned_as_incomplete(store: GraphStore):
    fill(store, company())
    clock = itertools.count(0.0, 12.0)
    found = traverse(store, {"e0": 1.0}, {RELATED: 1.0}, TraversalLimits(), clock=lambda: float(next(clock)))
    assert [path.nodes[-1] for path in found.paths] == ["e0", "e1", "e2"]
    assert found.stopped == ("timeout",)
    assert not found.complete


def test_seeds_that_are_not_there_are_answered_alone(store: GraphStore):
    found = traverse(store, {"nobody": 0.3}, {RELATED: 1.0})
    assert [path.nodes for path in found.paths] == [("nobody",)]
    assert found.complete
    assert traverse(store, {}, {RELATED: 1.0}).paths == []


def test_a_better_longer_way_replaces_a_short_weak_one(store: GraphStore):
    store.upsert_nodes(NodeKind.ENTITY, [{"id": name} for name in "abc"])
    store.upsert_edges(RELATED, [edge("a", "c", 0.1), edge("a", "b", 99.0), edge("b", "c", 99.0)])
    found = traverse(store, {"a": 1.0}, {RELATED: 1.0})
    assert found.paths[-1].nodes == ("a", "b", "c")


@given(
    edges=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from([0.25, 0.5, 1.0])), max_size=14),
    shuffle=st.randoms(use_true_random=False),
)
def test_every_node_gets_the_best_of_all_its_paths(edges: list[tuple[int, int, float]], shuffle: random.Random):
    steps = [Step(f"s{i}", f"n{a}", f"n{b}", weight) for i, (a, b, weight) in enumerate(edges)]
    frontier = Frontier({"n0": 1.0}, max_nodes=100)
    for _ in range(3):
        shuffle.shuffle(steps)
        frontier.advance(steps)
    best = {"n0": 1.0}
    layer = [(("n0",), 1.0)]
    for _ in range(3):
        layer = [
            ((*nodes, there), score * step.strength)
            for nodes, score in layer
            for step in steps
            for here, there in ((step.source, step.target), (step.target, step.source))
            if here == nodes[-1] and there not in nodes
        ]
        for nodes, score in layer:
            best[nodes[-1]] = max(score, best.get(nodes[-1], 0.0))
    assert {path.nodes[-1]: path.score for path in frontier.paths()} == best
    assert frontier.paths() == sorted(frontier.paths(), key=best_first)
