"""Of the former communities no more is loaded than a change needs, and the outcome is as if all were known."""

import random
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.communities import arrange, hierarchy
from knowledge.community import Community, tops
from knowledge.former import Known, all_below
from knowledge.freezing import Past
from knowledge.network import Network
from tests.knowledge.villages import edited, nested, network, villages

MAX_SIZE = 3


class Whole(Known):
    """All levels are there from the start, and nothing is left to load."""

    def __init__(self, communities: Sequence[Community]) -> None:
        super().__init__(communities)
        self._all = communities

    def tops(self) -> Sequence[Community]:
        return self._all

    def children(self, parents: Collection[str]) -> Sequence[Community]:
        return ()


class Watched(Known):
    """Remembers what was loaded."""

    def __init__(self, communities: Iterable[Community]) -> None:
        super().__init__(communities)
        self.loaded: list[str] = []

    def tops(self) -> Sequence[Community]:
        return self._noted(super().tops())

    def children(self, parents: Collection[str]) -> Sequence[Community]:
        return self._noted(super().children(parents))

    def _noted(self, communities: Sequence[Community]) -> Sequence[Community]:
        self.loaded += [c.id for c in communities]
        return communities


def prove_equal(graph: Network, previous: list[Community]) -> list[Community]:
    """Loading bit by bit gives what knowing all gives, and each former community that is no more was loaded."""
    former = Watched(previous)
    found = arrange(graph, former, MAX_SIZE)
    assert found == arrange(graph, Whole(previous), MAX_SIZE)
    whole = [*found.communities, *all_below(Known(previous), found.kept)]
    assert {c.id for c in previous} - {c.id for c in whole} <= set(former.loaded)
    assert len(former.loaded) == len(set(former.loaded))
    return whole


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.sampled_from([3, 8, 20]))
def test_any_edits_give_what_they_give_where_all_former_communities_are_known(draw, size):
    pairs = villages(draw, size)
    now = hierarchy(network(pairs), (), MAX_SIZE)
    for _ in range(4):
        pairs = edited(draw, pairs)
        now = prove_equal(network(pairs), now)


@settings(max_examples=40)
@given(st.randoms(use_true_random=False), st.sampled_from([3, 8, 20]))
def test_former_communities_that_have_to_be_opened_give_the_same_too(draw, size):
    pairs = villages(draw, size)
    prove_equal(network(edited(draw, pairs)), nested(draw, network(pairs), MAX_SIZE))


def test_one_edge_of_a_large_network_loads_few_former_communities():
    pairs = villages(random.Random(1), 300)
    previous = hierarchy(network(pairs), (), MAX_SIZE)
    edge = ("v100h1", "v100h2")
    former = Watched(previous)
    arrange(network({**pairs, edge: pairs.get(edge, 0.0) + 1.0}), former, MAX_SIZE)
    beside = sum(c.level == 0 for c in previous)
    assert len(former.loaded) - beside < 0.03 * len(previous)


def test_an_edge_in_no_village_loads_only_the_coarsest_level():
    pairs = villages(random.Random(1), 40)
    previous = hierarchy(network(pairs), (), MAX_SIZE)
    former = Watched(previous)
    found = arrange(network({**pairs, ("x", "y"): 1.0}), former, MAX_SIZE)
    assert set(former.loaded) == {c.id for c in previous if c.level == 0} == found.kept


def test_without_a_network_every_former_community_is_loaded():
    previous = hierarchy(network(villages(random.Random(1), 20)), (), MAX_SIZE)
    former = Watched(previous)
    assert arrange(network({}), former, MAX_SIZE).communities == []
    assert sorted(former.loaded) == sorted(c.id for c in previous)


@pytest.fixture
def past() -> tuple[Network, Past, Watched]:
    graph = network(villages(random.Random(1), 20))
    former = Watched(nested(random.Random(1), graph, MAX_SIZE))
    return graph, Past(graph, former), former


def test_opening_a_frozen_community_loads_its_children_and_leaves_them_frozen(past):
    graph, known, former = past
    before = set(former.loaded)
    known.thaw([0])
    assert set(former.loaded) - before == {c.id for c in former.children([known.communities[0].id])}
    assert known.frozen.tolist() == [False] + [True] * (len(known.communities) - 1)
    opened = {graph.ids[node] for node in np.flatnonzero(known.depths == 1).tolist()}
    assert opened == set(known.communities[0].members)


def test_giving_up_a_frozen_community_loads_all_below_it_and_nothing_of_it_is_frozen(past):
    graph, known, former = past
    top, *others = former.tops()
    known.give_up(np.array([graph.ids.index(member) for member in top.members]))
    below = all_below(former, [top.id])
    assert len({c.level for c in below}) > 2
    assert {c.id for c in known.communities} == {c.id for c in (top, *others, *below)}
    assert {c.id for c, frozen in zip(known.communities, known.frozen, strict=True) if frozen} == {c.id for c in others}


def test_the_top_of_a_community_is_the_coarsest_above_it():
    communities = nested(random.Random(2), network(villages(random.Random(2), 5)), MAX_SIZE)
    above, by_id = tops(communities), {c.id: c for c in communities}
    assert all(by_id[above[c.id]].level == 0 and set(c.members) <= set(by_id[above[c.id]].members) for c in communities)
