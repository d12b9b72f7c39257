"""What each stage has done: marks, signatures, rows, all of a batch or nothing."""

import pytest
import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.stages import Commit, Stage
from resources.errors import CatalogUnavailable
from tests.catalog.listings import SOURCE, apply, ids, upsert


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
    catalog.queues.touch("chunks", {SOURCE: [document, "waits"]})
    stages.commit(
        Commit(
            "chunks", SOURCE, marks={document: "f"}, done=[document], changes=catalog.items.pending(SOURCE),
            touched={"embeddings": [document, document], "extractions": {document}, "projection": []}, advance=True,
        )
    )  # fmt: skip
    assert list(catalog.queues.take("chunks")) == ["waits"]
    assert catalog.queues.lengths() == {("chunks", SOURCE): 1, ("embeddings", SOURCE): 1, ("extractions", SOURCE): 1}
    assert catalog.items.waiting() == {}
    assert catalog.generations.current() == 1


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
    assert fresh_catalog.queues.lengths() == {("chunks", SOURCE): 1}
    assert fresh_catalog.items.pending(SOURCE) == waiting


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
    catalog.queues.touch("entities", {"g00": units[:6_000]})
    assert list(catalog.queues.take("entities")) == units[:6_000]
    stages.commit(Commit("entities", "g00", marks=dict.fromkeys(units[:500], "f"), done=units, dropped=units[400:]))
    assert catalog.queues.lengths() == {}
    assert stages.marks("entities", units=units) == dict.fromkeys(units[:400], "f")
    assert not any(stages.marks_of("entities", units).values())
    assert catalog.items.documents(units) == []
    assert catalog.items.known(SOURCE, "").by_ref(units) == {}
    assert catalog.letters.find("entities", units) == []
    assert catalog.names.known(units) == set()
    catalog.items.purge(units)
    catalog.items.again(units, "retry")
    catalog.letters.clear("entities", units)
