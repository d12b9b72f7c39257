"""A content table on a real LanceDB folder: replaced in groups, read by key, one writer at a time."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from resources import schemas, table
from resources.tables import Tables, is_in

REPOSITORY = Path(__file__).resolve().parents[2]
AWKWARD = ["it's", 'a "b"', "back\\slash", "100%_", "漢字🚢", "a,b) OR (1=1", "''", "line\nbreak", " "]


@pytest.fixture
def tables(tmp_path):
    return opened(tmp_path)


def opened(folder: Path) -> Tables:
    return Tables(str(folder / "index"), folder / "locks")


def rows_of(tables, *triples, **given):
    """Chunks (id, document, text); every other column has some value."""
    empty = {
        "partition": "notes", "ordinal": 0, "title": "t", "heading_path": [], "char_start": 0, "char_end": 1,
        "tokens": 1, "language": "en", "fingerprint": "f",
    }  # fmt: skip
    return tables.chunks.arrow(
        [empty | {"id": i, "document_id": d, "text": text, "words": text.lower()} | given for i, d, text in triples]
    )


def shown(tables, where=None):
    """{id: text} of the chunks."""
    return {row["id"]: row["text"] for row in tables.chunks.read(where, ("id", "text")).to_pylist()}


# -- writing


def test_a_table_that_was_never_written_is_empty_and_stays_away(tables):
    chunks = tables.chunks
    assert not chunks.exists()
    assert (chunks.count(), chunks.read().num_rows, chunks.by("id", ["a"]).num_rows) == (0, 0, 0)
    assert chunks.holding(["a"], ("id",)).num_rows == 0
    chunks.delete(["d1"])
    chunks.maintain()
    chunks.replace([], rows_of(tables))
    assert not chunks.exists()
    assert tables.stored() == []


def test_replacing_makes_the_rows_of_these_documents_exactly_these(tables):
    tables.chunks.replace(["d1", "d2"], rows_of(tables, ("a", "d1", "one"), ("b", "d1", "two"), ("c", "d2", "three")))
    tables.chunks.replace(["d1"], rows_of(tables, ("b", "d1", "TWO"), ("n", "d1", "new")))
    assert shown(tables) == {"b": "TWO", "n": "new", "c": "three"}


def test_replacing_is_one_commit(tables):
    tables.chunks.replace(["d1"], rows_of(tables, ("a", "d1", "one"), ("b", "d1", "two")), fresh=True)
    before = tables.chunks.versions()
    many = [f"no document {n}" for n in range(3_000)]
    tables.chunks.replace(["d1", *many], rows_of(tables, ("b", "d1", "TWO"), ("c", "d1", "three")))
    assert tables.chunks.versions() == before + 1
    assert shown(tables) == {"b": "TWO", "c": "three"}


def test_replacing_twice_leaves_the_same_rows(tables):
    for _ in range(2):
        tables.chunks.replace(["d1"], rows_of(tables, ("a", "d1", "one"), ("b", "d1", "two")))
    assert tables.chunks.count() == 2


def test_replacing_with_nothing_deletes(tables):
    tables.chunks.replace(["d1", "d2"], rows_of(tables, ("a", "d1", "one"), ("c", "d2", "three")))
    tables.chunks.replace(["d1", "never"], rows_of(tables))
    assert shown(tables) == {"c": "three"}


def test_a_row_that_moves_to_another_document_is_there_once(tables):
    tables.chunks.replace(["d1"], rows_of(tables, ("a", "d1", "one")))
    tables.chunks.replace(["d1", "d2"], rows_of(tables, ("a", "d2", "one")))
    assert tables.chunks.by("document_id", ["d2"], ("id",))["id"].to_pylist() == ["a"]
    assert tables.chunks.count() == 1


def test_upserting_overwrites_by_key_and_leaves_the_rest(tables):
    tables.chunks.upsert(rows_of(tables, ("a", "d1", "one"), ("b", "d1", "two")))
    tables.chunks.upsert(rows_of(tables, ("b", "d1", "TWO"), ("c", "d1", "three")))
    tables.chunks.upsert(rows_of(tables))
    assert shown(tables) == {"a": "one", "b": "TWO", "c": "three"}


def test_deleting_what_is_not_there_commits_nothing(tables):
    tables.chunks.upsert(rows_of(tables, ("a", "d1", "one")))
    before = tables.chunks.versions()
    tables.chunks.delete(["never"])
    assert tables.chunks.versions() == before


def test_deleting_by_another_column_and_very_many_ids(tables):
    tables.chunks.upsert(rows_of(tables, *((f"c{n}", f"d{n % 10}", "x") for n in range(2_500))))
    tables.chunks.delete([f"c{n}" for n in range(0, 2_500, 2)], "id")
    assert tables.chunks.count() == 1_250
    tables.chunks.delete([f"d{n}" for n in range(10)])
    assert tables.chunks.count() == 0


def test_single_rows_are_deleted_by_their_whole_key(tables):
    mentions = tables.mentions
    keys = [(chunk, name, origin) for chunk in ("c1", "c2") for name in AWKWARD for origin in ("title", "lookup")]
    empty = dict.fromkeys(mentions.schema.names) | {"shard": 0, "spans": []}
    rows = [empty | dict(zip(mentions.spec.key, key, strict=True)) for key in keys]
    mentions.upsert(mentions.arrow(rows))
    mentions.delete_rows([row for row in rows if row["origin"] == "lookup" and row["chunk_id"] == "c1"])
    left = {tuple(row.values()) for row in mentions.read(None, mentions.spec.key).to_pylist()}
    assert left == {key for key in keys if key[::2] != ("c1", "lookup")}


def test_hundreds_of_single_rows_are_deleted_at_once(tables):
    entities = [{"entity_id": f"e{n}", "community_id": "k", "level": 0} for n in range(600)]
    tables.memberships.upsert(tables.memberships.arrow(entities))
    tables.memberships.delete_rows(entities[:550])
    assert tables.memberships.count() == 50


def test_a_row_without_a_column_or_with_a_wrong_type_is_refused_before_anything_is_written(tables):
    with pytest.raises(KeyError, match="level"):
        tables.memberships.arrow([{"entity_id": "e", "community_id": "k"}])
    with pytest.raises(ValueError, match="int64"):
        tables.memberships.arrow([{"entity_id": "e", "community_id": "k", "level": "top"}])
    assert tables.names() == []


def test_a_vector_of_another_dimension_is_refused(tables):
    embeddings = tables.embeddings("m", 4)
    row = dict.fromkeys(embeddings.schema.names) | {"chunk_id": "a", "document_id": "d", "heading_path": []}
    embeddings.upsert(embeddings.arrow([row | {"vector": [0.0, 0.0, 0.6, 0.8]}]))
    with pytest.raises(ValueError, match="Length"):
        embeddings.arrow([row | {"vector": [1.0]}])
    assert embeddings.read(None, ("vector",))["vector"].to_pylist() == [pytest.approx([0.0, 0.0, 0.6, 0.8])]


# -- reading


def test_ids_of_every_kind_are_found_and_nothing_else(tables):
    tables.chunks.upsert(rows_of(tables, *((i, i, i) for i in AWKWARD), ("plain", "plain", "plain")))
    found = tables.chunks.by("id", AWKWARD, ("id",))
    assert sorted(found["id"].to_pylist()) == sorted(AWKWARD)
    for one in AWKWARD:
        assert tables.chunks.by("document_id", [one, "it"], ("text",))["text"].to_pylist() == [one]
        assert tables.chunks.count(is_in("id", [one])) == 1
    tables.chunks.delete(AWKWARD)
    assert list(shown(tables)) == ["plain"]


@pytest.mark.parametrize("columns", [None, ("text",), ("text", "id")])
def test_few_ids_and_very_many_give_the_same_rows(tables, columns):
    tables.chunks.upsert(rows_of(tables, *((f"c{n}", "d", f"text {n}") for n in range(50))))
    few = [f"c{n}" for n in range(0, 50, 5)]
    many = [*few, *(f"no chunk {n}" for n in range(table.SCAN + 1))]
    one, other = (tables.chunks.by("id", ids, columns) for ids in (few, many))
    assert one.schema == other.schema
    assert sorted(one["text"].to_pylist()) == sorted(other["text"].to_pylist())
    assert one.num_rows == len(few)


def test_an_id_that_is_asked_for_twice_is_given_once(tables):
    tables.chunks.upsert(rows_of(tables, ("a", "d1", "one")))
    assert tables.chunks.by("id", ["a", "a"]).num_rows == 1
    assert tables.chunks.by("id", []).schema == tables.chunks.schema


def test_rows_come_in_the_columns_and_types_of_the_schema(tables):
    told = rows_of(tables, ("a", "d1", "one"), heading_path=["Leave", "It's"], char_end=9)
    tables.chunks.upsert(told)
    assert tables.chunks.read().to_pylist() == told.to_pylist()
    assert tables.chunks.read().schema == tables.chunks.schema


def test_rows_read_are_counted(tables):
    tables.chunks.upsert(rows_of(tables, ("a", "d1", "one"), ("b", "d1", "two")))
    tables.chunks.by("id", ["a"])
    tables.chunks.read()
    assert tables.chunks.rows_read == 3


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


def indexed(of):
    return {column for index in of.lance.list_indices() for column in index.columns}


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
from tests.resources.test_tables import opened, rows_of
tables, name = opened(Path(sys.argv[1])), sys.argv[2]
for n in range(6):
    tables.chunks.replace([f"{name}{n}"], rows_of(tables, (f"{name}{n}", f"{name}{n}", name), ("both", "both", name)))
tables.chunks.compact()
"""


def test_two_processes_that_write_one_new_table_both_succeed_and_a_reader_sees_it(tables, tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], cwd=REPOSITORY) for name in ("a", "b")
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
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
