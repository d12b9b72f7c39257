"""Communities are a valid nested partition that changes only where the relationships changed."""

import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.communities import World, corpus, kept, modularity, touched
from knowledge.communities import hierarchy
from knowledge.community import Community
from knowledge.identity import named
from knowledge.network import Network

Pairs = dict[tuple[str, str], float]


def network(pairs: Pairs) -> Network:
    return Network.of([a for a, _ in pairs], [b for _, b in pairs], list(pairs.values()))


def clique(names: list[str]) -> Pairs:
    return {(a, b): 1.0 for i, a in enumerate(names) for b in names[i + 1 :]}


def ring(cliques: int, size: int = 6) -> Pairs:
    """Cliques of nodes `c00n0` …, each tied to the next by one edge."""
    pairs: Pairs = {}
    for c in range(cliques):
        pairs |= clique([f"c{c:02}n{i}" for i in range(size)])
        pairs[f"c{c:02}n0", f"c{(c + 1) % cliques:02}n1"] = 1.0
    return pairs


def prove_valid(communities: list[Community], graph: Network, max_size: int) -> None:
    """Every node once at the top, children share out their parent's members, ids are unique."""
    by_id = {c.id: c for c in communities}
    assert len(by_id) == len(communities)
    children = defaultdict(list)
    for c in communities:
        assert list(c.members) == sorted(set(c.members))
        if c.parent is None:
            assert c.level == 0
        else:
            assert c.level == by_id[c.parent].level + 1
            children[c.parent].append(c)
    assert sorted(m for c in communities if c.level == 0 for m in c.members) == list(graph.ids)
    for parent, below in children.items():
        assert len(below) > 1
        assert len(by_id[parent].members) > max_size
        assert sorted(m for c in below for m in c.members) == list(by_id[parent].members)


nodes = st.sampled_from([f"n{i:02}" for i in range(24)])
graphs = st.dictionaries(
    st.tuples(nodes, nodes).filter(lambda pair: pair[0] < pair[1]), st.floats(0.1, 10), max_size=60
)


@settings(max_examples=60, deadline=None)
@given(st.lists(graphs, min_size=1, max_size=4), st.sampled_from([2, 3, 5, 10]))
def test_any_sequence_of_networks_gives_valid_nested_partitions(sequence, max_size):
    previous: list[Community] = []
    for pairs in sequence:
        graph = network(pairs)
        previous = hierarchy(graph, previous, max_size)
        prove_valid(previous, graph, max_size)
        assert all(len(c.members) > 1 for c in previous if c.level == 0)


@settings(max_examples=40, deadline=None)
@given(graphs, st.data())
def test_small_changes_to_any_network_keep_it_valid_and_freeze_what_is_far(pairs, data):
    communities = hierarchy(network(pairs), (), 3)
    for _ in range(3):
        pairs = dict(pairs)
        changed = data.draw(st.tuples(nodes, nodes).filter(lambda pair: pair[0] < pair[1]))
        pairs[changed] = pairs.get(changed, 0.0) + 1.0
        graph, before = network(pairs), communities
        communities = hierarchy(graph, before, 3)
        prove_valid(communities, graph, 3)
        assert hierarchy(graph, communities, 3) == communities


@settings(max_examples=40, deadline=None)
@given(graphs, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_former_communities_does_not_matter(pairs, shuffler):
    former = hierarchy(network(dict.fromkeys(list(pairs)[::2], 1.0)), (), 3)
    rows = [(b, a, w) if shuffler.random() < 0.5 else (a, b, w) for (a, b), w in pairs.items()]
    shuffler.shuffle(rows)
    shuffled = shuffler.sample(former, len(former))
    other = Network.of([a for a, _, _ in rows], [b for _, b, _ in rows], [w for _, _, w in rows])
    assert hierarchy(other, shuffled, 3) == hierarchy(network(pairs), former, 3)


def test_no_relationships_give_no_communities():
    assert hierarchy(network({})) == []
    assert hierarchy(network({}), hierarchy(network(ring(4)))) == []


def test_every_clique_of_a_ring_is_found_and_none_is_torn():
    communities = hierarchy(network(ring(12)))
    parents = {c.parent for c in communities}
    leaves = [c for c in communities if c.id not in parents]
    assert sorted(len({m[:3] for m in c.members}) for c in leaves) == [1] * 12


def test_components_of_their_own_are_communities_too():
    communities = hierarchy(network({**ring(5), ("lone1", "lone2"): 1.0}))
    assert ("lone1", "lone2") in [c.members for c in communities if c.level == 0]


def test_a_new_component_leaves_all_others_as_they_were():
    before = hierarchy(network(ring(12)))
    after = hierarchy(network({**ring(12), **clique(["x1", "x2", "x3"])}), before)
    assert [c for c in after if c.members != ("x1", "x2", "x3")] == before


def test_a_change_in_one_clique_leaves_the_other_cliques_as_they_were():
    before = hierarchy(network(ring(12)))
    after = hierarchy(network({**ring(12), ("c04n2", "c04n3"): 5.0}), before)
    mine = {c.id for c in before if "c04n2" in c.members}
    assert [c for c in after if c.id not in mine] == [c for c in before if c.id not in mine]
    assert {c.id for c in after} == {c.id for c in before}


def test_a_community_keeps_its_id_when_a_member_joins_or_leaves():
    grown = {**ring(12), ("c04n2", "newcomer"): 2.0, ("c04n3", "newcomer"): 2.0}
    before = hierarchy(network(ring(12)))
    after = hierarchy(network(grown), before)
    again = hierarchy(network(ring(12)), after)
    for communities in (after, again):
        assert {c.id for c in communities} == {c.id for c in before}
    assert [c.members for c in again] == [c.members for c in before]


def test_a_community_that_grows_too_large_is_divided_and_keeps_its_id():
    pairs = ring(40, size=3)
    before = hierarchy(network(pairs), (), 9)
    whole = next(c for c in before if len(c.members) == 9)
    grown = {**pairs, (whole.members[0], "x1"): 1.0, (whole.members[0], "x2"): 1.0, ("x1", "x2"): 1.0}
    after = hierarchy(network(grown), before, 9)
    prove_valid(after, network(grown), 9)
    (same,) = [c for c in after if c.id == whole.id]
    assert {*whole.members, "x1", "x2"} == set(same.members)
    assert len([c for c in after if c.parent == same.id]) > 1


@pytest.mark.parametrize("documents", [60, 200])
def test_editing_one_document_keeps_the_communities_without_a_touched_entity(documents):
    draw, versions, shares = random.Random(1), {}, []
    world = World.of(corpus(documents))
    now = hierarchy(world.network())
    for _ in range(20):
        i = draw.randrange(documents)
        versions[i] = versions.get(i, 0) + 1
        after = World.of(corpus(documents, versions))
        then, now = now, hierarchy(after.network(), now)
        prove_valid(now, after.network(), 10)
        shares.append(kept(then, now, touched(world, after)))
        world = after
    assert sum(shares) / len(shares) >= 0.9
    assert modularity(world.network(), now) >= 0.95 * modularity(world.network(), hierarchy(world.network()))


def test_an_index_grown_document_by_document_is_clustered_about_as_well_as_one_built_at_once():
    documents, now = corpus(120), list[Community]()
    for end in range(5, 121, 5):
        graph = World.of(documents[:end]).network()
        now = hierarchy(graph, now)
    prove_valid(now, graph, 10)
    assert modularity(graph, now) >= 0.95 * modularity(graph, hierarchy(graph))


def test_another_process_finds_the_same_communities():
    script = (
        "from benchmarks.communities import *\n"
        "first = hierarchy(World.of(corpus(60)).network())\n"
        "print(fingerprint(repr(hierarchy(World.of(corpus(60, {3: 1, 40: 1})).network(), first))))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def nobody(ids: Collection[str]) -> Collection[str]:
    """No community has any of these ids."""
    return ()


def test_an_id_is_never_given_twice():
    members = ("a", "b", "c")
    (first,) = named(0, [members], {}, nobody)
    (second,) = named(0, [members], {}, {first}.intersection)
    (third,) = named(0, [members], {}, {first, second}.intersection)
    assert len({first, second, third}) == 3


def test_of_two_parts_the_one_that_shares_most_keeps_the_id():
    former = {"old": ("a", "b", "c", "d", "e")}
    ids = named(0, [("a", "b"), ("c", "d", "e")], former, nobody)
    assert ids[1] == "old"
    assert ids[0] != "old"


def test_a_group_that_shares_less_than_half_gets_an_id_of_its_own():
    assert named(0, [("a", "x", "y")], {"old": ("a", "b")}, nobody) != ["old"]


def test_two_equal_halves_get_one_old_id_between_them():
    ids = named(0, [("a", "b"), ("c", "d")], {"old": ("a", "b", "c", "d")}, nobody)
    assert ids[0] == "old"
    assert ids[1] != "old"


def test_ids_of_levels_differ_for_the_same_members():
    assert named(0, [("a", "b")], {}, nobody) != named(1, [("a", "b")], {}, nobody)
