"""A content table on a real LanceDB folder: rows are replaced in groups and read by key."""

import pytest

from resources import table
from resources.tables import is_in
from tests.resources.chunk_rows import opened, rows_of, shown

AWKWARD = ["it's", 'a "b"', "back\\slash", "100%_", "漢字🚢", "a,b) OR (1=1", "''", "line\nbreak", " "]


@pytest.fixture
def tables(tmp_path):
    return opened(tmp_path)


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
