"""A network comes out the same however its rows come in, and its partitions are what they should be."""

import random
from itertools import pairwise

import graspologic_native
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.leiden import attached, connected, partition, settle
from knowledge.network import Csr, Network

Rows = list[tuple[str, str, float]]


def network(rows: Rows) -> Network:
    return Network.of(*map(list, zip(*rows, strict=True))) if rows else Network.of([], [], [])


def clique(names: str, weight: float = 1.0) -> Rows:
    return [(a, b, weight) for i, a in enumerate(names) for b in names[i + 1 :]]


def settled(graph: Csr, start: list[int]) -> list[int]:
    return settle(graph, graph.degrees(), float(graph.data.sum()), np.array(start)).tolist()


TWO_CLIQUES = [*clique("abcd"), *clique("wxyz"), ("d", "w", 1.0)]
names = st.sampled_from("abcdefgh")
rows = st.lists(st.tuples(names, names, st.floats(0.01, 100)), max_size=40)


def test_two_cliques_with_a_bridge_are_two_communities():
    assert partition(network(TWO_CLIQUES).csr, seed=1).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_network_without_edges_leaves_every_node_alone():
    empty = Csr(np.zeros(4, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
    assert len(set(partition(empty, seed=1).tolist())) == 3


@settings(deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_of_their_ends_matters(edges, shuffler):
    turned = [(b, a, w) if shuffler.random() < 0.5 else (a, b, w) for a, b, w in edges]
    shuffler.shuffle(turned)
    one, other = network(edges), network(turned)
    assert one.ids == other.ids
    assert one.checksum == other.checksum
    assert one.weight.tolist() == other.weight.tolist()
    assert partition(one.csr, seed=5).tolist() == partition(other.csr, seed=5).tolist()


def test_weights_of_a_pair_are_summed_and_an_edge_to_itself_is_left_out():
    graph = network([("b", "a", 1.0), ("a", "b", 2.5), ("c", "c", 9.0)])
    assert (graph.ids, graph.low.tolist(), graph.high.tolist(), graph.weight.tolist()) == (("a", "b"), [0], [1], [3.5])


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_no_positive_number_is_refused(weight):
    with pytest.raises(ValueError, match="positive"):
        Network.of(["a"], ["b"], [weight])


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="1, 2 and 1"):
        Network.of(["a"], ["b", "c"], [1.0])


def test_a_changed_weight_a_new_edge_and_a_lost_one_each_change_the_checksum():
    variants = [
        TWO_CLIQUES,
        TWO_CLIQUES[1:],
        [*TWO_CLIQUES, ("a", "z", 1.0)],
        [("a", "b", 1.5), *TWO_CLIQUES[1:]],
    ]
    assert len({network(edges).checksum for edges in variants}) == len(variants)


def test_only_the_ends_of_a_changed_edge_get_another_mark():
    one, other = network(TWO_CLIQUES), network([*TWO_CLIQUES[:-1], ("d", "w", 2.0)])
    changed = [name for name, a, b in zip(one.ids, one.node_marks, other.node_marks, strict=True) if a != b]
    assert changed == ["d", "w"]


def test_a_node_between_others_keeps_its_mark_when_ids_shift():
    one, other = network(TWO_CLIQUES), network([("aa", "bb", 1.0), *TWO_CLIQUES])
    marks = dict(zip(other.ids, other.node_marks.tolist(), strict=True))
    assert [marks[name] for name in one.ids] == one.node_marks.tolist()


@settings(deadline=None)
@given(rows.filter(lambda edges: any(a != b for a, b, _ in edges)), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_modularity_is_that_of_the_library(edges, groups):
    graph = network(edges)
    labels = dict(zip(graph.ids, groups, strict=False))
    triples = [(graph.ids[a], graph.ids[b], w) for a, b, w in zip(graph.low, graph.high, graph.weight, strict=True)]
    expected = graspologic_native.modularity(triples, labels, resolution=1.0)
    assert graph.modularity(np.array([labels[name] for name in graph.ids])) == pytest.approx(expected, abs=1e-9)


def test_what_is_well_placed_stays():
    assert settled(network(TWO_CLIQUES).csr, [7, 7, 7, 7, 3, 3, 3, 3]) == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_newcomer_joins_the_community_of_its_neighbours():
    graph = network([*TWO_CLIQUES, ("m", "x", 1.0), ("m", "y", 1.0)])
    assert graph.ids[4] == "m"
    assert settled(graph.csr, [7, 7, 7, 7, 9, 3, 3, 3, 3]) == [0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_communities_that_belong_together_are_merged():
    assert settled(network(TWO_CLIQUES).csr, [0, 0, 1, 1, 2, 2, 3, 3]) == [0, 0, 0, 0, 1, 1, 1, 1]


@settings(deadline=None)
@given(rows, st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_settled_communities_are_in_one_piece_and_nobody_stands_alone(edges, groups):
    graph = network(edges)
    labels = np.array(settled(graph.csr, groups[: len(graph)]), dtype=np.int64)
    assert len(set(connected(graph.csr, labels).tolist())) == len(set(labels.tolist()))
    assert not len(graph) or np.bincount(labels).min() > 1


def test_a_community_in_two_pieces_is_split():
    graph = network([*clique("abc"), *clique("xyz")])
    assert connected(graph.csr, np.zeros(6, dtype=np.int64)).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_long_chain_is_one_piece():
    order = list(range(300))
    random.Random(3).shuffle(order)
    chain = network([(f"{a:03}", f"{b:03}", 1.0) for a, b in pairwise(order)])
    assert set(connected(chain.csr, np.zeros(300, dtype=np.int64)).tolist()) == {0}


def test_a_lone_node_is_attached_where_its_heaviest_edges_lead():
    graph = network([*TWO_CLIQUES, ("m", "a", 1.0), ("m", "x", 1.0), ("m", "y", 1.0)])
    assert attached(graph.csr, np.array([0, 0, 0, 0, 2, 1, 1, 1, 1])).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
