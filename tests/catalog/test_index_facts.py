"""What an index is fixed to, and catalogs that are refused or cannot be used: each says why and what to do."""

import pytest
import sqlalchemy as sa

from resources.catalog import Catalog, database, schema
from resources.errors import CatalogUnavailable, IndexRefused, SettingsError
from tests.catalog.listings import fill


def test_facts_are_fixed_at_their_first_use(catalog):
    assert catalog.bind({"graph.shards": 4}) == {"graph.shards": 4}
    assert catalog.bind({"graph.shards": 4, "sources.handbook.shards": 1})["sources.handbook.shards"] == 1
    assert catalog.bind({}) == {"graph.shards": 4, "sources.handbook.shards": 1}


def test_other_shard_counts_are_refused_with_the_way_out_and_nothing_is_fixed(catalog):
    catalog.bind({"graph.shards": 4})
    with pytest.raises(IndexRefused) as refused:
        catalog.bind({"a.new.fact": 1, "graph.shards": 8})
    assert str(refused.value) == (
        "the index was made with graph.shards 4, the settings say 8; set it back, or remove the index and the catalog "
        "and run `rag index` to build anew."
    )
    assert catalog.bind({}) == {"graph.shards": 4}


def test_the_facts_of_a_forgotten_source_can_be_let_go(catalog):
    catalog.bind({"graph.shards": 4, "sources.handbook.shards": 1})
    catalog.unbind(["sources.handbook.shards", "sources.never.shards"])
    assert catalog.bind({"sources.handbook.shards": 16}) == {"graph.shards": 4, "sources.handbook.shards": 16}


def test_single_values_are_kept(catalog):
    assert catalog.get("live_embeddings") is None
    catalog.put("live_embeddings", "a")
    catalog.put("live_embeddings", "b")
    assert catalog.get("live_embeddings") == "b"


def test_a_catalog_keeps_what_it_knows_when_it_is_closed(url):
    for _ in range(2):
        catalog = Catalog(url)
        catalog.bind({"graph.shards": 4})
        catalog.close()
        assert catalog.get("schema") == str(schema.VERSION)
        catalog.close()


def test_a_catalog_of_an_older_release_is_brought_up_to_date_and_keeps_what_it_knows(url):
    catalog = Catalog(url)
    fill(catalog, ["a.md", "b/a.md"])
    with catalog.database.begin() as connection:
        for index in schema.items.indexes:
            if index.name != "items_by_document":
                index.drop(connection)
        connection.exec_driver_sql("ALTER TABLE items DROP COLUMN identity")
        connection.exec_driver_sql("ALTER TABLE queue DROP COLUMN touches")
        schema.intents.drop(connection)
        connection.exec_driver_sql("UPDATE meta SET value = '1' WHERE key = 'schema'")
    catalog.close()
    assert list(catalog.items.known("handbook", "").versions()) == ["a.md", "b/a.md"]
    assert catalog.get("schema") == str(schema.VERSION)
    catalog.queues.touch("entities", {"g00": ["a"]})
    assert catalog.queues.take("entities") == {"a": 1}
    assert catalog.queues.awaited("entities") == {"a"}
    catalog.close()


def test_a_catalog_of_a_newer_release_is_refused_by_name_and_left_alone(url):
    catalog = Catalog(url)
    catalog.put("schema", str(schema.VERSION + 1))
    catalog.close()
    for _ in range(2):
        with pytest.raises(IndexRefused) as refused:
            catalog.bind({"graph.shards": 4})
        assert str(refused.value) == (
            f"the catalog was written by a newer release (schema {schema.VERSION + 1}, this one knows "
            f"{schema.VERSION}); upgrade rag-assets, or point `catalog` and `index` at new places and index again."
        )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql://rag:s3cret@db/rag?password=s3cret", "mysql://rag:***@db/rag"),
        ("postgresql+asyncpg://rag:s3cret@db/rag", "postgresql+asyncpg://rag:***@db/rag"),
    ],
)
def test_another_kind_of_database_is_refused_without_its_password(url, shown):
    with pytest.raises(SettingsError) as refused:
        Catalog(url).get("schema")
    assert str(refused.value) == f"catalog is {shown}; allowed: a file, or a postgresql+psycopg2:// URL."


def test_a_text_that_is_no_url_is_refused_without_repeating_it():
    with pytest.raises(SettingsError) as refused:
        Catalog("s3cret").get("schema")
    assert "s3cret" not in str(refused.value)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path):
    with pytest.raises(CatalogUnavailable) as refused:
        Catalog(f"postgresql+psycopg2://rag:s3cret@/rag?host={tmp_path}&password=s3cret").get("schema")
    said = str(refused.value)
    assert said.startswith("the catalog postgresql+psycopg2://rag:***@/rag cannot be used (connection to server")
    assert "s3cret" not in said
    assert "\n" not in said


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "catalog.db").write_text("not a database at all, but long enough to look at" * 100)
    with pytest.raises(CatalogUnavailable, match=r"catalog.db cannot be used .file is not a database"):
        Catalog(f"sqlite:///{tmp_path / 'catalog.db'}").get("schema")


def test_a_place_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogUnavailable, match=r"cannot be made .File exists"):
        Catalog(f"sqlite:///{tmp_path / 'file' / 'catalog.db'}").get("schema")


def test_the_folder_of_a_new_catalog_is_made(tmp_path):
    catalog = Catalog(f"sqlite:///{tmp_path / 'not' / 'yet' / 'catalog.db'}")
    assert catalog.get("schema") == str(schema.VERSION)
    catalog.close()


def test_a_writer_that_waits_too_long_says_so(url, monkeypatch):
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.1)
    first, second = Catalog(url), Catalog(url)
    with first.database.begin() as connection:
        connection.execute(sa.delete(schema.queue))
        with pytest.raises(CatalogUnavailable, match=r"cannot be used .*(locked|lock timeout).*no other process"):
            second.put("key", "value")
    second.put("key", "value")
    assert first.get("key") == "value"
    first.close()
    second.close()


def test_a_wrong_statement_is_no_excuse_of_the_database(catalog):
    with pytest.raises(sa.exc.IntegrityError), catalog.database.begin() as connection:
        connection.execute(sa.insert(schema.meta), [{"key": "schema", "value": "again"}])
