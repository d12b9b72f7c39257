"""What each stage has done and has to do: marks, queues, generations, all of a batch or nothing."""

import pytest
import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.stages import Commit, Stage
from resources.errors import CatalogUnavailable
from tests.catalog.listings import SOURCE, BrokenOff, apply, break_off, ids, upsert


def test_marks_are_read_by_stage_partition_and_unit(catalog):
    stages = catalog.stages
    stages.commit(Commit("chunks", "a", marks={"d1": "f1", "d2": "f2"}))
    stages.commit(Commit("chunks", "b", marks={"d3": "f3"}))
    stages.commit(Commit("embeddings", "a", marks={"d1": "other"}))
    assert stages.marks("chunks") == {"d1": "f1", "d2": "f2", "d3": "f3"}
    assert stages.marks("chunks", "a") == {"d1": "f1", "d2": "f2"}
    assert stages.marks("chunks", units=["d3", "d1", "never"]) == {"d1": "f1", "d3": "f3"}
    assert stages.marks("chunks", units=[]) == {}
    assert (stages.count("chunks"), stages.count("chunks", "a"), stages.count("nothing")) == (3, 2, 0)


def test_a_mark_is_overwritten_and_dropped(catalog):
    catalog.stages.commit(Commit("chunks", "a", marks={"d1": "f1", "d2": "f2"}))
    catalog.stages.commit(Commit("chunks", "a", marks={"d1": "newer"}, dropped=["d2", "never"]))
    assert catalog.stages.marks("chunks") == {"d1": "newer"}


def test_units_are_found_by_their_parent(catalog):
    parents = {"c1": "d1", "c2": "d1", "c3": "d2"}
    catalog.stages.commit(Commit("extractions", "a", marks=dict.fromkeys(parents, "f"), parents=parents))
    catalog.stages.commit(Commit("other", "a", marks={"c9": "f"}, parents={"c9": "d1"}))
    assert catalog.stages.marks_of("extractions", ["d1", "d7"]) == {"d1": {"c1": "f", "c2": "f"}, "d7": {}}


def test_the_roots_are_the_documents_with_or_without_parents(catalog):
    catalog.stages.commit(Commit("chunks", "a", marks={"d1": "f"}))
    catalog.stages.commit(Commit("extractions", "a", marks={"c1": "f", "c2": "f"}, parents={"c1": "d1", "c2": "d1"}))
    catalog.stages.commit(Commit("extractions", "b", marks={"c3": "f"}, parents={"c3": "d2"}))
    assert catalog.stages.roots("chunks", "a") == {"d1"}
    assert catalog.stages.roots("extractions", "a") == {"d1"}


def test_a_batch_is_marked_taken_from_its_queue_and_handed_down_at_once(catalog):
    stages = catalog.stages
    apply(catalog, upsert("a.md"))
    (document,) = ids(catalog).values()
    stages.touch("chunks", {SOURCE: [document, "waits"]})
    stages.commit(
        Commit(
            "chunks", SOURCE, marks={document: "f"}, done=[document], changes=catalog.items.pending(SOURCE),
            touched={"embeddings": [document, document], "extractions": {document}, "projection": []}, advance=True,
        )
    )  # fmt: skip
    assert stages.queued("chunks") == ["waits"]
    assert stages.queues() == {("chunks", SOURCE): 1, ("embeddings", SOURCE): 1, ("extractions", SOURCE): 1}
    assert catalog.items.waiting() == {}
    assert stages.generation() == 1


def test_a_failure_in_the_middle_of_a_batch_leaves_nothing_of_it(fresh_catalog):
    stages = fresh_catalog.stages
    apply(fresh_catalog, upsert("a.md"))
    stages.commit(Commit("chunks", SOURCE, marks={"d1": "old"}, touched={"chunks": ["d1"]}))
    waiting = fresh_catalog.items.pending(SOURCE)
    with fresh_catalog.database.begin() as connection:
        schema.meta.drop(connection)  # where the generation, the last of it, is kept
    with pytest.raises((CatalogUnavailable, sa.exc.DatabaseError)):
        stages.commit(
            Commit(
                "chunks", SOURCE, marks={"d1": "new", "d2": "new"}, done=["d1"], touched={"embeddings": ["d1"]},
                changes=waiting, advance=True,
            )
        )  # fmt: skip
    assert stages.marks("chunks") == {"d1": "old"}
    assert stages.queues() == {("chunks", SOURCE): 1}
    assert fresh_catalog.items.pending(SOURCE) == waiting


def test_a_unit_waits_once_however_often_it_is_touched(catalog):
    for _ in range(2):
        catalog.stages.touch("entities", {"g01": ["b", "a", "b"], "g00": ["c"], "g02": []})
    assert catalog.stages.queued("entities") == ["a", "b", "c"]
    assert catalog.stages.queued("entities", "g01") == ["a", "b"]
    assert catalog.stages.queues() == {("entities", "g00"): 1, ("entities", "g01"): 2}


def test_what_is_done_leaves_its_own_queue_only(catalog):
    catalog.stages.touch("entities", {"g00": ["a", "b"]})
    catalog.stages.touch("communities", {"graph": ["a"]})
    catalog.stages.done("entities", {"a": 1, "never": 0})
    catalog.stages.done("entities", {})
    assert catalog.stages.queues() == {("entities", "g00"): 1, ("communities", "graph"): 1}


def test_a_unit_that_is_touched_while_a_stage_works_on_it_stays_in_the_queue(catalog):
    stages = catalog.stages
    stages.touch("entities", {"g00": ["a", "b"]})
    taken = stages.take("entities", "g00")
    assert taken == {"a": 1, "b": 1}
    stages.touch("entities", {"g00": ["a", "c"]})
    stages.done("entities", taken)
    assert stages.take("entities") == {"a": 2, "c": 1}
    stages.done("entities", stages.take("entities"))
    assert stages.queues() == {}


def test_what_one_commit_touched_is_taken_together(catalog):
    stages = catalog.stages
    stages.intend("docs", {("entities", "g00"): ["a"], ("entities", "g01"): ["b"], ("relationships", "g00"): ["ab"]})
    stages.commit(Commit("extractions", "docs", touched={"projection": ["d1"], "lookup": ["d1"]}))
    stages.touch("entities", {"g01": ["b"]})
    assert stages.take_together("entities", "projection", "communities") == {
        "entities": {"g00": {"a": 1}, "g01": {"b": 2}},
        "projection": {"docs": {"d1": 1}},
        "communities": {},
    }


def test_what_is_intended_enters_the_queue_with_the_commit_of_its_partition(catalog):
    stages = catalog.stages
    stages.touch("entities", {"g00": ["a"]})
    taken = stages.take("entities")
    stages.intend("docs", {("entities", "g00"): ["a", "b", "b"], ("projection", "docs"): ["d1"]})
    stages.intend("docs", {("entities", "g00"): ["b"]})
    stages.intend("other", {("entities", "g01"): ["z"]})
    assert stages.queues() == {("entities", "g00"): 1}
    assert stages.awaited("entities", "projection") == {"a", "b", "d1", "z"}
    assert stages.moved_since(stages.generation())
    stages.commit(Commit("extractions", "docs"))
    stages.done("entities", taken)  # it was touched since
    assert stages.take("entities") == {"a": 2, "b": 1}
    assert stages.queued("projection", "docs") == ["d1"]
    stages.commit(Commit("chunks", "docs"))
    assert stages.take("entities") == {"a": 2, "b": 1}
    assert stages.origins() == {"other"}
    stages.enter_intents("docs")
    assert stages.origins() == {"other"}
    stages.enter_intents("other")
    stages.commit(Commit("extractions", "other", advance=True))
    assert stages.origins() == set()
    assert stages.queued("entities", "g01") == ["z"]
    assert stages.moved_since(0)
    assert not stages.moved_since(1)


def test_handing_over_is_part_of_the_callers_transaction(catalog):
    catalog.stages.touch("lookup", {"handbook": ["d1", "d2"]})
    with pytest.raises(BrokenOff):
        break_off(
            catalog, lambda c: catalog.stages.hand_over(c, "lookup", {"d1": 1}, "lookup_chunks", {"graph": ["c1"]})
        )
    assert catalog.stages.queues() == {("lookup", "handbook"): 2}
    with catalog.database.begin() as connection:
        catalog.stages.hand_over(connection, "lookup", {"d1": 1}, "lookup_chunks", {"graph": ["c1", "c2"]})
    assert catalog.stages.queues() == {("lookup", "handbook"): 1, ("lookup_chunks", "graph"): 2}


def test_the_generation_grows_with_each_batch_that_changed_rows(catalog):
    assert catalog.stages.generation() == 0
    for advance in (True, False, True):
        catalog.stages.commit(Commit("chunks", "a", advance=advance))
    assert catalog.stages.generation() == 2


def test_the_graph_is_behind_until_it_has_caught_up_with_the_last_batch(catalog):
    stages = catalog.stages
    assert stages.behind() is None
    stages.commit(Commit("chunks", "a", advance=True))
    seen = stages.generation()
    stages.commit(Commit("chunks", "a", advance=True))
    stages.caught_up(seen)
    quiet, late = stages.behind()
    assert 0 <= quiet <= late
    stages.caught_up(stages.generation())
    assert stages.behind() is None


def test_a_stage_is_known_by_its_signature_generation_and_completeness(catalog):
    stages = catalog.stages
    assert stages.stage("chunks", "a") == Stage()
    stages.set_stage("chunks", "a", Stage("code 1", 3, False))
    stages.set_stage("chunks", "a", Stage("code 1", 4, True))
    stages.set_stage("chunks", "b", Stage("code 2", 1, True))
    assert stages.stage("chunks", "a") == Stage("code 1", 4, True)
    assert stages.stages() == {("chunks", "a"): Stage("code 1", 4, True), ("chunks", "b"): Stage("code 2", 1, True)}


def test_rows_of_an_asset_are_summed_over_its_partitions(catalog):
    catalog.stages.put_rows("chunks", {"a": 3, "b": 4})
    catalog.stages.put_rows("chunks", {"b": 10})
    catalog.stages.put_rows("documents", {"a": 1})
    assert (catalog.stages.rows("chunks"), catalog.stages.rows("nothing")) == (13, 0)


def test_a_check_reads_what_its_own_run_touched(catalog):
    catalog.stages.record_touched("run 1", "chunks", ["b", "a", "b"])
    assert catalog.stages.touched("run 1", "chunks") == ["a", "b"]
    catalog.stages.record_touched("run 2", "chunks", ["c"])
    assert catalog.stages.touched("run 2", "chunks") == ["c"]
    assert catalog.stages.touched("run 1", "chunks") == ["a", "b"]
    assert catalog.stages.touched("run 2", "documents") == []


def test_fifty_thousand_units_wait_are_marked_and_are_done(catalog):
    units = [f"unit {n:05d}" for n in range(50_000)]
    stages = catalog.stages
    stages.touch("entities", {"g00": units[:6_000]})
    assert stages.queued("entities") == units[:6_000]
    stages.commit(Commit("entities", "g00", marks=dict.fromkeys(units[:500], "f"), done=units, dropped=units[400:]))
    assert stages.queues() == {}
    assert stages.marks("entities", units=units) == dict.fromkeys(units[:400], "f")
    assert not any(stages.marks_of("entities", units).values())
    assert catalog.items.documents(units) == []
    assert catalog.items.known(SOURCE, "").by_ref(units) == {}
    assert catalog.letters.find("entities", units) == []
    assert catalog.names.known(units) == set()
    catalog.items.purge(units)
    catalog.items.again(units, "retry")
    catalog.letters.clear("entities", units)
