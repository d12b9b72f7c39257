"""What waits for a stage, what was taken, and what a batch at work will put there."""

import pytest

from resources.catalog.stages import Commit
from tests.catalog.listings import BrokenOff, break_off


def test_a_unit_waits_once_however_often_it_is_touched(catalog):
    for _ in range(2):
        catalog.queues.touch("entities", {"g01": ["b", "a", "b"], "g00": ["c"], "g02": []})
    assert list(catalog.queues.take("entities")) == ["a", "b", "c"]
    assert list(catalog.queues.take("entities", "g01")) == ["a", "b"]
    assert catalog.queues.lengths() == {("entities", "g00"): 1, ("entities", "g01"): 2}


def test_what_is_done_leaves_its_own_queue_only(catalog):
    catalog.queues.touch("entities", {"g00": ["a", "b"]})
    catalog.queues.touch("communities", {"graph": ["a"]})
    catalog.queues.done("entities", {"a": 1, "never": 0})
    catalog.queues.done("entities", {})
    assert catalog.queues.lengths() == {("entities", "g00"): 1, ("communities", "graph"): 1}


def test_a_unit_that_is_touched_while_a_stage_works_on_it_stays_in_the_queue(catalog):
    queues = catalog.queues
    queues.touch("entities", {"g00": ["a", "b"]})
    taken = queues.take("entities", "g00")
    assert taken == {"a": 1, "b": 1}
    queues.touch("entities", {"g00": ["a", "c"]})
    queues.done("entities", taken)
    assert queues.take("entities") == {"a": 2, "c": 1}
    queues.done("entities", queues.take("entities"))
    assert queues.lengths() == {}


def test_what_one_commit_touched_is_taken_together(catalog):
    queues = catalog.queues
    queues.intend("docs", {("entities", "g00"): ["a"], ("entities", "g01"): ["b"], ("relationships", "g00"): ["ab"]})
    catalog.stages.commit(Commit("extractions", "docs", touched={"projection": ["d1"], "lookup": ["d1"]}))
    queues.touch("entities", {"g01": ["b"]})
    assert queues.take_together("entities", "projection", "communities") == {
        "entities": {"g00": {"a": 1}, "g01": {"b": 2}},
        "projection": {"docs": {"d1": 1}},
        "communities": {},
    }


def test_what_is_intended_enters_the_queue_with_the_commit_of_its_partition(catalog):
    queues = catalog.queues
    queues.touch("entities", {"g00": ["a"]})
    taken = queues.take("entities")
    queues.intend("docs", {("entities", "g00"): ["a", "b", "b"], ("projection", "docs"): ["d1"]})
    queues.intend("docs", {("entities", "g00"): ["b"]})
    queues.intend("other", {("entities", "g01"): ["z"]})
    assert queues.lengths() == {("entities", "g00"): 1}
    assert queues.awaited("entities", "projection") == {"a", "b", "d1", "z"}
    assert catalog.generations.moved_since(catalog.generations.current())
    catalog.stages.commit(Commit("extractions", "docs"))
    queues.done("entities", taken)  # it was touched since
    assert queues.take("entities") == {"a": 2, "b": 1}
    assert list(queues.take("projection", "docs")) == ["d1"]
    catalog.stages.commit(Commit("chunks", "docs"))
    assert queues.take("entities") == {"a": 2, "b": 1}
    assert queues.origins() == {"other"}
    queues.enter("docs")
    assert queues.origins() == {"other"}
    queues.enter("other")
    catalog.stages.commit(Commit("extractions", "other", advance=True))
    assert queues.origins() == set()
    assert list(queues.take("entities", "g01")) == ["z"]
    assert catalog.generations.moved_since(0)
    assert not catalog.generations.moved_since(1)


def test_handing_over_is_part_of_the_callers_transaction(catalog):
    catalog.queues.touch("lookup", {"handbook": ["d1", "d2"]})
    with pytest.raises(BrokenOff):
        break_off(
            catalog, lambda c: catalog.queues.hand_over(c, "lookup", {"d1": 1}, "lookup_chunks", {"graph": ["c1"]})
        )
    assert catalog.queues.lengths() == {("lookup", "handbook"): 2}
    with catalog.database.begin() as connection:
        catalog.queues.hand_over(connection, "lookup", {"d1": 1}, "lookup_chunks", {"graph": ["c1", "c2"]})
    assert catalog.queues.lengths() == {("lookup", "handbook"): 1, ("lookup_chunks", "graph"): 2}
