"""Phrases, compaction, indexes and several processes: a content table on a real LanceDB folder over its life."""

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from resources import schemas, table
from tests.resources.chunk_rows import indexed, opened, rows_of, shown, write_some

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def tables(tmp_path):
    return opened(tmp_path)


# -- phrases


def test_a_phrase_is_found_word_for_word_also_of_stop_words_and_before_any_compaction(tables):
    texts = {"a": "the who played", "b": "who the", "c": "it", "d": "northwind cargo ltd", "e": "cargo northwind"}
    tables.chunks.upsert(rows_of(tables, *((i, "d", text) for i, text in texts.items())))
    for step in ("just written", "compacted"):
        for phrases, ids in (
            (["the who"], ["a"]), (["it"], ["c"]), (["northwind cargo"], ["d"]), (["north"], []), ([" "], []),
            (["it", "cargo"], ["c", "d", "e"]),
        ):  # fmt: skip
            found = tables.chunks.holding(phrases, ("id",))
            assert sorted(found["id"].to_pylist()) == ids, (step, phrases)
            assert found.column_names == ["id"]
        tables.chunks.compact()


def test_a_phrase_is_not_found_in_rows_that_were_replaced_or_deleted(tables):
    tables.chunks.replace(["d1", "d2"], rows_of(tables, ("a", "d1", "northwind cargo"), ("b", "d2", "northwind cargo")))
    tables.chunks.compact()
    tables.chunks.replace(["d1"], rows_of(tables, ("a", "d1", "southwind cargo")))
    tables.chunks.delete(["d2"])
    assert tables.chunks.holding(["northwind cargo"], ("id",)).num_rows == 0
    assert tables.chunks.holding(["southwind cargo"], ("id",))["id"].to_pylist() == ["a"]


def test_more_phrases_than_fit_one_query_find_each_row_of_each_query(tables):
    tables.chunks.upsert(rows_of(tables, *((f"c{n}", "d", f"word{n} end") for n in range(table.PHRASES + 20))))
    found = tables.chunks.holding([f"word{n} end" for n in range(table.PHRASES + 20)], ("id",))
    assert len(set(found["id"].to_pylist())) == table.PHRASES + 20


def test_a_table_whose_maker_was_killed_before_it_was_indexed_is_indexed_when_it_is_opened(tables, tmp_path):
    import lancedb

    plain = lancedb.connect(str(tmp_path / "index")).create_table("chunks", schema=tables.chunks.schema)
    plain.add(rows_of(tables, ("a", "d1", "the who played"), ("b", "d1", "who the")))
    assert tables.chunks.holding(["the who"], ("id",))["id"].to_pylist() == ["a"]
    assert indexed(tables.chunks) == {"words"}


# -- maintenance


def test_compaction_merges_files_and_keeps_every_row(tables):
    for n in range(6):
        tables.chunks.upsert(rows_of(tables, (f"c{n}", "d", f"text {n}")))
    before = shown(tables)
    tables.chunks.compact()
    assert shown(tables) == before
    assert tables.chunks.lance.stats()["fragment_stats"]["num_fragments"] == 1


def test_a_table_is_compacted_after_every_so_many_commits_and_not_in_between(tables, monkeypatch):
    chunks, compacted = tables.chunks, []
    compact = chunks.compact
    monkeypatch.setattr(chunks, "compact", lambda: (compacted.append(chunks.commits), compact()))
    for n in range(2 * table.OPTIMIZE_EVERY + 2):
        chunks.upsert(rows_of(tables, (f"c{n}", "d", "x")))
        chunks.maintain()
        chunks.maintain()
    # a compaction is a few commits itself
    assert len(compacted) in (2, 3)
    assert all(b - a > table.OPTIMIZE_EVERY // 2 for a, b in pairwise(compacted))


def test_the_key_columns_of_a_large_table_are_indexed(tables, monkeypatch):
    monkeypatch.setattr(table, "INDEX_FROM", 100)
    tables.chunks.upsert(rows_of(tables, *((f"c{n}", f"d{n}", "x") for n in range(99))))
    tables.chunks.maintain()
    assert indexed(tables.chunks) == {"words"}
    tables.chunks.upsert(rows_of(tables, ("it's", "d", "x")))
    tables.chunks.maintain()
    assert indexed(tables.chunks) == {"words", "id", "document_id"}
    tables.chunks.upsert(rows_of(tables, ("later", "d", "y")))
    assert sorted(tables.chunks.by("id", ["it's", "later", "c7"], ("id",))["id"].to_pylist()) == ["c7", "it's", "later"]


def test_vectors_and_what_trims_a_search_are_indexed_where_there_are_many(tables, monkeypatch):
    monkeypatch.setattr(table, "VECTORS_FROM", 600)
    passages = tables.embeddings("m", 4)
    blank = dict.fromkeys(passages.schema.names) | {"document_id": "d", "heading_path": [], "acl_id": "a"}
    rows = [
        blank | {"chunk_id": f"c{n}", "source": f"s{n % 3}", "vector": [float(n % 7 + 1), float(n % 11), 1.0, n / 600]}
        for n in range(600)
    ]
    passages.upsert(passages.arrow(rows[:599]))
    passages.maintain()
    assert indexed(passages).isdisjoint({"vector", "source", "acl_id"})
    passages.upsert(passages.arrow(rows[599:]))
    passages.maintain()
    assert indexed(passages) >= {"vector", "source", "acl_id"}
    asked = rows[321]
    near = passages.lance.search(asked["vector"]).distance_type("cosine").where("source = 's0'").limit(1).to_list()
    assert near[0]["chunk_id"] == asked["chunk_id"]


def test_every_table_on_disk_can_be_maintained_by_a_process_that_opened_none(tables, tmp_path):
    tables.chunks.upsert(rows_of(tables, ("a", "d1", "one")))
    one = tables.embeddings("m", 4)
    row = dict.fromkeys(one.schema.names) | {
        "chunk_id": "a",
        "document_id": "d",
        "heading_path": [],
        "vector": [0.5] * 4,
    }
    one.upsert(one.arrow([row]))
    another = opened(tmp_path)
    found = another.stored()
    assert {t.name: t.spec for t in found} == {"chunks": schemas.CHUNKS, "embeddings_m": schemas.EMBEDDINGS}
    for each in found:
        each.compact()
        assert each.count() == 1
    again = another.embeddings("m", 4)
    again.upsert(again.arrow([row | {"chunk_id": "b"}]))
    assert another.embeddings("m", 4).count() == 2


def test_a_dropped_table_is_gone_and_can_be_made_anew(tables):
    tables.chunks.upsert(rows_of(tables, ("a", "d1", "one")))
    tables.drop("chunks")
    assert tables.names() == []
    assert tables.chunks.count() == 0
    tables.chunks.upsert(rows_of(tables, ("b", "d1", "two")))
    assert shown(tables) == {"b": "two"}


# -- several processes


WRITER = """
import sys
from pathlib import Path
from tests.resources.chunk_rows import opened, write_some
write_some(opened(Path(sys.argv[1])), "a")
"""


def test_two_processes_that_write_one_new_table_both_succeed(tables, tmp_path):
    other = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], cwd=REPOSITORY)
    while not tables.chunks.exists() and other.poll() is None:
        time.sleep(0.01)  # it takes a while to start
    write_some(tables, "b")
    assert other.wait(timeout=120) == 0
    left = shown(tables)
    assert left.pop("both") in ("a", "b")
    assert left == {f"{name}{n}": name for name in ("a", "b") for n in range(6)}


def test_a_reader_sees_what_another_handle_committed_and_writes_on_top_of_it(tables, tmp_path):
    other = opened(tmp_path)
    tables.chunks.upsert(rows_of(tables, ("a", "d1", "one")))
    assert shown(other) == {"a": "one"}
    tables.chunks.upsert(rows_of(tables, ("b", "d1", "two")))
    assert other.chunks.count() == 2
    assert other.chunks.by("id", ["b"]).num_rows == 1
    assert other.chunks.holding(["two"], ("id",)).num_rows == 1
    other.chunks.replace(["d1"], rows_of(other, ("c", "d1", "three")))
    assert shown(tables) == {"c": "three"}
    tables.chunks.compact()
    assert shown(other) == {"c": "three"}
