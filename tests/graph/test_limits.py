"""What bounds the use of a server: limits, the gate, its gauges, the schedule of writers, the placement of shards."""

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from resources.errors import GraphSaturated, GraphUnavailable, SettingsError
from resources.graph.colouring import rounds, tournament
from resources.graph.limits import Limits
from resources.graph.metrics import register
from resources.graph.pool import SessionGate
from resources.graph.rendezvous import placement
from resources.graph.rows import EdgeRecord
from resources.graph.schema import check_server


def test_what_is_not_set_follows_from_the_pool():
    assert (Limits.of().max_sessions, Limits.of().max_concurrency) == (16, 8)
    small = Limits.of(pool_size=5)
    assert (small.max_sessions, small.max_concurrency) == (5, 1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"pool_size": 3}, r"graph\.neo4j\.pool_size is 3; at least 4"),
        ({"pool_size": 20, "max_concurrency": 6}, r"max_concurrency is 6; a pool of 20 allows 1 … 5 .* to 24"),
        ({"max_concurrency": 0}, r"max_concurrency is 0"),
        ({"pool_size": 10, "max_sessions": 11}, r"max_sessions is 11; a pool of 10 allows 1 … 10"),
        ({"writers": 17}, r"writers is 17; 16 sessions allow 1 … 16"),
        ({"acquire_seconds": 0}, r"acquire_seconds is 0; it must be more than 0"),
        ({"batch_size": 0}, r"batch_size is 0; it must be at least 1"),
    ],
)
def test_limits_that_cannot_hold_are_refused_with_what_is_allowed(given: dict, sentence: str):
    with pytest.raises(SettingsError, match=sentence):
        Limits.of(**given)


def test_whoever_waits_in_vain_is_told_who_asked_and_what_to_change():
    gate = SessionGate(Limits.of(pool_size=4, max_sessions=1, acquire_seconds=0.05), "mine")
    with gate.lend("first"):
        with pytest.raises(GraphSaturated) as told, gate.lend("reading 53 communities"):
            pass
        assert gate.counts().idle == 0
    for part in ("mine", "reading 53 communities", "1 of 1 in use", "pool of 4", "raise graph.neo4j.pool_size"):
        assert part in str(told.value)
    counts = gate.counts()
    assert (counts.active, counts.idle, counts.waiting, counts.acquired, counts.timed_out) == (0, 1, 0, 1, 1)


def test_never_more_sessions_than_allowed_are_lent_at_once():
    gate = SessionGate(Limits.of(max_sessions=3))

    def work() -> None:
        for _ in range(50):
            with gate.lend("work"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = gate.counts()
    assert counts.peak <= 3
    assert counts.acquired == counts.created == counts.closed == 400
    assert counts.metadata()["neo4j_pool_acquired"] == 400


def test_the_gauges_show_every_gate():
    registry = CollectorRegistry()
    collector = register(registry)
    gate, other = SessionGate(Limits.of(max_sessions=4), "a"), SessionGate(Limits.of(max_sessions=2), "b")
    collector.watch(gate)
    collector.watch(other)
    with gate.lend("work"):
        assert registry.get_sample_value("neo4j_pool_active", {"store": "a"}) == 1
        assert registry.get_sample_value("neo4j_pool_idle", {"store": "a"}) == 3
        assert registry.get_sample_value("neo4j_pool_idle", {"store": "b"}) == 2
    assert registry.get_sample_value("neo4j_pool_closed", {"store": "a"}) == 1
    for name in ("waiting", "acquired", "timed_out", "created", "peak"):
        assert registry.get_sample_value(f"neo4j_pool_{name}", {"store": "a"}) is not None


@pytest.mark.parametrize("groups", [2, 4, 8, 16])
def test_a_tournament_plays_every_pair_once_and_no_group_twice_a_round(groups: int):
    played: Counter[tuple[int, int]] = Counter()
    for pairs in tournament(groups):
        assert len({group for pair in pairs for group in set(pair)}) == sum(len(set(pair)) for pair in pairs)
        played.update(pairs)
    assert set(played.values()) == {1}
    assert len(played) == groups * (groups + 1) // 2


@given(
    ends=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=120),
    writers=st.integers(1, 4),
    size=st.integers(1, 20),
)
def test_the_lists_of_a_round_share_no_node_and_every_edge_is_written_once(
    ends: list[tuple[int, int]], writers: int, size: int
):
    records = [EdgeRecord(str(i), f"n{a}", f"n{b}", 1.0, "") for i, (a, b) in enumerate(ends)]
    seen: list[str] = []
    for lists in rounds(records, writers, size):
        assert len(lists) <= 2 * writers
        nodes = [{end for record in part for end in (record.source, record.target)} for part in lists]
        assert sum(map(len, nodes)) == len(set().union(*nodes))
        assert all(0 < len(part) <= size for part in lists)
        seen += [record.id for part in lists for record in part]
    assert sorted(seen) == sorted(record.id for record in records)


def test_shards_are_placed_by_capacity():
    places = Counter(placement({"small": 1.0, "large": 3.0}, shards=4_000))
    assert 0.70 < places["large"] / 4_000 < 0.80


def test_a_new_server_takes_its_share_and_moves_nothing_else():
    before = placement({"a": 1.0, "b": 1.0}, shards=4_000)
    after = placement({"c": 1.0, "b": 1.0, "a": 1.0}, shards=4_000)
    moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert {new for _, new in moved} == {"c"}
    assert 0.28 < len(moved) / 4_000 < 0.39


@pytest.mark.parametrize("agent", ["Neo4j/4.4.30", "Neo4j/5.25.1", "Memgraph", ""])
def test_an_old_server_is_refused(agent: str):
    with pytest.raises(GraphUnavailable, match=r"needs Neo4j 5\.26 or newer"):
        check_server(agent, "bolt://here")


@pytest.mark.parametrize(("agent", "version"), [("Neo4j/5.26.30", "5.26.30"), ("Neo4j/2026.08.1", "2026.08.1")])
def test_a_new_enough_server_is_taken(agent: str, version: str):
    assert check_server(agent, "bolt://here") == version
